//! The whole form.

use serde_json::Value;

use super::item::Fields;

/// The settings form of a plugin.
#[derive(Debug, Clone)]
pub struct SettingsForm {
    pub(super) fields: Fields,
    pub(super) metadata: Value,
}

impl SettingsForm {
    /// The form as it was written, for a page that draws it. Its keys are sorted, as those of every
    /// JSON value; their order in the form is `x-order` of [`schema`](Self::schema).
    pub fn metadata(&self) -> &Value {
        &self.metadata
    }
}
