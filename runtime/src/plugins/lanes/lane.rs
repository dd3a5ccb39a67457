//! What every lane can do.

use async_trait::async_trait;
use firstlight_plugins_api::PluginError;
use firstlight_plugins_api::wire::GuestCall;

/// One plugin in its lane.
#[async_trait]
pub(in crate::plugins) trait Lane: Send + Sync {
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
