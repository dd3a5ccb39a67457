//! The routing table in the form of the contract: a map from session patterns to profiles.
//!
//! What is stored is a list, because among rules that are equally exact the first one wins. A
//! replaced table keeps the order of the rules that stay.

use std::collections::BTreeMap;

use actix_web::web::Data;
use firstlight_core::config::{ConfigSnapshot, DocumentId, Route};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::saving::{Saved, Target, change, given, no_such};
use crate::app::App;
use crate::http::{Answer, ApiError, Code, Json, Reply, Session};

/// The routing table.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RoutingTable")]
pub struct Table {
    /// Profile ids by session pattern.
    routing: BTreeMap<String, String>,
    revision: i64,
}

/// A whole table to be saved.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ReplaceRoutes")]
pub struct Replace {
    /// Profile ids by session pattern; not empty.
    #[serde(default)]
    routing: BTreeMap<String, String>,
    /// The revision that the change is based on; it is refused when there is a newer one.
    #[serde(default)]
    revision: Option<i64>,
}

/// One route to be set.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SetRoute")]
pub struct Set {
    /// A pattern `platform:Type:session`.
    #[serde(default)]
    umo: String,
    #[serde(default)]
    conf_id: String,
    /// The revision that the change is based on; it is refused when there is a newer one.
    #[serde(default)]
    revision: Option<i64>,
}

/// One route to be deleted.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "WhichRoute")]
pub struct Which {
    #[serde(default)]
    umo: String,
    /// The revision that the change is based on; it is refused when there is a newer one.
    #[serde(default)]
    revision: Option<i64>,
}

/// `GET /api/config/umo_abconf_routes`
pub async fn read(app: Data<App>) -> Answer<Table> {
    let view = app.config.view(&DocumentId::Routing)?;
    let routing = stored(&view.value)?.into_iter().map(|route| (route.umo, route.conf_id));
    Ok(Reply::data(Table { routing: routing.collect(), revision: view.revision }))
}

/// `POST /api/config/umo_abconf_route/update_all`
pub async fn replace(
    app: Data<App>,
    Session(caller): Session,
    Json(wanted): Json<Replace>,
) -> Answer<Saved> {
    if wanted.routing.is_empty() {
        return Err(ApiError::with(Code::Invalid, "routing must be a map that is not empty."));
    }
    let routing = wanted.routing;
    let snapshot = app.config.snapshot();
    edit(&app, wanted.revision, &caller.username, move |routes| {
        let mut fresh = routing.clone();
        let known: Vec<Route> = std::mem::take(routes);
        for route in known {
            if let Some(conf_id) = fresh.remove(&route.umo) {
                // A route whose profile was deleted may stay; a new one needs its profile.
                if conf_id != route.conf_id {
                    profile(&snapshot, &conf_id)?;
                }
                routes.push(Route { umo: route.umo, conf_id });
            }
        }
        for (umo, conf_id) in fresh {
            profile(&snapshot, &conf_id)?;
            routes.push(Route { umo, conf_id });
        }
        Ok(())
    })
    .await
}

/// `POST /api/config/umo_abconf_route/update`
pub async fn set(
    app: Data<App>,
    Session(caller): Session,
    Json(wanted): Json<Set>,
) -> Answer<Saved> {
    let umo = given("umo", &wanted.umo)?.to_owned();
    let conf_id = given("conf_id", &wanted.conf_id)?.to_owned();
    profile(&app.config.snapshot(), &conf_id)?;
    edit(&app, wanted.revision, &caller.username, move |routes| {
        match routes.iter_mut().find(|route| route.umo == umo) {
            Some(route) => route.conf_id.clone_from(&conf_id),
            None => routes.push(Route { umo: umo.clone(), conf_id: conf_id.clone() }),
        }
        Ok(())
    })
    .await
}

/// `POST /api/config/umo_abconf_route/delete`
pub async fn delete(
    app: Data<App>,
    Session(caller): Session,
    Json(which): Json<Which>,
) -> Answer<Saved> {
    let umo = given("umo", &which.umo)?.to_owned();
    edit(&app, which.revision, &caller.username, move |routes| {
        let before = routes.len();
        routes.retain(|route| route.umo != umo);
        if routes.len() == before { Err(no_such("route", &umo)) } else { Ok(()) }
    })
    .await
}

async fn edit(
    app: &Data<App>,
    expected: Option<i64>,
    author: &str,
    mut edit: impl FnMut(&mut Vec<Route>) -> Result<(), ApiError> + Send + 'static,
) -> Answer<Saved> {
    let target = Target { id: DocumentId::Routing, expected, author: author.to_owned() };
    let saved = change(app, target, move |document| {
        let mut routes = stored(document)?;
        edit(&mut routes)?;
        if let Some(document) = document.as_object_mut() {
            document.insert("routes".to_owned(), json!(routes));
        }
        Ok(Vec::new())
    });
    saved.await?.answer()
}

fn stored(document: &Value) -> Result<Vec<Route>, ApiError> {
    let routes = document.get("routes").cloned().unwrap_or_else(|| json!([]));
    serde_json::from_value(routes).map_err(|_| {
        let text = "The routing table cannot be read; repair the document as a whole first.";
        ApiError::with(Code::Invalid, text)
    })
}

fn profile(snapshot: &ConfigSnapshot, conf_id: &str) -> Result<(), ApiError> {
    let id = DocumentId::Profile(conf_id.to_owned());
    snapshot.document(&id).map(drop).ok_or_else(|| no_such("profile", conf_id))
}
