//! Plugins: what is compiled in, what is loaded, what failed.
//!
//! * [`Registration`] is one plugin that can be loaded: its manifest and how to make it.
//! * [`Plugins`] is the live registry. Web routes and tools are read from it at each call, so a
//!   plugin that is gone answers nothing (the ancestor kept a stale index).
//! * [`FailedPlugins`] outlives the runtime: it is what the recovery rows list after a failed
//!   bootstrap.

mod call;
mod component;
#[expect(
    dead_code,
    clippy::unused_async,
    clippy::unused_self,
    reason = "what plugins do with it comes next"
)]
pub(crate) mod dispatch;
mod erased;
mod failed;
mod registry;
mod runtime_status;
mod sources;

pub use call::PluginCallError;
pub use component::PluginsComponent;
pub use erased::Registration;
pub use failed::{FailedPlugin, FailedPlugins};
pub use registry::{PluginInformation, Plugins, ReloadError};
pub use runtime_status::{RuntimeStatusPlugin, StatusBoard};
pub use sources::{PluginSources, RemoveFailedError};
