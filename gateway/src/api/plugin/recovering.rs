//! The rows that repair or remove a plugin that failed, with a runtime and without one.

use actix_web::web::Data;
use schemars::JsonSchema;
use serde::Deserialize;

use super::forget_settings;
use crate::api::config::saving::{carried_out, given};
use crate::app::App;
use crate::http::{Answer, ApiError, Empty, Json, MaybeRuntime, Reply, RuntimeLease, Session};

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

/// `POST /api/plugin/reload-failed`: loads it into the runtime, or, where there is none, tries it
/// and takes it off the list, so that the next start loads it.
pub async fn reload_failed(
    app: Data<App>,
    MaybeRuntime(lease): MaybeRuntime,
    Json(which): Json<FailedNamed>,
) -> Answer<Empty> {
    let name = given("dir_name", &which.dir_name)?.to_owned();
    carried_out(&app, "plugin.reload", move |app| async move {
        app.plugins.read_if_unread().await?;
        match lease {
            Some(lease) => lease.plugins.reload_failed(&name).await?,
            None => app.plugins.probe_failed(&name).await?,
        }
        Ok(Reply::done())
    })
    .await
}

/// `POST /api/plugin/uninstall-failed`
pub async fn uninstall_failed(
    app: Data<App>,
    MaybeRuntime(lease): MaybeRuntime,
    Session(caller): Session,
    Json(which): Json<RemoveFailed>,
) -> Answer<Empty> {
    let name = given("dir_name", &which.dir_name)?.to_owned();
    carried_out(&app, "plugin.uninstall", move |app| async move {
        app.plugins.read_if_unread().await?;
        remove(&app, lease, &name, which.delete_data).await?;
        if which.delete_config {
            forget_settings(&app, &name, &caller.username).await?;
        }
        Ok(Reply::done())
    })
    .await
}

async fn remove(
    app: &App,
    lease: Option<RuntimeLease>,
    name: &str,
    delete_data: bool,
) -> Result<(), ApiError> {
    let is_installed = app.plugins.installed(name).is_some();
    if let Some(lease) = lease.filter(|_| is_installed && app.plugins.failed().contains_key(name)) {
        // Where a new version failed, the one before it still runs.
        return Ok(lease.plugins.uninstall(name, super::changing::removed(delete_data)).await?);
    }
    Ok(app.plugins.remove_failed(name, delete_data).await?)
}
