//! What a rule can choose from, as far as it exists.

use firstlight_runtime::providers::ProviderStatus;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::app::App;
use crate::http::{ApiError, RuntimeLease};

/// A provider to choose.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AvailableProvider")]
pub struct Provider {
    id: String,
    name: String,
    model: String,
}

/// A plugin to switch off.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AvailablePlugin")]
pub struct Plugin {
    name: String,
    display_name: String,
    desc: String,
}

/// A persona to choose.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AvailablePersona")]
pub struct Persona {
    name: String,
    prompt: String,
}

/// There is nothing of this kind to choose from.
pub type Nothing = Vec<Value>;

/// The chat providers that are loaded.
pub fn chat_providers(lease: &RuntimeLease) -> Vec<Provider> {
    let loaded = |record: &firstlight_runtime::providers::ProviderRecord| {
        record.provider_type == "chat_completion" && record.status == ProviderStatus::Loaded
    };
    let records = lease.providers.records().into_iter().filter(loaded);
    records
        .map(|record| Provider { name: record.id.clone(), id: record.id, model: record.model })
        .collect()
}

/// The plugins that can be switched off: not the reserved ones.
pub fn plugins(lease: &RuntimeLease) -> Vec<Plugin> {
    let manifests = lease.plugins.list().into_iter().map(|plugin| plugin.manifest);
    let plugins = manifests.filter(|manifest| !manifest.reserved).map(|manifest| {
        let shown = Some(manifest.display_name).filter(|name| !name.is_empty());
        Plugin {
            display_name: shown.unwrap_or_else(|| manifest.name.clone()),
            name: manifest.name,
            desc: manifest.description,
        }
    });
    plugins.collect()
}

/// The personas, each with the beginning of its prompt.
pub async fn personas(app: &App) -> Result<Vec<Persona>, ApiError> {
    const SHOWN: usize = 200;
    let personas = app.database.personas().all().await?.into_iter().map(|persona| Persona {
        name: persona.persona_id,
        prompt: persona.system_prompt.chars().take(SHOWN).collect(),
    });
    Ok(personas.collect())
}
