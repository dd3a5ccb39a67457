//! Chat sessions: made, listed, read, renamed, deleted.

use actix_web::web::Data;
use firstlight_core::db::{ChatSession, HistoryRow, NewChatSession, Page};
use firstlight_core::model::{PlatformId, SessionKey};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app::App;
use crate::http::{
    Answer, ApiError, Code, Empty, Json, Query, Reply, RuntimeLease, Session, SessionCaller,
};

/// How many sessions a list has at most.
const LISTED: u32 = 100;
/// How many messages a history has at most.
const HISTORY: u32 = 1000;
/// The longest name of a session, in characters.
const NAME_LIMIT: usize = 200;

/// A chat session.
#[derive(Serialize, JsonSchema)]
pub struct Listed {
    session_id: String,
    platform_id: String,
    creator: String,
    display_name: Option<String>,
    is_group: u8,
    created_at: String,
    updated_at: String,
}

/// One message of a history.
#[derive(Serialize, JsonSchema)]
pub struct Record {
    id: i64,
    platform_id: String,
    user_id: String,
    sender_id: Option<String>,
    sender_name: Option<String>,
    content: Value,
    created_at: String,
    updated_at: String,
}

/// A session with its history.
#[derive(Serialize, JsonSchema)]
pub struct Read {
    history: Vec<Record>,
    is_running: bool,
    /// The answers that are under way; join one with its stream.
    active_runs: Vec<ActiveRun>,
}

/// An answer that is under way.
#[derive(Serialize, JsonSchema)]
pub struct ActiveRun {
    run_id: uuid::Uuid,
}

/// A session that was made just now.
#[derive(Serialize, JsonSchema)]
pub struct Made {
    session_id: String,
    platform_id: String,
}

/// Of which platform.
#[derive(Deserialize, JsonSchema)]
pub struct OfPlatform {
    #[serde(default)]
    platform_id: Option<String>,
}

/// Which session.
#[derive(Deserialize, JsonSchema)]
pub struct Named {
    #[serde(default)]
    session_id: Option<String>,
}

/// Which sessions.
#[derive(Deserialize, JsonSchema)]
pub struct Several {
    #[serde(default)]
    session_ids: Vec<String>,
}

/// A new name for a session.
#[derive(Deserialize, JsonSchema)]
pub struct Renamed {
    session_id: String,
    display_name: String,
}

/// What became of several sessions.
#[derive(Serialize, JsonSchema)]
pub struct Deleted {
    deleted_count: usize,
    failed_count: usize,
    failed_items: Vec<NotDeleted>,
}

/// A session that was not deleted.
#[derive(Serialize, JsonSchema)]
pub struct NotDeleted {
    session_id: String,
    reason: &'static str,
}

impl Named {
    /// The id, where one was sent.
    pub fn id(self) -> Result<String, ApiError> {
        self.session_id
            .filter(|id| !id.trim().is_empty())
            .ok_or_else(|| ApiError::with(Code::Invalid, "session_id is missing."))
    }
}

/// `GET /api/chat/new_session`
pub async fn create(
    app: Data<App>,
    _lease: RuntimeLease,
    Session(caller): Session,
    Query(of): Query<OfPlatform>,
) -> Answer<Made> {
    let platform_id = of.platform_id.unwrap_or_else(|| PlatformId::WEBCHAT.to_owned());
    if platform_id != PlatformId::WEBCHAT {
        return Err(ApiError::with(Code::Invalid, "Sessions are made on the web chat only."));
    }
    let new = NewChatSession {
        session_id: None,
        platform_id,
        creator: caller.username.clone(),
        display_name: None,
        is_group: false,
    };
    let made = app.database.chat_sessions().create(new).await?;
    Ok(Reply::data(Made { session_id: made.session_id, platform_id: made.platform_id }))
}

/// `GET /api/chat/sessions`
pub async fn list(
    app: Data<App>,
    _lease: RuntimeLease,
    Session(caller): Session,
    Query(of): Query<OfPlatform>,
) -> Answer<Vec<Listed>> {
    let page = Page { number: 1, size: LISTED };
    let sessions = app.database.chat_sessions();
    let found = sessions.list(&caller.username, of.platform_id.as_deref(), page).await?;
    Ok(Reply::data(found.sessions.into_iter().map(Listed::of).collect()))
}

/// `GET /api/chat/get_session`
pub async fn read(
    app: Data<App>,
    lease: RuntimeLease,
    Session(caller): Session,
    Query(named): Query<Named>,
) -> Answer<Read> {
    let session = owned(&app, &caller, &named.id()?).await?;
    // The runs first: a run that ends in between is then in the history, and not missing in both.
    let webchat = lease.platforms.webchat();
    let runs = webchat.active_runs(&caller.username, &session.session_id).await?;
    let history = app.database.history();
    let rows = history.list(&session.platform_id, &session.session_id, HISTORY).await?;
    Ok(Reply::data(Read {
        history: rows.into_iter().map(Record::of).collect(),
        is_running: !runs.is_empty(),
        active_runs: runs.into_iter().map(|run_id| ActiveRun { run_id }).collect(),
    }))
}

