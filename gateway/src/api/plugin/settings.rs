//! What the operator sets about a plugin: grants, budgets, and the level of its log. Without a
//! runtime it counts from the next start on.

use actix_web::web::Data;
use firstlight_runtime::plugins::{AskedBudgets, ChangeError};
use firstlight_runtime::plugins_api::Level;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::consent::Grants;
use crate::api::config::saving::{carried_out, given, no_such};
use crate::app::App;
use crate::http::{Answer, ApiError, Code, Empty, Json, MaybeRuntime, Reply, RuntimeLease};

/// What a plugin is allowed.
#[derive(Deserialize, JsonSchema)]
pub struct SetGrants {
    #[serde(default)]
    name: String,
    /// An object as in `plugin.toml`, or `"all"` for all that it asks for.
    #[serde(default)]
    grants: Option<Value>,
}

/// What a plugin may use.
#[derive(Deserialize, JsonSchema)]
pub struct SetBudgets {
    #[serde(default)]
    name: String,
    /// What is absent is as the plugin asks.
    budgets: AskedBudgets,
}

/// What is worth a line of a plugin's log.
#[derive(Deserialize, JsonSchema)]
pub struct SetLevel {
    #[serde(default)]
    name: String,
    /// `error`, `warn`, `info` or `debug`; null: what is worth one of the gateway's.
    level: Option<String>,
}

/// The runtime, when there is one and it is to load the plugin again.
fn loading(app: &App, lease: Option<RuntimeLease>, name: &str) -> Option<RuntimeLease> {
    lease.filter(|_| !app.plugins.is_disabled(name))
}

/// Only what is installed has terms.
async fn installed(app: &App, name: &str) -> Result<(), ApiError> {
    app.plugins.read_if_unread().await?;
    if app.plugins.installed(name).is_some() {
        return Ok(());
    }
    if app.plugins.knows(name) {
        return Err(ChangeError::Reserved { name: name.to_owned() }.into());
    }
    Err(no_such("plugin", name))
}

/// `POST /api/plugin/grants`
pub async fn grants(
    app: Data<App>,
    MaybeRuntime(lease): MaybeRuntime,
    Json(set): Json<SetGrants>,
) -> Answer<Empty> {
    let name = given("name", &set.name)?.to_owned();
    let missing = || ApiError::with(Code::Invalid, "grants is missing.");
    let grants = Grants::read(set.grants)?.ok_or_else(missing)?;
    installed(&app, &name).await?;
    carried_out(&app, "plugin.grants", move |app| async move {
        let asked = app.plugins.overview_of(&name).map(|found| found.manifest.capabilities);
        let grants = grants.of(&asked.unwrap_or_default());
        match loading(&app, lease, &name) {
            Some(lease) => lease.plugins.grant(&name, grants).await?,
            None => app.plugins.grant_idle(&name, grants).await?,
        }
        Ok(Reply::done())
    })
    .await
}

/// `POST /api/plugin/budgets`
pub async fn budgets(
    app: Data<App>,
    MaybeRuntime(lease): MaybeRuntime,
    Json(set): Json<SetBudgets>,
) -> Answer<Empty> {
    let name = given("name", &set.name)?.to_owned();
    installed(&app, &name).await?;
    carried_out(&app, "plugin.budgets", move |app| async move {
        match loading(&app, lease, &name) {
            Some(lease) => lease.plugins.budget(&name, set.budgets).await?,
            None => app.plugins.budget_idle(&name, set.budgets).await?,
        }
        Ok(Reply::done())
    })
    .await
}

/// `POST /api/plugin/log-level`
pub async fn log_level(
    app: Data<App>,
    MaybeRuntime(lease): MaybeRuntime,
    Json(set): Json<SetLevel>,
) -> Answer<Empty> {
    let name = given("name", &set.name)?;
    let refused = |_| ApiError::with(Code::Invalid, "level is error, warn, info, debug or null.");
    let level = set.level.map(|level| serde_json::from_value::<Level>(level.into()));
    let level = level.transpose().map_err(refused)?;
    installed(&app, name).await?;
    match lease {
        Some(lease) => lease.plugins.set_log_level(name, level).await?,
        None => app.plugins.store_log_level(name, level).await?,
    }
    Ok(Reply::done())
}
