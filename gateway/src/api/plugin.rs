//! Plugins: listed, loaded again, and repaired after a failure.

use std::collections::BTreeMap;

use actix_web::web::Data;
use firstlight_core::config::{ConfigError, DocumentId};
use firstlight_runtime::plugins::{
    FailedPlugin, PluginInformation, ReloadError, RemoveFailedError,
};
use firstlight_runtime::plugins_api::Manifest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::app::App;
use crate::http::{
    Answer, ApiError, Code, Empty, Json, MaybeRuntime, Query, Reply, RuntimeLease, Session,
};

/// A loaded plugin.
#[derive(Serialize, JsonSchema)]
pub struct Listed {
    name: String,
    repo: String,
    author: String,
    desc: String,
    version: String,
    reserved: bool,
    activated: bool,
    /// The contract spells it so.
    online_vesion: String,
    handlers: Vec<Value>,
    display_name: String,
    logo: Option<String>,
    support_platforms: Vec<String>,
    /// The Firstlight versions it works with; the contract's name for it.
    astrbot_version: String,
    installed_at: Option<String>,
}

/// A plugin that failed to load.
#[derive(Serialize, JsonSchema)]
pub struct Failed {
    name: String,
    error: String,
    traceback: String,
    reserved: bool,
    author: String,
    desc: String,
    version: String,
    repo: String,
    display_name: String,
    support_platforms: Vec<String>,
    astrbot_version: String,
    failed_at: String,
}

/// Which plugin; all of them when absent.
#[derive(Deserialize, JsonSchema)]
pub struct MaybeNamed {
    #[serde(default)]
    name: Option<String>,
}

/// Which failed plugin.
#[derive(Deserialize, JsonSchema)]
pub struct FailedNamed {
    #[serde(default)]
    dir_name: String,
}

/// Which failed plugin to remove, and what else goes with it.
#[derive(Deserialize, JsonSchema)]
pub struct RemoveFailed {
    #[serde(default)]
    dir_name: String,
    #[serde(default)]
    delete_config: bool,
    #[serde(default)]
    delete_data: bool,
}

/// `GET /api/plugin/get`
pub async fn list(
    app: Data<App>,
    lease: RuntimeLease,
    Query(which): Query<MaybeNamed>,
) -> Answer<Vec<Listed>> {
    let wanted = |plugin: &PluginInformation| {
        which.name.as_ref().is_none_or(|name| plugin.manifest.name == *name)
    };
    let plugins = lease.plugins.list().into_iter().filter(wanted).map(Listed::of).collect();
    let failed = app.plugins.failed();
    let lines = failed.iter().map(|(name, failed)| format!("{name}: {}", failed.error));
    Ok(Reply::data(plugins).message(lines.collect::<Vec<_>>().join("\n")))
}

/// `POST /api/plugin/reload`
pub async fn reload(lease: RuntimeLease, Json(which): Json<MaybeNamed>) -> Answer<Empty> {
    match which.name.filter(|name| !name.is_empty()) {
        Some(name) => lease.plugins.reload(&name).await?,
        None => lease.plugins.reload_all().await?,
    }
    Ok(Reply::done())
}

/// `GET /api/plugin/source/get-failed-plugins`
pub async fn failed(app: Data<App>) -> Answer<BTreeMap<String, Failed>> {
    let failed = app.plugins.failed().into_iter();
    Ok(Reply::data(failed.map(|(name, failed)| (name, Failed::of(failed))).collect()))
}

/// `POST /api/plugin/reload-failed`: loads it into the runtime, or, where there is none, tries it
/// and takes it off the list, so that the next start loads it.
pub async fn reload_failed(
    app: Data<App>,
    MaybeRuntime(lease): MaybeRuntime,
    Json(which): Json<FailedNamed>,
) -> Answer<Empty> {
    let name = named(&which.dir_name)?;
    match lease {
        Some(lease) => lease.plugins.reload_failed(name).await?,
        None => app.plugins.probe_failed(name).await?,
    }
    Ok(Reply::done())
}