/// `POST /api/chat/update_session_display_name`
pub async fn rename(
    app: Data<App>,
    _lease: RuntimeLease,
    Session(caller): Session,
    Json(renamed): Json<Renamed>,
) -> Answer<Empty> {
    let session = owned(&app, &caller, &renamed.session_id).await?;
    let name: String = renamed.display_name.trim().chars().take(NAME_LIMIT).collect();
    app.database.chat_sessions().rename(&session.session_id, &name).await?;
    Ok(Reply::done())
}

/// `GET /api/chat/delete_session`
pub async fn delete(
    app: Data<App>,
    lease: RuntimeLease,
    Session(caller): Session,
    Query(named): Query<Named>,
) -> Answer<Empty> {
    let session = owned(&app, &caller, &named.id()?).await?;
    forget(&app, &lease, &session).await?;
    Ok(Reply::done())
}

/// `POST /api/chat/batch_delete_sessions`: one look-up, then each by itself.
pub async fn delete_several(
    app: Data<App>,
    lease: RuntimeLease,
    Session(caller): Session,
    Json(several): Json<Several>,
) -> Answer<Deleted> {
    if several.session_ids.is_empty() {
        return Err(ApiError::with(Code::Invalid, "session_ids must be a list with at least one."));
    }
    let found = app.database.chat_sessions().by_ids(&several.session_ids).await?;
    let mut deleted = Deleted { deleted_count: 0, failed_count: 0, failed_items: Vec::new() };
    for session_id in several.session_ids {
        let reason = match found.iter().find(|session| session.session_id == session_id) {
            None => Some("not found"),
            Some(session) if session.creator != caller.username => Some("permission denied"),
            Some(session) => match forget(&app, &lease, session).await {
                Ok(()) => None,
                Err(error) => {
                    tracing::error!(session_id, %error, "a session could not be deleted");
                    Some("internal_error")
                }
            },
        };
        match reason {
            None => deleted.deleted_count += 1,
            Some(reason) => deleted.failed_items.push(NotDeleted { session_id, reason }),
        }
    }
    deleted.failed_count = deleted.failed_items.len();
    Ok(Reply::data(deleted))
}

/// The session, when it is the caller's.
pub(super) async fn owned(
    app: &App,
    caller: &SessionCaller,
    session_id: &str,
) -> Result<ChatSession, ApiError> {
    match app.database.chat_sessions().by_id(session_id).await? {
        None => Err(ApiError::with(Code::NotFound, "There is no such session.")),
        Some(session) if session.creator != caller.username => Err(ApiError::new(Code::NotOwner)),
        Some(session) => Ok(session),
    }
}

/// Deletes a session and all that hangs on it. What runs is stopped first, so that it does not
/// write into what is gone.
async fn forget(app: &App, lease: &RuntimeLease, session: &ChatSession) -> Result<(), ApiError> {
    let id = &session.session_id;
    lease.platforms.webchat().stop(id);
    let database = &app.database;
    let attachments = database.history().own_attachments(&session.platform_id, id).await?;
    if let Ok(key) = SessionKey::webchat(&session.creator, id) {
        let key = key.to_string();
        app.bus
            .drop_conversation(&key)
            .await
            .map_err(|error| ApiError::new(Code::StorageFailed).caused_by(error))?;
        database.conversations().delete_of(&key).await?;
        forget_route(app, &key, &session.creator).await?;
    }
    database.chat_sessions().delete(std::slice::from_ref(id)).await?;
    database.attachments().delete(&attachments).await?;
    Ok(())
}

async fn forget_route(app: &App, key: &str, author: &str) -> Result<(), ApiError> {
    let routing = app.config.snapshot().routing();
    if !routing.is_ok_and(|routing| routing.routes.iter().any(|route| route.umo == key)) {
        return Ok(());
    }
    super::super::routing::change(app, author, |routes| routes.retain(|route| route.umo != key))
        .await
        .map(drop)
}

impl Listed {
    pub(in crate::api) fn of(session: ChatSession) -> Self {
        Self {
            session_id: session.session_id,
            platform_id: session.platform_id,
            creator: session.creator,
            display_name: session.display_name,
            is_group: u8::from(session.is_group),
            created_at: utc(session.created_at),
            updated_at: utc(session.updated_at),
        }
    }
}

impl Record {
    fn of(row: HistoryRow) -> Self {
        Self {
            id: row.id,
            platform_id: row.platform_id,
            user_id: row.user_id,
            sender_id: row.sender_id,
            sender_name: row.sender_name,
            content: row.content,
            created_at: utc(row.created_at),
            updated_at: utc(row.updated_at),
        }
    }
}

/// Epoch milliseconds as ISO 8601 in UTC.
fn utc(milliseconds: i64) -> String {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}
