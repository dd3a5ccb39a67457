//! What plugins there are, and what is known of each.

use std::collections::BTreeMap;

use actix_web::web::Data;
use firstlight_runtime::plugins::{Change, CommandRow, InstalledOverview, PluginOverview};
use schemars::JsonSchema;
use serde::Serialize;

use super::shapes::{Failed, Listed};
use super::{MaybeNamed, Named};
use crate::api::config::saving::no_such;
use crate::app::App;
use crate::http::{Answer, ApiError, Code, MaybeRuntime, Query, Reply, RuntimeLease};

/// All that is known of a plugin.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PluginDetail")]
pub struct Detail {
    #[serde(flatten)]
    plugin: Listed,
    /// Why it does not run, when it failed.
    failed: Option<Failed>,
    /// The plugins that it needs, with the versions that will do.
    dependencies: BTreeMap<String, String>,
    /// Whether it brings something to read.
    readme: bool,
    /// Whether it says what changed from version to version.
    changelog: bool,
    /// Whether it brings a form for its settings.
    settings: bool,
}

/// A text that a plugin brings.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PluginText")]
pub struct Content {
    content: Option<String>,
}

/// The end of a plugin's log.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PluginLog")]
pub struct Log {
    /// Oldest first.
    lines: Vec<String>,
}

/// `GET /api/plugin/get`: those that run, and those that were disabled. Those that failed are told
/// of in the message, and have a row of their own.
pub async fn list(
    app: Data<App>,
    lease: RuntimeLease,
    Query(which): Query<MaybeNamed>,
) -> Answer<Vec<Listed>> {
    let failed = app.plugins.failed();
    let wanted = |plugin: &PluginOverview| {
        let name = &plugin.manifest.name;
        let asked = which.name.as_ref().is_none_or(|asked| asked.is_empty() || asked == name);
        asked && (plugin.loaded.is_some() || !plugin.active || !failed.contains_key(name))
    };
    let commands = lease.plugins.commands();
    let plugins = lease.plugins.overviews().into_iter().filter(wanted);
    let plugins = plugins.map(|plugin| Listed::of(plugin, &commands, &app.files)).collect();
    let lines = failed.iter().map(|(name, failed)| format!("{name}: {}", failed.error));
    Ok(Reply::data(plugins).message(lines.collect::<Vec<_>>().join("\n")))
}

/// `GET /api/plugin/source/get-failed-plugins`
pub async fn failed(app: Data<App>) -> Answer<BTreeMap<String, Failed>> {
    let failed = app.plugins.failed().into_iter();
    Ok(Reply::data(failed.map(|(name, failed)| (name, Failed::of(failed))).collect()))
}

/// `GET /api/plugin/detail`
pub async fn detail(
    app: Data<App>,
    MaybeRuntime(lease): MaybeRuntime,
    Query(which): Query<Named>,
) -> Answer<Detail> {
    app.plugins.read_if_unread().await?;
    let name = which.given()?;
    let (found, commands): (_, Vec<CommandRow>) = match &lease {
        Some(lease) => (lease.plugins.overview_of(name), lease.plugins.commands()),
        None => (app.plugins.overview_of(name), Vec::new()),
    };
    let overview = found.ok_or_else(|| no_such("plugin", name))?;
    let needs = overview.manifest.dependencies.iter();
    let documents = overview.installed.as_ref().map(|installed| &installed.documents);
    Ok(Reply::data(Detail {
        failed: app.plugins.failed().remove(name).map(Failed::of),
        dependencies: needs.map(|(name, range)| (name.clone(), range.to_string())).collect(),
        readme: documents.is_some_and(|documents| documents.readme.is_some()),
        changelog: documents.is_some_and(|documents| documents.changelog.is_some()),
        settings: app.plugins.settings_form(name).is_some(),
        plugin: Listed::of(overview, &commands, &app.files),
    }))
}

/// `GET /api/plugin/readme`
pub async fn readme(
    app: Data<App>,
    _lease: RuntimeLease,
    Query(which): Query<Named>,
) -> Answer<Content> {
    let name = which.given()?;
    let content = folder(&app, name)?.documents.readme;
    let missing = || ApiError::with(Code::NotFound, "The plugin brings no README.md.");
    Ok(Reply::data(Content { content: Some(content.ok_or_else(missing)?) }))
}

/// `GET /api/plugin/changelog`
pub async fn changelog(
    app: Data<App>,
    _lease: RuntimeLease,
    Query(which): Query<Named>,
) -> Answer<Content> {
    let content = folder(&app, which.given()?)?.documents.changelog;
    Ok(Reply::data(Content { content }))
}

/// What is installed of a plugin.
fn folder(app: &App, name: &str) -> Result<InstalledOverview, ApiError> {
    if !app.plugins.knows(name) {
        return Err(no_such("plugin", name));
    }
    let part = "The plugin is part of the gateway and has no folder.";
    app.plugins.installed(name).ok_or_else(|| ApiError::with(Code::NotFound, part))
}

/// `GET /api/plugin/logs`: of a plugin that failed, what it wrote before.
pub async fn logs(
    app: Data<App>,
    MaybeRuntime(lease): MaybeRuntime,
    Query(which): Query<Named>,
) -> Answer<Log> {
    app.plugins.read_if_unread().await?;
    let name = which.given()?;
    let live = lease.and_then(|lease| lease.plugins.log_of(name));
    let lines = match live.or_else(|| app.plugins.failed().remove(name).map(|failed| failed.log)) {
        Some(lines) => lines,
        None if app.plugins.knows(name) => Vec::new(),
        None => return Err(no_such("plugin", name)),
    };
    Ok(Reply::data(Log { lines }))
}

/// `GET /api/plugin/changes`: how far installing, updating and removing have come, by plugin.
pub async fn changes(app: Data<App>) -> Answer<BTreeMap<String, Change>> {
    Ok(Reply::data(app.plugins.changes()))
}
