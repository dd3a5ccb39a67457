//! Trying a connection out: does a provider answer, which models are there?
//!
//! No row here holds on to the runtime while it waits for the far side: a try of 45 seconds must
//! not delay a stop. A provider that is told to end ends its try itself.

use std::sync::Arc;

use actix_web::web::Data;
use firstlight_core::config::DocumentId;
use firstlight_runtime::metadata::Metadata;
use firstlight_runtime::providers::probe::{self, Availability, ProbeReport};
use firstlight_runtime::providers::{
    ChatProvider, ProviderConfig, ProviderDefaults, ProviderError,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::entries::{find, list};
use super::saving::{given, no_such};
use super::sources;
use crate::app::App;
use crate::http::{Answer, ApiError, Code, MaybeRuntime, Query, Reply};

/// Which provider.
#[derive(Deserialize, JsonSchema)]
pub struct Checked {
    #[serde(default)]
    id: String,
}

/// Which provider.
#[derive(Deserialize, JsonSchema)]
pub struct OfProvider {
    #[serde(default)]
    provider_id: String,
}

/// Which source.
#[derive(Deserialize, JsonSchema)]
pub struct OfSource {
    #[serde(default)]
    source_id: String,
}

/// The models that a provider could ask.
#[derive(Serialize, JsonSchema)]
pub struct ProviderModels {
    models: Vec<String>,
    provider_id: String,
    /// What is known about them, by model.
    model_metadata: Map<String, Value>,
}

/// The models that a source has.
#[derive(Serialize, JsonSchema)]
pub struct SourceModels {
    models: Vec<String>,
    /// What is known about them, by model.
    model_metadata: Map<String, Value>,
}

/// What there is to try.
struct Subject {
    /// The provider, when it is loaded.
    loaded: Option<Arc<dyn ChatProvider>>,
    config: Result<ProviderConfig, ProviderError>,
    defaults: ProviderDefaults,
    metadata: Metadata,
}

/// `GET /api/config/provider/check_one`
pub async fn check(
    app: Data<App>,
    runtime: MaybeRuntime,
    Query(which): Query<Checked>,
) -> Answer<ProbeReport> {
    let id = given("id", &which.id)?;
    let subject = Subject::provider(&app, runtime, id)?;
    let report = match (&subject.loaded, &subject.config) {
        (Some(provider), _) => probe::check(provider.as_ref()).await,
        (None, Ok(config)) => probe::check_config(config, &subject.defaults).await,
        (None, Err(error)) => ProbeReport {
            id: id.to_owned(),
            model: String::new(),
            provider_type: "chat_completion".to_owned(),
            name: id.to_owned(),
            status: Availability::Unavailable,
            error: Some(error.to_string()),
        },
    };
    Ok(Reply::data(report))
}

/// `GET /api/config/provider/model_list`
pub async fn provider_models(
    app: Data<App>,
    runtime: MaybeRuntime,
    Query(which): Query<OfProvider>,
) -> Answer<ProviderModels> {
    let id = given("provider_id", &which.provider_id)?;
    let subject = Subject::provider(&app, runtime, id)?;
    let models = subject.models().await?;
    let model_metadata = subject.described(&models);
    Ok(Reply::data(ProviderModels { models, provider_id: id.to_owned(), model_metadata }))
}

/// `GET /api/config/provider_sources/models`
pub async fn source_models(app: Data<App>, Query(which): Query<OfSource>) -> Answer<SourceModels> {
    let id = given("source_id", &which.source_id)?;
    let subject = Subject::source(&app, id)?;
    let models = subject.models().await?;
    let model_metadata = subject.described(&models);
    Ok(Reply::data(SourceModels { models, model_metadata }))
}

impl Subject {
    fn provider(app: &App, MaybeRuntime(lease): MaybeRuntime, id: &str) -> Result<Self, ApiError> {
        let snapshot = app.config.snapshot();
        let document = snapshot.document(&DocumentId::Providers);
        let all = document.map(|found| ProviderConfig::all(&found.value, &app.settings.data_dir));
        let found = all.into_iter().flatten().find(|(known, _)| known == id);
        let (_, config) = found.ok_or_else(|| no_such("provider", id))?;
        Ok(Self {
            loaded: lease.as_ref().and_then(|lease| lease.providers.chat(id)),
            config,
            defaults: defaults(app),
            metadata: app.metadata.clone(),
        })
    }

    fn source(app: &App, id: &str) -> Result<Self, ApiError> {
        let snapshot = app.config.snapshot();
        let document = snapshot.document(&DocumentId::Providers);
        let sources = document.map(|found| list(&found.value, sources::KEY));
        let source = sources.and_then(|sources| find(sources, id));
        let source = source.ok_or_else(|| no_such("source", id))?;
        Ok(Self {
            loaded: None,
            config: ProviderConfig::merged(None, source, &app.settings.data_dir),
            defaults: defaults(app),
            metadata: app.metadata.clone(),
        })
    }

    async fn models(&self) -> Result<Vec<String>, ApiError> {
        let models = match (&self.loaded, &self.config) {
            (Some(provider), _) => probe::models(provider.as_ref()).await,
            (None, Ok(config)) => probe::models_of_config(config, &self.defaults).await,
            (None, Err(error)) => return Err(refused(error)),
        };
        models.map_err(|error| refused(&error))
    }

    fn described(&self, models: &[String]) -> Map<String, Value> {
        let brand = self.config.as_ref().map_or("", |config| config.brand.as_str());
        self.metadata.described(brand, models)
    }
}

/// What counts for every provider; the built-in values where the default profile is broken.
fn defaults(app: &App) -> ProviderDefaults {
    let folder = &app.settings.data_dir;
    match app.config.snapshot().default_profile() {
        Ok(profile) => ProviderDefaults::of(&profile, folder),
        Err(_) => ProviderDefaults { folder: folder.clone(), ..ProviderDefaults::default() },
    }
}

/// The text of such an error holds no key; it is what the person at the form needs to read.
fn refused(error: &ProviderError) -> ApiError {
    let text = format!("The models could not be read: {error}.");
    ApiError::with(Code::ProviderFailed, text)
}
