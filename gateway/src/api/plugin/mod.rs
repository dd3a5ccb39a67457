//! Plugins (reference D.5): listed, installed, changed, repaired after a failure, and their pages.
//!
//! | file | what it holds |
//! |---|---|
//! | [`listing`], [`shapes`] | what there is, and how it is shown |
//! | [`installing`], [`consent`] | installing, and what the operator must agree to first |
//! | [`changing`] | updating, enabling, disabling, loading again, uninstalling |
//! | [`recovering`] | the rows that work without a runtime |
//! | [`market`] | lists of plugins that can be had |
//! | [`settings`] | grants, budgets and the log's level |
//! | [`pages`], [`page_tokens`] | pages that plugins bring |
//! | `errors` | what the runtime's errors mean to a caller |

pub mod changing;
pub mod consent;
mod errors;
pub mod installing;
pub mod listing;
pub mod market;
mod page_tokens;
pub mod pages;
pub mod recovering;
pub mod settings;
pub mod shapes;
#[cfg(test)]
mod tests;

pub use page_tokens::PageTokens;

use firstlight_core::config::{ConfigError, DocumentId};
use schemars::JsonSchema;
use serde::Deserialize;

use super::config::saving::given;
use crate::app::App;
use crate::http::ApiError;

/// Which plugin.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PluginNamed")]
pub struct Named {
    #[serde(default)]
    name: String,
}

/// Which plugin; all of them when absent.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PluginMaybeNamed")]
pub struct MaybeNamed {
    #[serde(default)]
    name: Option<String>,
}

impl Named {
    fn given(&self) -> Result<&str, ApiError> {
        given("name", &self.name)
    }
}

/// Removes the settings of a plugin that is gone.
async fn forget_settings(app: &App, plugin: &str, author: &str) -> Result<(), ApiError> {
    match app.config.delete(&DocumentId::Plugin(plugin.to_owned()), author).await {
        // A plugin without settings has nothing to forget.
        Ok(()) | Err(ConfigError::Missing { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
