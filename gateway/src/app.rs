//! What every handler can reach.

use firstlight_core::lifecycle::{Background, Control};

use crate::Rt;
use crate::auth::Auth;
use crate::http::origin::Origins;

/// The state of the gateway. The composition root fills it in one place; add a field here and
/// there, nowhere else.
pub struct App {
    /// Commands to the supervisor, and the published state of the runtime.
    pub control: Control<Rt>,
    /// The owner of the process' own tasks: a handler must not spawn, its worker may end first.
    pub background: Background,
    /// Log-ins and API keys.
    pub auth: Auth,
    /// The origins that browsers may call from.
    pub origins: Origins,
}
