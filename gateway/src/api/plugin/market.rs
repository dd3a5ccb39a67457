//! Lists of plugins that can be had, and whether one fits.

use actix_web::web::Data;
use firstlight_runtime::plugins::{Compatibility, compatibility};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::app::App;
use crate::http::{Answer, Empty, Json, Query, Reply, RuntimeLease};

/// A range of versions.
#[derive(Deserialize, JsonSchema)]
pub struct Range {
    #[serde(default)]
    astrbot_version: String,
}

/// Whether a range fits.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PluginCompatibility")]
pub struct Fits {
    compatible: bool,
    /// Why not; empty when it does.
    message: String,
    astrbot_version: String,
}

/// Which list.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PluginMarket")]
pub struct Which {
    /// The address of a list; that of the gateway when absent.
    #[serde(default)]
    custom_registry: Option<String>,
    /// `true`: fetch it although it was fetched before.
    #[serde(default)]
    force_refresh: Option<String>,
}

/// The lists of the operator.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PluginSourcesSaved")]
pub struct Sources {
    sources: Vec<Value>,
}

/// `POST /api/plugin/check-compat`
pub async fn check_compat(_lease: RuntimeLease, Json(range): Json<Range>) -> Answer<Fits> {
    let Compatibility { compatible, message } = compatibility(&range.astrbot_version);
    Ok(Reply::data(Fits { compatible, message, astrbot_version: range.astrbot_version }))
}

/// `GET /api/plugin/market_list`: what a list says of each plugin, by name.
pub async fn list(
    app: Data<App>,
    _lease: RuntimeLease,
    Query(which): Query<Which>,
) -> Answer<Map<String, Value>> {
    let force = which.force_refresh.as_deref();
    let force = force.is_some_and(|force| matches!(force, "true" | "True" | "1"));
    let found = app.plugins.market().list(which.custom_registry.as_deref(), force).await?;
    let reply = Reply::data(found.plugins);
    Ok(match found.message {
        Some(message) => reply.message(message),
        None => reply,
    })
}

/// `GET /api/plugin/source/get`
pub async fn sources(app: Data<App>, _lease: RuntimeLease) -> Answer<Vec<Value>> {
    Ok(Reply::data(app.plugins.market().sources().await?))
}

/// `POST /api/plugin/source/save`
pub async fn save_sources(
    app: Data<App>,
    _lease: RuntimeLease,
    Json(saved): Json<Sources>,
) -> Answer<Empty> {
    app.plugins.market().save_sources(saved.sources).await?;
    Ok(Reply::done())
}
