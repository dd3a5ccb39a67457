//! Where plugins live that are not part of this program.
//!
//! * [`component`]: WebAssembly, in a sandbox in this process.
//! * [`process`]: a program of its own, over its standard input and output.
//! * `remote` makes of either what the rest of the gateway calls a plugin; `line` answers what it
//!   asks of the gateway, and refuses what it was not granted.

pub(super) mod component;
mod line;
pub(super) mod process;
mod remote;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use firstlight_plugins_api::PluginError;
use firstlight_plugins_api::wire::GuestCall;

pub(super) use line::HostLine;
pub(super) use remote::RemotePlugin;

/// One plugin in its lane.
#[async_trait]
pub(super) trait Lane: Send + Sync {
    /// Makes a call and answers JSON text. A [`PluginError::Fault`] says that the plugin broke.
    /// Dropping the future gives the call up.
    async fn call(&self, call: &GuestCall) -> Result<String, PluginError>;

    /// A call passed its deadline and was given up.
    fn overran(&self, call: &'static str);

    /// The settings were taken over by one instance; others must not go on with the old ones.
    fn settings_taken(&self);

    /// Takes it down. It is not called afterwards.
    async fn end(&self);

    /// What it uses.
    fn usage(&self) -> LaneUsage;
}

/// What a plugin uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LaneUsage {
    /// Instances, or processes.
    pub instances: usize,
    /// Processor time since it was loaded, in milliseconds.
    pub cpu_ms: u64,
    /// Memory, in bytes.
    pub memory: u64,
}
