//! Where models are reached. A change of a source is a change of each provider on it.

use actix_web::web::Data;
use firstlight_core::config::DocumentId;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::entries::{self, Entry, add, list, list_mut, own_masks, remove, replace};
use super::platforms::{Delete, named};
use super::providers::{self, target};
use super::saving::{Saved, change, given};
use crate::app::App;
use crate::http::{Answer, ApiError, Json, Session};

pub(super) const KEY: &str = "provider_sources";

/// A source to be saved.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SaveSource")]
pub struct Upsert {
    /// What it was called so far; a source that is not there is added.
    #[serde(default)]
    original_id: String,
    /// What it becomes. Masked values stand for the stored secrets.
    config: Entry,
    /// The revision that the change is based on; it is refused when there is a newer one.
    #[serde(default)]
    revision: Option<i64>,
}

/// `POST /api/config/provider_sources/update`
pub async fn update(
    app: Data<App>,
    Session(caller): Session,
    Json(Upsert { original_id, mut config, revision }): Json<Upsert>,
) -> Answer<Saved> {
    let original = original_id.trim().to_owned();
    if !original.is_empty() {
        config.entry("id").or_insert_with(|| json!(original));
    }
    let id = named(&config)?.to_owned();
    let original = if original.is_empty() { id.clone() } else { original };
    let target = target(revision, &caller.username);
    let reading = Data::clone(&app);
    let saved = change(&app, target, move |document| {
        let sources = list_mut(document, KEY)?;
        if entries::find(sources, &original).is_none() {
            add(sources, "source", &config)?;
        } else {
            if revision.is_none() {
                let view = reading.config.view(&DocumentId::Providers)?.value;
                own_masks(&config, entries::find(list(&view, KEY), &original).into_iter())?;
            }
            replace(sources, "source", &original, &config)?;
        }
        moved(document, &original, &id)
    });
    saved.await?.answer()
}

/// Makes the providers on one source providers on another, and names them.
fn moved(document: &mut Value, from: &str, to: &str) -> Result<Vec<String>, ApiError> {
    let mut names = Vec::new();
    for provider in list_mut(document, providers::KEY)? {
        if entries::text(provider, "provider_source_id") != from {
            continue;
        }
        names.push(entries::id(provider).to_owned());
        if let Some(provider) = provider.as_object_mut() {
            provider.insert("provider_source_id".to_owned(), json!(to));
        }
    }
    Ok(names)
}

/// `POST /api/config/provider_sources/delete`: its providers go with it.
pub async fn delete(
    app: Data<App>,
    Session(caller): Session,
    Json(which): Json<Delete>,
) -> Answer<Saved> {
    let id = given("id", &which.id)?.to_owned();
    let saved = change(&app, target(which.revision, &caller.username), move |document| {
        remove(list_mut(document, KEY)?, "source", &id)?;
        let providers = list_mut(document, providers::KEY)?;
        providers.retain(|provider| entries::text(provider, "provider_source_id") != id);
        Ok(Vec::new())
    });
    saved.await?.answer()
}
