//! The settings of plugins.

use actix_web::web::Data;
use firstlight_core::config::{ConfigError, DocumentId};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::entries::Entry;
use super::profiles::Whole;
use super::saving::{Saved, Target, change, given, no_such};
use crate::app::App;
use crate::http::{Answer, Json, Query, Reply, Session};

/// Which plugin.
#[derive(Deserialize, JsonSchema)]
pub struct Which {
    #[serde(default)]
    plugin_name: String,
    /// The revision that the change is based on; it is refused when there is a newer one.
    #[serde(default)]
    revision: Option<i64>,
}

/// What a plugin's settings are; nulls when it has none. Before anybody saved them they are what its
/// form begins with, in which there is no secret of the operator's.
pub(super) async fn read(app: &App, plugin: String) -> Answer<Whole> {
    app.plugins.read_if_unread().await?;
    let id = DocumentId::Plugin(plugin.clone());
    let (config, revision) = match app.config.view(&id) {
        Ok(view) => (Some(view.value), view.revision),
        Err(ConfigError::Missing { .. }) => (app.plugins.default_settings(&plugin), 0),
        Err(error) => return Err(error.into()),
    };
    let form = app.plugins.settings_form(&plugin);
    let form = form.or_else(|| config.is_some().then(|| (*app.config.schema(&id)).clone()));
    let metadata = form.map(|form| json!({ plugin: form }));
    Ok(Reply::data(Whole { metadata, config, platform_i18n_translations: None, revision }))
}

/// `POST /api/config/plugin/update`: saves, and loads the plugin again.
pub async fn update(
    app: Data<App>,
    Session(caller): Session,
    Query(which): Query<Which>,
    Json(config): Json<Entry>,
) -> Answer<Saved> {
    let plugin = given("plugin_name", &which.plugin_name)?.to_owned();
    let id = DocumentId::Plugin(plugin.clone());
    app.plugins.read_if_unread().await?;
    if !app.plugins.knows(&plugin) && app.config.snapshot().document(&id).is_none() {
        return Err(no_such("plugin", &plugin));
    }
    let config = Value::Object(config);
    let target = Target { id, expected: which.revision, author: caller.username.clone() };
    let saved = change(&app, target, move |document| {
        document.clone_from(&config);
        Ok(vec![plugin.clone()])
    });
    saved.await?.answer()
}
