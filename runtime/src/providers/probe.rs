//! Trying a provider out: does it answer, which models does it have?
//!
//! These also work without a runtime, on a provider made for the occasion, because a
//! configuration is repaired most often when nothing runs.

use std::time::Duration;

use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::Serialize;

use super::chat::ChatProvider;
use super::config::{ProviderConfig, ProviderDefaults};
use super::error::{Deadline, ProviderError};
use super::kinds;
use super::registry::contained;

/// How long a try may take.
const LIMIT: Duration = Duration::from_secs(45);

/// How a try went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ProbeReport {
    /// The provider.
    pub id: String,
    /// The model it was asked for.
    pub model: String,
    /// What it is for.
    #[serde(rename = "type")]
    pub provider_type: String,
    /// How a page names it.
    pub name: String,
    /// Whether it answered.
    pub status: Availability,
    /// Why it did not.
    pub error: Option<String>,
}

/// Whether a provider answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Availability {
    /// It did.
    Available,
    /// It did not.
    Unavailable,
}

/// Asks a loaded provider for one word.
pub async fn check(provider: &dyn ChatProvider) -> ProbeReport {
    let meta = provider.meta();
    let result = contained(LIMIT, Deadline::Whole, provider.test()).await;
    ProbeReport {
        id: meta.id.clone(),
        model: meta.model.clone(),
        provider_type: meta.provider_type.clone(),
        name: meta.id.clone(),
        status: if result.is_ok() { Availability::Available } else { Availability::Unavailable },
        error: result.err().map(|error| error.to_string()),
    }
}

/// Asks a provider that is not loaded for one word.
pub async fn check_config(config: &ProviderConfig, defaults: &ProviderDefaults) -> ProbeReport {
    let made =
        briefly(config, defaults, |provider| Box::pin(async move { Ok(check(provider).await) }));
    made.await.unwrap_or_else(|error| ProbeReport {
        id: config.id.clone(),
        model: config.model.clone(),
        provider_type: config.provider_type.clone(),
        name: config.id.clone(),
        status: Availability::Unavailable,
        error: Some(error.to_string()),
    })
}

/// The models of a provider that is loaded.
pub async fn models(provider: &dyn ChatProvider) -> Result<Vec<String>, ProviderError> {
    contained(LIMIT, Deadline::Whole, provider.models()).await
}

/// The models of a provider that is not loaded, or of a source alone.
pub async fn models_of_config(
    config: &ProviderConfig,
    defaults: &ProviderDefaults,
) -> Result<Vec<String>, ProviderError> {
    briefly(config, defaults, |provider| Box::pin(models(provider))).await
}

/// Makes a provider, does one thing with it and ends it.
async fn briefly<T>(
    config: &ProviderConfig,
    defaults: &ProviderDefaults,
    work: impl for<'p> FnOnce(&'p dyn ChatProvider) -> BoxFuture<'p, Result<T, ProviderError>>,
) -> Result<T, ProviderError> {
    let provider = kinds::build(config, defaults)?;
    let result = work(provider.as_ref()).await;
    if let Err(error) = contained(LIMIT, Deadline::Close, provider.close()).await {
        tracing::warn!(provider = config.id, %error, "a provider did not end cleanly");
    }
    result
}
