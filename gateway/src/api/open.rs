//! The open API: what programs do with an API key.

use actix_web::web::Data;
use firstlight_core::config::{DEFAULT_PROFILE, Document, DocumentId};
use firstlight_core::db::Page;
use firstlight_core::model::{BuiltInChat, ChatAddress};
use firstlight_runtime::platforms::webchat::{SendError, Sent, address_of};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::chat::SendBody;
use super::chat::files::reader;
use super::chat::request::address;
use super::chat::shown::Listed;
use super::chat::stream::{answer, as_events};
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

/// Why a message of a program was not accepted, in the order of the checks.
pub enum Refused {
    /// The user is missing or cannot be addressed.
    User(ApiError),
    /// The session is not that user's.
    Session(ApiError),
    /// The profile is unknown or ambiguous.
    Profile(ApiError),
    /// The message itself is not right.
    Message(ApiError),
    /// It could not be taken just now.
    Failed(ApiError),
}

/// A message of a program that was accepted.
pub struct Accepted {
    pub sent: Sent,
    pub session_id: String,
    /// Whether the answer is wanted in parts.
    pub streaming: bool,
}

/// `POST /api/v1/chat`: sends a message as a named user; the answer is an event stream.
pub async fn send(
    app: Data<App>,
    lease: RuntimeLease,
    caller: Caller,
    Json(wanted): Json<SendAs>,
) -> Result<Events, ApiError> {
    let accepted = accept(&app, &lease, &caller, wanted).await.map_err(Refused::into_error)?;
    let Accepted { sent, session_id, streaming } = accepted;
    Ok(Events::of_runtime(&app, lease, as_events(answer(sent, session_id, streaming))))
}

/// Accepts a message of a named user. The profile of the session changes only with a message that
/// is right in itself.
pub async fn accept(
    app: &App,
    lease: &RuntimeLease,
    caller: &Caller,
    wanted: SendAs,
) -> Result<Accepted, Refused> {
    let username = named_user(&wanted.username).map_err(Refused::User)?;
    let session_id = wanted.body.session().unwrap_or_else(|| Uuid::new_v4().to_string());
    let address = address_for(app, &username, &session_id).await?;
    let profile = wanted_route(app, &wanted).map_err(Refused::Profile)?;
    let streaming = wanted.body.streams();
    let message = wanted.body.into_message(address.clone(), reader(caller));
    let mut message = message.map_err(Refused::Message)?;
    // A program must not borrow the role of the person it names.
    message.options.never_admin = true;
    if let Some(profile) = profile {
        let author = caller.identity().unwrap_or_default();
        let set = routing::set(app, &author, &address.key().to_string(), &profile).await;
        set.map_err(Refused::Failed)?;
    }
    let sent = lease.platforms.webchat().send(message).await.map_err(|error| match error {
        SendError::NotYours | SendError::NotAChat => Refused::Session(error.into()),
        SendError::IdTaken | SendError::AttachmentMissing { .. } => Refused::Message(error.into()),
        SendError::Full | SendError::Store(_) | SendError::Lookup(_) => {
            Refused::Failed(error.into())
        }
    })?;
    Ok(Accepted { sent, session_id, streaming })
}

/// Where the session is, or will be when it is new.
async fn address_for(app: &App, username: &str, session_id: &str) -> Result<ChatAddress, Refused> {
    let found = app.database.chat_sessions().by_id(session_id).await;
    match found.map_err(|error| Refused::Failed(error.into()))? {
        None => address(BuiltInChat::Web, username, session_id).map_err(Refused::Session),
        Some(session) if session.creator != username => {
            Err(Refused::Session(ApiError::new(Code::NotOwner)))
        }
        Some(session) => {
            address_of(&session).ok_or_else(|| Refused::Session(SendError::NotAChat.into()))
        }
    }
}

impl Refused {
    /// The code of the error frame on sockets.
    pub fn code(&self) -> &'static str {
        match self {
            Refused::User(_) => "BAD_USER",
            Refused::Session(_) => "SESSION_ERROR",
            Refused::Profile(_) => "CONFIG_ERROR",
            Refused::Message(_) => "INVALID_MESSAGE",
            Refused::Failed(_) => "PROCESSING_ERROR",
        }
    }

    /// The error itself.
    pub fn into_error(self) -> ApiError {
        match self {
            Refused::User(error)
            | Refused::Session(error)
            | Refused::Profile(error)
            | Refused::Message(error)
            | Refused::Failed(error) => error,
        }
    }
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