/// `POST /api/plugin/uninstall-failed`
pub async fn uninstall_failed(
    app: Data<App>,
    Session(caller): Session,
    Json(which): Json<RemoveFailed>,
) -> Answer<Empty> {
    let name = named(&which.dir_name)?;
    app.plugins.remove_failed(name, which.delete_data).await?;
    if which.delete_config {
        forget_settings(&app, name, &caller.username).await?;
    }
    Ok(Reply::done())
}

async fn forget_settings(app: &App, plugin: &str, author: &str) -> Result<(), ApiError> {
    match app.config.delete(&DocumentId::Plugin(plugin.to_owned()), author).await {
        // A plugin without settings has nothing to forget.
        Ok(()) | Err(ConfigError::Missing { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn named(name: &str) -> Result<&str, ApiError> {
    let missing = || ApiError::with(Code::Invalid, "dir_name is missing.");
    Some(name.trim()).filter(|name| !name.is_empty()).ok_or_else(missing)
}

impl Listed {
    fn of(plugin: PluginInformation) -> Self {
        let manifest = plugin.manifest;
        let handler = |kind: &str, name: String, about: String| {
            json!({
                "event_type": kind,
                "event_type_h": kind,
                "handler_full_name": format!("{}.{name}", manifest.name),
                "desc": about,
                "handler_name": name,
                "type": kind,
            })
        };
        let none = String::new;
        let tools = plugin.tools.into_iter().map(|tool| handler("tool", tool, none()));
        let routes = plugin.routes.into_iter().map(|route| handler("web", route, none()));
        let hooks = plugin.hooks.into_iter().map(|hook| {
            handler("hook", json!(hook).as_str().unwrap_or_default().to_owned(), none())
        });
        let taken = plugin.handlers.into_iter();
        let taken = taken.map(|(kind, name, about)| handler(kind, name, about));
        Self {
            handlers: taken.chain(hooks).chain(tools).chain(routes).collect(),
            activated: true,
            online_vesion: String::new(),
            logo: None,
            installed_at: Some(plugin.loaded_at.to_string()),
            display_name: display_name(&manifest),
            astrbot_version: range(&manifest),
            version: manifest.version.to_string(),
            name: manifest.name,
            repo: manifest.repository,
            author: manifest.author,
            desc: manifest.description,
            reserved: manifest.reserved,
            support_platforms: manifest.platforms,
        }
    }
}

impl Failed {
    fn of(failed: FailedPlugin) -> Self {
        let manifest = failed.manifest;
        Self {
            display_name: display_name(&manifest),
            astrbot_version: range(&manifest),
            version: manifest.version.to_string(),
            name: manifest.name,
            traceback: failed.error.clone(),
            error: failed.error,
            reserved: manifest.reserved,
            author: manifest.author,
            desc: manifest.description,
            repo: manifest.repository,
            support_platforms: manifest.platforms,
            failed_at: failed.at.to_string(),
        }
    }
}

fn display_name(manifest: &Manifest) -> String {
    let shown = Some(&manifest.display_name).filter(|name| !name.is_empty());
    shown.unwrap_or(&manifest.name).clone()
}

fn range(manifest: &Manifest) -> String {
    manifest.firstlight.as_ref().map(ToString::to_string).unwrap_or_default()
}

impl From<ReloadError> for ApiError {
    fn from(error: ReloadError) -> Self {
        let text = error.to_string();
        match error {
            ReloadError::Unknown { .. } => ApiError::with(Code::NotFound, text),
            ReloadError::Load { .. } => ApiError::with(Code::PluginFailed, text),
        }
    }
}

impl From<RemoveFailedError> for ApiError {
    fn from(error: RemoveFailedError) -> Self {
        let text = error.to_string();
        match error {
            RemoveFailedError::NotFailed { .. } => ApiError::with(Code::NotFound, text),
            RemoveFailedError::Reserved { .. } => ApiError::with(Code::Invalid, text),
            RemoveFailedError::Change(_) => ApiError::with(Code::PluginFailed, text),
            RemoveFailedError::Store(error) => error.into(),
        }
    }
}
