//! On what terms a plugin is here: what it was granted, and its rates.

use std::sync::Arc;

use firstlight_plugins_api::{Capabilities, Capability, HostError, Level};
use metrics::counter;

use super::log_line::PluginLog;
use super::outbound::Outbound;
use crate::plugins::budgets::Budgets;

/// What one plugin may, for as long as it is loaded. Other grants are a reason to load it again.
pub(in crate::plugins) struct Terms {
    plugin: Arc<str>,
    grants: Arc<Capabilities>,
    pub(in crate::plugins) budgets: Budgets,
    pub(in crate::plugins) log: PluginLog,
    pub(super) outbound: Outbound,
}

impl Terms {
    pub(in crate::plugins) fn new(
        plugin: &str,
        grants: Capabilities,
        budgets: Budgets,
        level: Option<Level>,
    ) -> Arc<Self> {
        Arc::new(Self {
            plugin: Arc::from(plugin),
            grants: Arc::new(grants),
            log: PluginLog::new(plugin, budgets.log_lines_per_s, level),
            outbound: Outbound::new(budgets.requests_per_min),
            budgets,
        })
    }

    /// What is granted now.
    pub(in crate::plugins) fn granted(&self) -> Arc<Capabilities> {
        Arc::clone(&self.grants)
    }

    /// Refuses what was not granted, and counts it.
    pub(in crate::plugins) fn check(
        &self,
        capability: Capability,
        what: &str,
    ) -> Result<(), HostError> {
        if self.grants.has(capability) {
            return Ok(());
        }
        let plugin = self.plugin.to_string();
        counter!(
            "firstlight_plugin_refused_total",
            "plugin" => plugin, "capability" => capability.name()
        )
        .increment(1);
        self.log.write(Level::Warn, &format!("{what} was refused: {capability} is not granted"));
        Err(HostError::NotGranted { capability, reason: what.to_owned() })
    }
}
