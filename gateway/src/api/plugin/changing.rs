//! Plugins that are installed: updated, enabled, disabled, loaded again, uninstalled.

use actix_web::web::Data;
use firstlight_core::db::RemovedData;
use firstlight_core::messages::Language;
use firstlight_runtime::plugins::Installed;
use futures_util::{StreamExt as _, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::consent::words;
use super::{MaybeNamed, Named, forget_settings};
use crate::api::config::saving::{carried_out, given};
use crate::app::App;
use crate::http::{
    Answer, ApiError, Code, Empty, Json, Message, Reply, RuntimeLease, Session, Wanted,
};

/// How many plugins are updated at the same time.
const AT_ONCE: usize = 3;
/// How many may be asked for in one call.
const MOST: usize = 1000;

/// Which plugin to update.
#[derive(Deserialize, JsonSchema)]
pub struct Update {
    #[serde(default)]
    name: String,
    /// Not used: the gateway's own settings decide.
    #[serde(default)]
    proxy: Option<String>,
}

/// Which plugins to update.
#[derive(Deserialize, JsonSchema)]
pub struct UpdateAll {
    #[serde(default)]
    names: Vec<String>,
    /// Not used: the gateway's own settings decide.
    #[serde(default)]
    proxy: Option<String>,
}

/// What became of each.
#[derive(Serialize, JsonSchema)]
pub struct Updated {
    results: Vec<UpdateResult>,
}

/// What became of one.
#[derive(Serialize, JsonSchema)]
pub struct UpdateResult {
    name: String,
    /// `ok` or `error`.
    status: String,
    message: String,
}

/// Which plugin to uninstall, and what else goes with it.
#[derive(Deserialize, JsonSchema)]
pub struct Uninstall {
    #[serde(default)]
    name: String,
    #[serde(default)]
    delete_config: bool,
    #[serde(default)]
    delete_data: bool,
}

/// Whether a proxy was sent, which is not used.
pub(super) fn is_proxy(proxy: Option<&str>) -> bool {
    proxy.is_some_and(|proxy| !proxy.trim().is_empty())
}

/// What becomes of that which a plugin stored.
pub(super) fn removed(delete_data: bool) -> RemovedData {
    if delete_data { RemovedData::Deleted } else { RemovedData::Kept }
}

/// What an update brought, in words.
fn brought(installed: &Installed, language: Language) -> String {
    let plugin = installed.row.name.clone();
    let version = installed.row.version.clone();
    let text = Message::PluginUpdated { plugin: plugin.clone(), version }.text(language);
    let more = &installed.not_granted;
    if more.held().is_empty() {
        return text.into_owned();
    }
    let more = Message::PluginAsksForMore { plugin, capabilities: words(more) };
    format!("{text} {}", more.text(language))
}

/// `POST /api/plugin/update`
pub async fn update(
    app: Data<App>,
    lease: RuntimeLease,
    Wanted(language): Wanted,
    Json(which): Json<Update>,
) -> Answer<Empty> {
    let name = given("name", &which.name)?.to_owned();
    carried_out(&app, "plugin.update", move |_| async move {
        let mut text = brought(&lease.plugins.update(&name).await?, language);
        if is_proxy(which.proxy.as_deref()) {
            text = format!("{text} {}", Message::PluginProxyIgnored.text(language));
        }
        Ok(Reply::done().message(text))
    })
    .await
}

/// `POST /api/plugin/update-all`: one that fails does not fail the call.
pub async fn update_all(
    app: Data<App>,
    lease: RuntimeLease,
    Wanted(language): Wanted,
    Json(which): Json<UpdateAll>,
) -> Answer<Updated> {
    let mut names: Vec<String> = Vec::new();
    for name in which.names {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() || names.len() > MOST {
        return Err(ApiError::with(Code::Invalid, format!("names holds 1 to {MOST} plugins.")));
    }
    carried_out(&app, "plugin.update", move |_| async move {
        let plugins = &lease.plugins;
        let each = names.into_iter().map(|name| async move {
            let (status, message) = match plugins.update(&name).await {
                Ok(installed) => ("ok", brought(&installed, language)),
                Err(error) => ("error", ApiError::from(error).message(language).into_owned()),
            };
            UpdateResult { name, status: status.to_owned(), message }
        });
        let results = stream::iter(each.collect::<Vec<_>>()).buffered(AT_ONCE).collect().await;
        let reply = Reply::data(Updated { results });
        let is_proxy = is_proxy(which.proxy.as_deref());
        Ok(if is_proxy { reply.message(Message::PluginProxyIgnored) } else { reply })
    })
    .await
}

/// `POST /api/plugin/uninstall`
pub async fn uninstall(
    app: Data<App>,
    lease: RuntimeLease,
    Session(caller): Session,
    Json(which): Json<Uninstall>,
) -> Answer<Empty> {
    let name = given("name", &which.name)?.to_owned();
    carried_out(&app, "plugin.uninstall", move |app| async move {
        lease.plugins.uninstall(&name, removed(which.delete_data)).await?;
        if which.delete_config {
            forget_settings(&app, &name, &caller.username).await?;
        }
        Ok(Reply::done())
    })
    .await
}

/// `POST /api/plugin/on`
pub async fn enable(
    app: Data<App>,
    lease: RuntimeLease,
    Json(which): Json<Named>,
) -> Answer<Empty> {
    let name = which.given()?.to_owned();
    carried_out(&app, "plugin.enable", move |_| async move {
        lease.plugins.enable(&name).await?;
        Ok(Reply::done())
    })
    .await
}

/// `POST /api/plugin/off`
pub async fn disable(
    app: Data<App>,
    lease: RuntimeLease,
    Json(which): Json<Named>,
) -> Answer<Empty> {
    let name = which.given()?.to_owned();
    carried_out(&app, "plugin.disable", move |_| async move {
        lease.plugins.disable(&name).await?;
        Ok(Reply::done())
    })
    .await
}

/// `POST /api/plugin/reload`
pub async fn reload(
    app: Data<App>,
    lease: RuntimeLease,
    Json(which): Json<MaybeNamed>,
) -> Answer<Empty> {
    carried_out(&app, "plugin.reload", move |_| async move {
        match which.name.filter(|name| !name.is_empty()) {
            Some(name) => lease.plugins.reload(&name).await?,
            None => lease.plugins.reload_all().await?,
        }
        Ok(Reply::done())
    })
    .await
}
