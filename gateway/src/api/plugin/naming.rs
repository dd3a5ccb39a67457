//! Which plugin is meant, and what goes with it.

use firstlight_core::config::{ConfigError, DocumentId};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::config::saving::given;
use crate::app::App;
use crate::http::ApiError;

/// Which plugin.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PluginNamed")]
pub struct Named {
    #[serde(default)]
    pub(super) name: String,
}

/// Which plugin; all of them when absent.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PluginMaybeNamed")]
pub struct MaybeNamed {
    #[serde(default)]
    pub(super) name: Option<String>,
}

impl Named {
    pub(super) fn given(&self) -> Result<&str, ApiError> {
        given("name", &self.name)
    }
}

/// Removes the settings of a plugin that is gone.
pub(super) async fn forget_settings(app: &App, plugin: &str, author: &str) -> Result<(), ApiError> {
    match app.config.delete(&DocumentId::Plugin(plugin.to_owned()), author).await {
        // A plugin without settings has nothing to forget.
        Ok(()) | Err(ConfigError::Missing { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
