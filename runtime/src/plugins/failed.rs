//! Plugins that failed to load, kept across clean-up so that they can be repaired.

use std::collections::BTreeMap;
use std::sync::Arc;

use firstlight_plugins_api::Manifest;
use jiff::Timestamp;
use parking_lot::Mutex;

use super::call::PluginCallError;
use super::hints::hint;

/// One plugin that is not running, and why.
#[derive(Debug, Clone)]
pub struct FailedPlugin {
    /// Who it is.
    pub manifest: Manifest,
    /// The error, as one text.
    pub error: String,
    /// What to do about it.
    pub hint: &'static str,
    /// The last lines that it wrote to its log.
    pub log: Vec<String>,
    /// When it failed.
    pub at: Timestamp,
}

/// The records of failed plugins by name. One for the whole process: a failed bootstrap tears down
/// everything else, and these records are what the recovery rows then work from.
#[derive(Debug, Clone, Default)]
pub struct FailedPlugins(Arc<Mutex<BTreeMap<String, FailedPlugin>>>);

impl FailedPlugins {
    /// All records, by name.
    pub fn list(&self) -> BTreeMap<String, FailedPlugin> {
        self.0.lock().clone()
    }

    /// The record of one plugin.
    pub fn find(&self, name: &str) -> Option<FailedPlugin> {
        self.0.lock().get(name).cloned()
    }

    pub(super) fn record(&self, manifest: &Manifest, error: &PluginCallError, log: Vec<String>) {
        let failed = FailedPlugin {
            manifest: manifest.clone(),
            error: error.to_string(),
            hint: hint(error),
            log,
            at: Timestamp::now(),
        };
        self.0.lock().insert(manifest.name.clone(), failed);
    }

    /// Forgets a plugin: it loaded, or it was uninstalled.
    pub(super) fn forget(&self, name: &str) -> bool {
        self.0.lock().remove(name).is_some()
    }
}
