//! The routing table: which session uses which profile.

use firstlight_core::config::{ConfigError, DEFAULT_PROFILE, DocumentId, Route, RoutingConfig};
use serde_json::json;

use crate::app::App;
use crate::http::ApiError;

/// How often a change is tried again when somebody else saved in between.
const TRIES: usize = 3;

/// Changes the routing table: reads it, changes it, saves it, and starts over when somebody else
/// was faster.
pub async fn change(
    app: &App,
    author: &str,
    mut change: impl FnMut(&mut Vec<Route>),
) -> Result<RoutingConfig, ApiError> {
    let mut tries = 0;
    loop {
        let snapshot = app.config.snapshot();
        let mut routing = RoutingConfig::clone(&*snapshot.routing()?);
        change(&mut routing.routes);
        let document = snapshot.document(&DocumentId::Routing);
        let revision = document.map_or(0, |found| found.revision);
        // Keys that this version does not know stay as they are.
        let mut value = document.map_or_else(|| json!({}), |found| found.value.clone());
        if let Some(members) = value.as_object_mut() {
            members.insert("routes".to_owned(), json!(routing.routes));
        }
        match app.config.save(&DocumentId::Routing, revision, value, author).await {
            Ok(_) => return Ok(routing),
            Err(ConfigError::RevisionConflict { .. }) if tries < TRIES => tries += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Sets the profile of one session; the default profile needs no route.
pub async fn set(app: &App, author: &str, umo: &str, conf_id: &str) -> Result<(), ApiError> {
    let wanted = (conf_id != DEFAULT_PROFILE)
        .then(|| Route { umo: umo.to_owned(), conf_id: conf_id.to_owned() });
    let current = app.config.snapshot().routing()?;
    let has = current.routes.iter().find(|route| route.umo == umo);
    if has == wanted.as_ref() {
        return Ok(());
    }
    let replace = |routes: &mut Vec<Route>| {
        routes.retain(|route| route.umo != umo);
        routes.extend(wanted.clone());
    };
    change(app, author, replace).await.map(drop)
}
