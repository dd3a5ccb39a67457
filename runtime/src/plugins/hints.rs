//! What to do about a plugin that does not load.

use firstlight_plugins_api::{ManifestError, PluginError};

use super::call::PluginCallError;

/// The next step, in one sentence.
pub(super) fn hint(error: &PluginCallError) -> &'static str {
    match error {
        PluginCallError::Manifest(ManifestError::Incompatible { .. }) => {
            "Update the plugin or Firstlight."
        }
        PluginCallError::Manifest(_)
        | PluginCallError::Route { .. }
        | PluginCallError::Handlers(_) => "Tell its author; uninstall it until it is repaired.",
        PluginCallError::Duplicate { .. } => "Uninstall one of the two.",
        PluginCallError::Refused { .. } => {
            "Install, enable or update what it needs, and try again."
        }
        PluginCallError::Plugin(PluginError::Settings(_)) => "Correct its settings, and try again.",
        PluginCallError::Plugin(_) => {
            "Look at its log, correct what it complains about, and try again."
        }
        PluginCallError::Fault { .. } | PluginCallError::Panicked { .. } => {
            "Look at its log and its budgets; update it, or uninstall it."
        }
        PluginCallError::Resting { .. } => "Wait until it has rested, or reload it.",
        PluginCallError::Deadline { .. } => {
            "See whether what it asks for can be reached, and try again."
        }
    }
}
