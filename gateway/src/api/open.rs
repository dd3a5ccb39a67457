//! The open API: what programs do with an API key.

use actix_web::web::Data;
use firstlight_core::config::{DEFAULT_PROFILE, Document, DocumentId};
use firstlight_core::db::Page;
use firstlight_core::model::SessionKey;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::chat::sessions::Listed;
use super::chat::{SendBody, answer};
use super::routing;
use crate::app::App;
use crate::http::events::Events;
use crate::http::{Answer, ApiError, Caller, Code, Json, Query, Reply, RuntimeLease};

/// A message of a named user.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct SendAs {
    /// The user that the program acts for.
    #[serde(default)]
    username: String,
    /// The profile that answers from now on in this session; `default` removes the choice.
    #[serde(default)]
    config_id: Option<String>,
    /// The same by name, where no id is given.
    #[serde(default)]
    config_name: Option<String>,
    #[serde(flatten)]
    body: SendBody,
}

/// Which sessions.
#[derive(Deserialize, JsonSchema)]
pub struct SessionsOf {
    #[serde(default)]
    username: String,
    #[serde(default)]
    page: Option<u32>,
    /// At most 100.
    #[serde(default)]
    page_size: Option<u32>,
    #[serde(default)]
    platform_id: Option<String>,
}

/// One page of sessions.
#[derive(Serialize, JsonSchema)]
pub struct SessionPage {
    sessions: Vec<Listed>,
    page: u32,
    page_size: u32,
    total: i64,
}

/// The profiles.
#[derive(Serialize, JsonSchema)]
pub struct Configs {
    configs: Vec<Config>,
}

/// A profile.
#[derive(Serialize, JsonSchema)]
pub struct Config {
    id: String,
    name: String,
    path: String,
    is_default: bool,
}

/// `POST /api/v1/chat`: sends a message as a named user; the answer is an event stream.
pub async fn send(
    app: Data<App>,
    lease: RuntimeLease,
    caller: Caller,
    Json(wanted): Json<SendAs>,
) -> Result<Events, ApiError> {
    let username = named_user(&wanted.username)?;
    let session_id = wanted.body.session().unwrap_or_else(|| Uuid::new_v4().to_string());
    let session = app.database.chat_sessions().by_id(&session_id).await?;
    if session.is_some_and(|session| session.creator != username) {
        return Err(ApiError::new(Code::NotOwner));
    }
    let route = wanted_route(&app, &wanted)?;
    let streaming = wanted.body.streams();
    let mut message = wanted.body.into_message(username, session_id.clone())?;
    // A program must not borrow the role of the person it names.
    message.options.never_admin = true;
    if let Some(conf_id) = route {
        let author = caller.identity().unwrap_or_default();
        set_route(&app, &author, &message.username, &session_id, &conf_id).await?;
    }
    let sent = lease.platforms.webchat().send(message).await?;
    Ok(Events::of_runtime(&app, lease, answer(sent, session_id, streaming)))
}

/// `GET /api/v1/chat/sessions`
pub async fn sessions(
    app: Data<App>,
    _lease: RuntimeLease,
    Query(of): Query<SessionsOf>,
) -> Answer<SessionPage> {
    let username = named_user(&of.username)?;
    let page = of.page.unwrap_or(1).max(1);
    let page_size = of.page_size.unwrap_or(20).clamp(1, 100);
    let found = app
        .database
        .chat_sessions()
        .list(&username, of.platform_id.as_deref(), Page { number: page, size: page_size })
        .await?;
    let sessions = found.sessions.into_iter().map(Listed::of).collect();
    Ok(Reply::data(SessionPage { sessions, page, page_size, total: found.total }))
}

/// `GET /api/v1/configs`
pub async fn configs(app: Data<App>, _lease: RuntimeLease) -> Answer<Configs> {
    let snapshot = app.config.snapshot();
    let profiles = snapshot.documents().filter_map(|document| profile(document));
    let configs = profiles
        .map(|(id, document)| Config {
            id: id.to_owned(),
            name: document.title.clone(),
            path: document.id.to_string(),
            is_default: id == DEFAULT_PROFILE,
        })
        .collect();
    Ok(Reply::data(Configs { configs }))
}

fn profile(document: &Document) -> Option<(&str, &Document)> {
    match &document.id {
        DocumentId::Profile(id) => Some((id, document)),
        _ => None,
    }
}

fn named_user(username: &str) -> Result<String, ApiError> {
    let username = username.trim();
    if username.is_empty() {
        return Err(ApiError::with(Code::Invalid, "username is missing."));
    }
    Ok(username.to_owned())
}

/// The profile that the message asks for; the id wins over the name.
fn wanted_route(app: &App, wanted: &SendAs) -> Result<Option<String>, ApiError> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let snapshot = app.config.snapshot();
    let mut profiles = snapshot.documents().filter_map(|document| profile(document));
    if let Some(id) = given(&wanted.config_id) {
        let known = profiles.any(|(known, _)| known == id);
        let unknown = || ApiError::with(Code::NotFound, format!("There is no profile {id:?}."));
        return known.then(|| Some(id.clone())).ok_or_else(unknown);
    }
    let Some(name) = given(&wanted.config_name) else { return Ok(None) };
    let mut matching = profiles.filter(|(_, document)| document.title == name);
    match (matching.next(), matching.next()) {
        (Some((id, _)), None) => Ok(Some(id.to_owned())),
        (None, _) => {
            Err(ApiError::with(Code::NotFound, format!("There is no profile called {name:?}.")))
        }
        (Some(_), Some(_)) => {
            let text = format!("More than one profile is called {name:?}; use config_id.");
            Err(ApiError::with(Code::Conflict, text))
        }
    }
}

async fn set_route(
    app: &App,
    author: &str,
    username: &str,
    session_id: &str,
    conf_id: &str,
) -> Result<(), ApiError> {
    let key = SessionKey::webchat(username, session_id)
        .map_err(|error| ApiError::with(Code::Invalid, error.to_string()))?
        .to_string();
    routing::set(app, author, &key, conf_id).await
}
