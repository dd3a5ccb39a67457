//! Connections to chat platforms.

use actix_web::web::Data;
use firstlight_core::config::DocumentId;
use firstlight_runtime::platforms::config_schema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::entries::{self, Entry, add, list, list_mut, own_masks, remove, replace};
use super::saving::{BasedOn, Saved, Target, change, given};
use crate::app::App;
use crate::http::{Answer, ApiError, Code, Json, Query, Reply, Session};

pub(super) const KEY: &str = "platform";

/// The platforms, with their secrets masked.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ListedPlatforms")]
pub struct Listed {
    /// The forms, and what to begin from.
    config_schema: Value,
    platforms: Vec<Value>,
    revision: i64,
}

/// One entry to be changed.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "UpdateEntry")]
pub struct Update {
    /// The entry as it is called now.
    #[serde(default)]
    pub(super) id: String,
    /// What it becomes. Masked values stand for the stored secrets.
    pub(super) config: Entry,
    /// The revision that the change is based on; it is refused when there is a newer one.
    #[serde(default)]
    pub(super) revision: Option<i64>,
}

/// One entry to be deleted.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "DeleteEntry")]
pub struct Delete {
    #[serde(default)]
    pub(super) id: String,
    /// The revision that the change is based on; it is refused when there is a newer one.
    #[serde(default)]
    pub(super) revision: Option<i64>,
}

/// `GET /api/config/platform/list`
pub async fn read(app: Data<App>) -> Answer<Listed> {
    let view = app.config.view(&DocumentId::Platforms)?;
    let platforms = list(&view.value, KEY).to_vec();
    let config_schema = config_schema();
    Ok(Reply::data(Listed { config_schema, platforms, revision: view.revision }))
}

/// `POST /api/config/platform/new`
pub async fn create(
    app: Data<App>,
    Session(caller): Session,
    Query(based_on): Query<BasedOn>,
    Json(config): Json<Entry>,
) -> Answer<Saved> {
    let id = named(&config)?.to_owned();
    let target = target(based_on.revision, &caller.username);
    let saved = change(&app, target, move |document| {
        add(list_mut(document, KEY)?, "platform", &config)?;
        Ok(vec![id.clone()])
    });
    saved.await?.answer()
}

/// `POST /api/config/platform/update`
pub async fn update(
    app: Data<App>,
    Session(caller): Session,
    Json(Update { id, mut config, revision }): Json<Update>,
) -> Answer<Saved> {
    let id = given("id", &id)?.to_owned();
    let wanted = config.entry("id").or_insert_with(|| json!(id));
    if *wanted != json!(id) {
        let text = "The id of a platform cannot be changed: its sessions are named by it.";
        return Err(ApiError::with(Code::Invalid, text));
    }
    let target = target(revision, &caller.username);
    let reading = Data::clone(&app);
    let saved = change(&app, target, move |document| {
        if revision.is_none() {
            let view = reading.config.view(&DocumentId::Platforms)?.value;
            own_masks(&config, entries::find(list(&view, KEY), &id).into_iter())?;
        }
        replace(list_mut(document, KEY)?, "platform", &id, &config)?;
        Ok(vec![id.clone()])
    });
    saved.await?.answer()
}

/// `POST /api/config/platform/delete`
pub async fn delete(
    app: Data<App>,
    Session(caller): Session,
    Json(which): Json<Delete>,
) -> Answer<Saved> {
    let id = given("id", &which.id)?.to_owned();
    let saved = change(&app, target(which.revision, &caller.username), move |document| {
        remove(list_mut(document, KEY)?, "platform", &id)?;
        Ok(Vec::new())
    });
    saved.await?.answer()
}

fn target(expected: Option<i64>, author: &str) -> Target {
    Target { id: DocumentId::Platforms, expected, author: author.to_owned() }
}

/// The id of an entry that is to be saved.
pub(super) fn named(config: &Entry) -> Result<&str, ApiError> {
    given("id", config.get("id").and_then(Value::as_str).unwrap_or_default())
}
