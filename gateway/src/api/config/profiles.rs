//! Profiles: how the bot behaves. Connections to models and platforms are documents of their own;
//! the contract shows them with the default profile, and a save of a profile leaves them alone.

use actix_web::web::Data;
use firstlight_core::config::{ConfigStore, DEFAULT_PROFILE, DocumentId, Profile};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::entries::{Entry, list};
use super::saving::{Saved, Target, change, given};
use super::{platforms, plugins, providers, sources};
use crate::app::App;
use crate::http::{Answer, ApiError, Code, Empty, Json, Query, Reply, Session};

/// The lists that stand beside the default profile, and where they are kept.
const LISTS: [(&str, DocumentId); 3] = [
    (sources::KEY, DocumentId::Providers),
    (providers::KEY, DocumentId::Providers),
    (platforms::KEY, DocumentId::Platforms),
];

/// Takes longer than a save: it is read once, when the runtime starts.
const LATER: &str = "Saved. The proxy and the number of tries count for providers that are loaded \
                     from the next restart of the runtime on.";

/// A profile to be made.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "NewProfile")]
pub struct New {
    #[serde(default)]
    name: Option<String>,
    /// Its content; the defaults when absent.
    #[serde(default)]
    config: Option<Entry>,
}

/// A profile that was made.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MadeProfile")]
pub struct Made {
    conf_id: String,
    revision: i64,
}

/// Which profile.
#[derive(Deserialize, JsonSchema)]
pub struct Which {
    #[serde(default)]
    id: Option<String>,
    /// `1` for the default profile.
    #[serde(default)]
    system_config: Option<String>,
    /// Accepted and without effect: what is shown is always what is stored.
    #[serde(default)]
    #[serde(rename = "reload_from_file")]
    _reload_from_file: Option<String>,
}

/// A profile.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ShownProfile")]
pub struct Shown {
    /// Its content, with secrets masked.
    config: Value,
    /// The JSON Schema of the content, by the kind of document.
    metadata: Value,
    revision: i64,
}

/// The defaults.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ConfigDefaults")]
pub struct Defaults {
    config: Value,
    /// The JSON Schema of the content, by the kind of document.
    metadata: Value,
}

/// The profiles.
#[derive(Serialize, JsonSchema)]
pub struct Profiles {
    info_list: Vec<Information>,
}

/// What is told about a profile in the list.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ProfileInformation")]
pub struct Information {
    id: String,
    name: String,
    path: String,
}

/// Which profile.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "NamedProfile")]
pub struct Named {
    #[serde(default)]
    id: String,
}

/// A profile's new name.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "RenameProfile")]
pub struct Rename {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: Option<String>,
}

/// Whose configuration.
#[derive(Deserialize, JsonSchema)]
pub struct OfPlugin {
    /// A plugin; the bot itself when absent.
    #[serde(default)]
    plugin_name: Option<String>,
}

/// The configuration of the bot or of a plugin.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "WholeConfig")]
pub struct Whole {
    /// The JSON Schema of the content, by the kind of document; null when there is none.
    pub(super) metadata: Option<Value>,
    /// The content, with secrets masked; null when there is none.
    pub(super) config: Option<Value>,
    /// Only for the bot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) platform_i18n_translations: Option<Map<String, Value>>,
    pub(super) revision: i64,
}

/// A profile to be saved.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SaveProfile")]
pub struct Save {
    /// Its content. Masked values stand for the stored secrets.
    config: Entry,
    #[serde(default)]
    conf_id: String,
    /// The revision that the change is based on; it is refused when there is a newer one.
    #[serde(default)]
    revision: Option<i64>,
}

/// `POST /api/config/abconf/new`
pub async fn create(
    app: Data<App>,
    Session(caller): Session,
    Json(new): Json<New>,
) -> Answer<Made> {
    let name = new.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let title: String = name.unwrap_or("New profile").chars().take(100).collect();
    let config = new.config.map(|config| Value::Object(own_part(config)));
    let made = app.config.create_profile(&title, config, &caller.username).await?;
    let conf_id = profile_id(&made.id).unwrap_or_default().to_owned();
    Ok(Reply::data(Made { conf_id, revision: made.revision }))
}

/// `GET /api/config/abconf`
pub async fn read(app: Data<App>, Query(which): Query<Which>) -> Answer<Shown> {
    let system = which.system_config.is_some_and(|wanted| wanted == "1" || wanted == "true");
    let id = if system { DEFAULT_PROFILE.to_owned() } else { which.id.unwrap_or_default() };
    let id = DocumentId::Profile(given("id", &id)?.to_owned());
    let view = app.config.view(&id)?;
    let metadata = json!({ "profile": &*app.config.schema(&id) });
    Ok(Reply::data(Shown { config: view.value, metadata, revision: view.revision }))
}

