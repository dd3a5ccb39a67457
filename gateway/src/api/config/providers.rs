//! Models: one entry each, most of them on a source.

use actix_web::web::Data;
use firstlight_core::config::DocumentId;
use firstlight_runtime::providers::templates;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::applying::effective;
use super::entries::{self, Entry, add, list, list_mut, own_masks, remove, replace};
use super::platforms::{Delete, Update, named};
use super::saving::{BasedOn, Saved, Target, change, given};
use super::sources;
use crate::app::App;
use crate::http::{Answer, Json, Query, Reply, Session};

pub(super) const KEY: &str = "provider";

/// Which kinds of providers.
#[derive(Deserialize, JsonSchema)]
pub struct OfKinds {
    /// Kinds such as `chat_completion`, with commas between them; all when absent.
    #[serde(default)]
    provider_type: Option<String>,
}

/// What a form for providers is made of.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ProviderTemplate")]
pub struct Template {
    /// The forms, and what to begin from.
    config_schema: Value,
    /// The models, with their secrets masked.
    providers: Vec<Value>,
    /// The sources, with their secrets masked.
    provider_sources: Vec<Value>,
    revision: i64,
}

/// `GET /api/config/provider/template`
pub async fn template(app: Data<App>) -> Answer<Template> {
    let view = app.config.view(&DocumentId::Providers)?;
    Ok(Reply::data(Template {
        config_schema: templates::config_schema(),
        providers: list(&view.value, KEY).to_vec(),
        provider_sources: list(&view.value, sources::KEY).to_vec(),
        revision: view.revision,
    }))
}

/// `GET /api/config/provider/list`: each merged with its source.
pub async fn read(app: Data<App>, Query(of): Query<OfKinds>) -> Answer<Vec<Entry>> {
    let view = app.config.view(&DocumentId::Providers)?;
    let kinds = of.provider_type.unwrap_or_default();
    let kinds: Vec<&str> =
        kinds.split(',').map(str::trim).filter(|kind| !kind.is_empty()).collect();
    let fits = |provider: &Entry| {
        let kind = provider.get("provider_type").and_then(Value::as_str);
        let kind = kind.filter(|kind| !kind.is_empty()).unwrap_or("chat_completion");
        kinds.is_empty() || kinds.contains(&kind)
    };
    let providers = effective(&view.value).into_iter().map(|(_, provider)| provider);
    Ok(Reply::data(providers.filter(fits).collect()))
}

/// `POST /api/config/provider/new`
pub async fn create(
    app: Data<App>,
    Session(caller): Session,
    Query(based_on): Query<BasedOn>,
    Json(config): Json<Entry>,
) -> Answer<Saved> {
    let id = named(&config)?.to_owned();
    let saved = change(&app, target(based_on.revision, &caller.username), move |document| {
        add(list_mut(document, KEY)?, "provider", &config)?;
        Ok(vec![id.clone()])
    });
    saved.await?.answer()
}

/// `POST /api/config/provider/update`
pub async fn update(
    app: Data<App>,
    Session(caller): Session,
    Json(Update { id, mut config, revision }): Json<Update>,
) -> Answer<Saved> {
    let id = given("id", &id)?.to_owned();
    config.entry("id").or_insert_with(|| json!(id));
    let new_id = named(&config)?.to_owned();
    let target = target(revision, &caller.username);
    let reading = Data::clone(&app);
    let saved = change(&app, target, move |document| {
        if revision.is_none() {
            let view = reading.config.view(&DocumentId::Providers)?.value;
            // The list shows a provider merged with its source.
            let own = entries::find(list(&view, KEY), &id);
            let source = own.map(|own| entries::text(own, "provider_source_id"));
            let source = source.and_then(|source| entries::find(list(&view, sources::KEY), source));
            own_masks(&config, own.into_iter().chain(source))?;
        }
        replace(list_mut(document, KEY)?, "provider", &id, &config)?;
        Ok(vec![new_id.clone()])
    });
    saved.await?.answer()
}

/// `POST /api/config/provider/delete`
pub async fn delete(
    app: Data<App>,
    Session(caller): Session,
    Json(which): Json<Delete>,
) -> Answer<Saved> {
    let id = given("id", &which.id)?.to_owned();
    let saved = change(&app, target(which.revision, &caller.username), move |document| {
        remove(list_mut(document, KEY)?, "provider", &id)?;
        Ok(Vec::new())
    });
    saved.await?.answer()
}

pub(super) fn target(expected: Option<i64>, author: &str) -> Target {
    Target { id: DocumentId::Providers, expected, author: author.to_owned() }
}
