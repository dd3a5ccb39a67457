//! Chat sessions: made, listed, read, renamed, deleted.

use actix_web::web::Data;
use firstlight_core::db::NewChatSession;
use firstlight_core::model::PlatformId;
use firstlight_runtime::platforms::webchat::address_of;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::owned::{forget, owned};
use super::shown::{Listed, Record};
use super::which::OfChat;
use crate::app::App;
use crate::http::{Answer, ApiError, Code, Empty, Json, Query, Reply, RuntimeLease, Session};

/// How many sessions a list has at most.
const LISTED: u32 = 100;
/// How many messages a history has at most.
const HISTORY: u32 = 1000;
/// The longest name of a session, in characters.
const NAME_LIMIT: usize = 200;

/// A session with its history.
#[derive(Serialize, JsonSchema)]
pub struct Read {
    history: Vec<Record>,
    is_running: bool,
    /// The answers that are under way; join one with its stream.
    active_runs: Vec<ActiveRun>,
    /// The project that the session is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<InProject>,
}

/// The project that a session is in.
#[derive(Serialize, JsonSchema)]
pub struct InProject {
    project_id: String,
    title: String,
    emoji: Option<String>,
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

/// `GET /api/chat/new_session`, `GET /api/tui/new_session`
pub async fn create<C: OfChat>(
    app: Data<App>,
    _lease: RuntimeLease,
    Session(caller): Session,
    Query(of): Query<OfPlatform>,
) -> Answer<Made> {
    let platform_id = of.platform_id.unwrap_or_else(|| C::CHAT.to_string());
    if platform_id != C::CHAT.id() {
        let text = format!("Sessions are made here on the platform {} only.", C::CHAT);
        return Err(ApiError::with(Code::Invalid, text));
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
    listed(&app, &caller.username, of.platform_id.as_deref()).await
}

/// `GET /api/tui/sessions`
pub async fn list_of_terminals(
    app: Data<App>,
    _lease: RuntimeLease,
    Session(caller): Session,
    Query(of): Query<OfPlatform>,
) -> Answer<Vec<Listed>> {
    let platform_id = of.platform_id.as_deref().unwrap_or(PlatformId::TERMINAL);
    listed(&app, &caller.username, Some(platform_id)).await
}

async fn listed(app: &App, username: &str, platform_id: Option<&str>) -> Answer<Vec<Listed>> {
    let sessions = app.database.chat_sessions();
    let found = sessions.outside_projects(username, platform_id, LISTED).await?;
    Ok(Reply::data(found.into_iter().map(Listed::of).collect()))
}

/// `GET /api/chat/get_session`
pub async fn read(
    app: Data<App>,
    lease: RuntimeLease,
    Session(caller): Session,
    Query(named): Query<Named>,
) -> Answer<Read> {
    let session = owned(&app, &caller.username, &named.id()?).await?;
    // The runs first: a run that ends in between is then in the history, and not missing in both.
    let runs = match address_of(&session) {
        Some(address) => lease.platforms.webchat().active_runs(&address).await?,
        None => Vec::new(),
    };
    let history = app.database.history();
    let rows = history.list(&session.platform_id, &session.session_id, HISTORY).await?;
    let project = app.database.projects().of_session(&session.session_id).await?;
    Ok(Reply::data(Read {
        history: rows.into_iter().map(Record::of).collect(),
        is_running: !runs.is_empty(),
        active_runs: runs.into_iter().map(|run_id| ActiveRun { run_id }).collect(),
        project: project.map(|project| InProject {
            project_id: project.project_id,
            title: project.title,
            emoji: project.emoji,
        }),
    }))
}

/// `POST /api/chat/update_session_display_name`
pub async fn rename(
    app: Data<App>,
    _lease: RuntimeLease,
    Session(caller): Session,
    Json(renamed): Json<Renamed>,
) -> Answer<Empty> {
    let session = owned(&app, &caller.username, &renamed.session_id).await?;
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
    let session = owned(&app, &caller.username, &named.id()?).await?;
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