/// `GET /api/config/abconfs`: the default one first.
pub async fn all(app: Data<App>) -> Answer<Profiles> {
    let snapshot = app.config.snapshot();
    let mut info_list: Vec<Information> = snapshot
        .documents()
        .filter_map(|document| {
            Some(Information {
                id: profile_id(&document.id)?.to_owned(),
                name: document.title.clone(),
                path: document.id.to_string(),
            })
        })
        .collect();
    info_list.sort_by_key(|profile| profile.id != DEFAULT_PROFILE);
    Ok(Reply::data(Profiles { info_list }))
}

/// `POST /api/config/abconf/delete`. Sessions that were routed to it get the default one.
pub async fn delete(
    app: Data<App>,
    Session(caller): Session,
    Json(which): Json<Named>,
) -> Answer<Empty> {
    let id = given("id", &which.id)?.to_owned();
    app.config.delete(&DocumentId::Profile(id), &caller.username).await?;
    Ok(Reply::done())
}

/// `POST /api/config/abconf/update`
pub async fn rename(app: Data<App>, Json(wanted): Json<Rename>) -> Answer<Empty> {
    let id = DocumentId::Profile(given("id", &wanted.id)?.to_owned());
    let name = wanted.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let Some(name) = name else {
        return Err(ApiError::new(Code::NothingToChange));
    };
    let title: String = name.chars().take(100).collect();
    app.config.rename(&id, &title).await?;
    Ok(Reply::done())
}

/// `GET /api/config/get`
pub async fn whole(app: Data<App>, Query(of): Query<OfPlugin>) -> Answer<Whole> {
    if let Some(plugin) = of.plugin_name.filter(|name| !name.is_empty()) {
        return plugins::read(&app, plugin).await;
    }
    let view = app.config.view(&DocumentId::default_profile())?;
    let mut config = view.value;
    for (key, id) in LISTS {
        beside(&mut config, key, &app.config.view(&id)?.value);
    }
    Ok(Reply::data(Whole {
        metadata: Some(schemas(&app.config)),
        config: Some(config),
        platform_i18n_translations: Some(Map::new()),
        revision: view.revision,
    }))
}

/// `GET /api/config/default`
pub async fn defaults(app: Data<App>) -> Answer<Defaults> {
    let mut config = ConfigStore::default_value(&DocumentId::default_profile());
    for (key, id) in LISTS {
        beside(&mut config, key, &ConfigStore::default_value(&id));
    }
    Ok(Reply::data(Defaults { config, metadata: schemas(&app.config) }))
}

/// `POST /api/config/astrbot/update`
pub async fn save(
    app: Data<App>,
    Session(caller): Session,
    Json(wanted): Json<Save>,
) -> Answer<Saved> {
    let conf_id = given("conf_id", &wanted.conf_id)?.to_owned();
    let id = DocumentId::Profile(conf_id);
    // Saving does not make a profile.
    app.config.view(&id)?;
    let started = started_with(&app, &id);
    let config = Value::Object(own_part(wanted.config));
    let target =
        Target { id: id.clone(), expected: wanted.revision, author: caller.username.clone() };
    let outcome = change(&app, target, move |document| {
        document.clone_from(&config);
        Ok(Vec::new())
    });
    let answer = outcome.await?.answer()?;
    let later = app.control.snapshot().state.live().is_some() && started != started_with(&app, &id);
    Ok(if later { answer.message(LATER) } else { answer })
}

/// What a runtime reads of the default profile only when it starts.
fn started_with(app: &App, id: &DocumentId) -> Option<(String, Vec<String>, u32)> {
    let read = |profile: &Profile| {
        let attempts = profile.provider_settings.request_max_retries;
        (profile.http_proxy.clone(), profile.no_proxy.clone(), attempts)
    };
    let profile = app.config.snapshot().default_profile().ok();
    profile.filter(|_| *id == DocumentId::default_profile()).map(|profile| read(&profile))
}

/// The profile itself, without what stands beside it.
fn own_part(mut config: Entry) -> Entry {
    for (key, _) in LISTS {
        config.remove(key);
    }
    config
}

fn beside(config: &mut Value, key: &str, document: &Value) {
    if let Some(config) = config.as_object_mut() {
        config.insert(key.to_owned(), json!(list(document, key)));
    }
}

fn schemas(config: &ConfigStore) -> Value {
    json!({
        "profile": &*config.schema(&DocumentId::default_profile()),
        "providers": &*config.schema(&DocumentId::Providers),
        "platforms": &*config.schema(&DocumentId::Platforms),
    })
}

fn profile_id(id: &DocumentId) -> Option<&str> {
    match id {
        DocumentId::Profile(id) => Some(id),
        _ => None,
    }
}
