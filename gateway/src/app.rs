//! What every handler can reach.

use firstlight_core::lifecycle::Snapshot;
use tokio::sync::watch;

use crate::Rt;
use crate::auth::Auth;
use crate::http::origin::Origins;

/// The state of the gateway. The composition root fills it in one place; add a field here and
/// there, nowhere else.
pub struct App {
    /// The published state of the runtime.
    pub lifecycle: watch::Receiver<Snapshot<Rt>>,
    /// Log-ins and API keys.
    pub auth: Auth,
    /// The origins that browsers may call from.
    pub origins: Origins,
}
