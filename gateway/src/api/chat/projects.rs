//! Projects: folders of chat sessions.

use actix_web::web::Data;
use firstlight_core::db::{NewProject, Project, ProjectChanges};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::owned::owned;
use super::shown::{Listed, utc};
use crate::app::App;
use crate::http::{Answer, ApiError, Code, Empty, Json, Query, Reply, RuntimeLease, Session};

/// The longest title and description, in characters.
const TITLE: usize = 200;
const DESCRIPTION: usize = 2000;
/// Some signs are sequences of many characters.
const EMOJI: usize = 32;

/// A project.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Project")]
pub struct Shown {
    project_id: String,
    title: String,
    emoji: Option<String>,
    description: Option<String>,
    created_at: String,
    updated_at: String,
}

/// A new project.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "NewProject")]
pub struct New {
    #[serde(default)]
    title: String,
    #[serde(default)]
    emoji: Option<String>,
    #[serde(default)]
    description: Option<String>,
}

/// Changes of a project; what is absent stays.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ChangedProject")]
pub struct Changed {
    #[serde(default)]
    project_id: String,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    emoji: Option<String>,
    #[serde(default)]
    description: Option<String>,
}

/// Which project.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "NamedProject")]
pub struct Which {
    #[serde(default)]
    project_id: String,
}

/// A session, and the project that it is put into.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SessionIntoProject")]
pub struct Put {
    #[serde(default)]
    session_id: String,
    #[serde(default)]
    project_id: String,
}

/// A session that is taken out of its project.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SessionOutOfProject")]
pub struct Taken {
    #[serde(default)]
    session_id: String,
}

/// `POST /api/chatui_project/create`
pub async fn create(
    app: Data<App>,
    _lease: RuntimeLease,
    Session(caller): Session,
    Json(new): Json<New>,
) -> Answer<Shown> {
    let new = NewProject {
        creator: caller.username.clone(),
        title: title(&new.title)?,
        emoji: cut(new.emoji, EMOJI),
        description: cut(new.description, DESCRIPTION),
    };
    Ok(Reply::data(Shown::of(app.database.projects().create(new).await?)))
}

/// `GET /api/chatui_project/list`
pub async fn list(
    app: Data<App>,
    _lease: RuntimeLease,
    Session(caller): Session,
) -> Answer<Vec<Shown>> {
    let projects = app.database.projects().list(&caller.username).await?;
    Ok(Reply::data(projects.into_iter().map(Shown::of).collect()))
}

/// `GET /api/chatui_project/get`
pub async fn read(
    app: Data<App>,
    _lease: RuntimeLease,
    Session(caller): Session,
    Query(which): Query<Which>,
) -> Answer<Shown> {
    let project = own(&app, &caller.username, &which.project_id).await?;
    Ok(Reply::data(Shown::of(project)))
}

/// `POST /api/chatui_project/update`
pub async fn update(
    app: Data<App>,
    _lease: RuntimeLease,
    Session(caller): Session,
    Json(wanted): Json<Changed>,
) -> Answer<Empty> {
    let project = own(&app, &caller.username, &wanted.project_id).await?;
    let changes = ProjectChanges {
        title: wanted.title.as_deref().map(title).transpose()?,
        emoji: cut(wanted.emoji, EMOJI),
        description: cut(wanted.description, DESCRIPTION),
    };
    there(app.database.projects().update(&project.project_id, changes).await?)
}

/// `GET /api/chatui_project/delete`: its sessions stay.
pub async fn delete(
    app: Data<App>,
    _lease: RuntimeLease,
    Session(caller): Session,
    Query(which): Query<Which>,
) -> Answer<Empty> {
    let project = own(&app, &caller.username, &which.project_id).await?;
    there(app.database.projects().delete(&project.project_id).await?)
}

/// `POST /api/chatui_project/add_session`
pub async fn add_session(
    app: Data<App>,
    _lease: RuntimeLease,
    Session(caller): Session,
    Json(put): Json<Put>,
) -> Answer<Empty> {
    let session = owned(&app, &caller.username, &put.session_id).await?;
    let project = own(&app, &caller.username, &put.project_id).await?;
    let projects = app.database.projects();
    there(projects.add_session(&project.project_id, &session.session_id).await?)
}

/// `POST /api/chatui_project/remove_session`
pub async fn remove_session(
    app: Data<App>,
    _lease: RuntimeLease,
    Session(caller): Session,
    Json(taken): Json<Taken>,
) -> Answer<Empty> {
    let session = owned(&app, &caller.username, &taken.session_id).await?;
    // One that is in no project is as it should be.
    app.database.projects().remove_session(&session.session_id).await?;
    Ok(Reply::done())
}

/// `GET /api/chatui_project/get_sessions`
pub async fn sessions(
    app: Data<App>,
    _lease: RuntimeLease,
    Session(caller): Session,
    Query(which): Query<Which>,
) -> Answer<Vec<Listed>> {
    let project = own(&app, &caller.username, &which.project_id).await?;
    let sessions = app.database.projects().sessions(&project.project_id).await?;
    Ok(Reply::data(sessions.into_iter().map(Listed::of).collect()))
}

/// The project, when it is the caller's.
async fn own(app: &App, username: &str, project_id: &str) -> Result<Project, ApiError> {
    match app.database.projects().by_id(project_id).await? {
        None => Err(gone()),
        Some(project) if project.creator != username => Err(ApiError::new(Code::NotOwner)),
        Some(project) => Ok(project),
    }
}

/// It may have been deleted since it was looked up.
fn there(found: bool) -> Answer<Empty> {
    if found { Ok(Reply::done()) } else { Err(gone()) }
}

fn gone() -> ApiError {
    ApiError::with(Code::NotFound, "There is no such project.")
}

fn title(sent: &str) -> Result<String, ApiError> {
    let title: String = sent.trim().chars().take(TITLE).collect();
    if title.is_empty() {
        return Err(ApiError::with(Code::Invalid, "title is missing."));
    }
    Ok(title)
}

fn cut(text: Option<String>, limit: usize) -> Option<String> {
    text.map(|text| text.trim().chars().take(limit).collect())
}

impl Shown {
    fn of(project: Project) -> Self {
        Self {
            project_id: project.project_id,
            title: project.title,
            emoji: project.emoji,
            description: project.description,
            created_at: utc(project.created_at),
            updated_at: utc(project.updated_at),
        }
    }
}
