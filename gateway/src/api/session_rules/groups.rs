//! Groups of sessions.

use actix_web::web::Data;
use firstlight_core::db::{DbError, SessionGroup, SessionGroupChange};
use firstlight_core::messages::Message;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::shapes::{Told, required, told};
use crate::app::App;
use crate::http::{Answer, ApiError, Code, Json, Reply, Wanted};

/// The longest name, in characters.
const NAME_LIMIT: usize = 255;

/// The groups.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SessionGroupList")]
pub struct List {
    groups: Vec<Shown>,
}

/// A group.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SessionGroup")]
pub struct Shown {
    id: String,
    name: String,
    umos: Vec<String>,
    umo_count: usize,
}

/// A group that was made or changed.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SessionGroupChanged")]
pub struct Made {
    message: String,
    group: Shown,
}

/// A group to be made.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "NewSessionGroup")]
pub struct New {
    #[serde(default)]
    name: String,
    #[serde(default)]
    umos: Vec<String>,
}

/// What is to be changed; what is absent stays.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ChangeSessionGroup")]
pub struct Change {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: Option<String>,
    /// All sessions of the group.
    #[serde(default)]
    umos: Option<Vec<String>>,
    #[serde(default)]
    add_umos: Vec<String>,
    #[serde(default)]
    remove_umos: Vec<String>,
}

/// Which group.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "NamedSessionGroup")]
pub struct Named {
    #[serde(default)]
    id: String,
}

/// `GET /api/session/groups`
pub async fn list(app: Data<App>) -> Answer<List> {
    let groups = app.database.session_groups().list().await?;
    Ok(Reply::data(List { groups: groups.into_iter().map(Shown::of).collect() }))
}

/// `POST /api/session/group/create`
pub async fn create(
    app: Data<App>,
    Wanted(language): Wanted,
    Json(new): Json<New>,
) -> Answer<Made> {
    let group = app.database.session_groups().create(name(&new.name)?, new.umos).await?;
    let message = Message::ChangeSaved.text(language).into_owned();
    Ok(Reply::data(Made { message, group: Shown::of(group) }))
}

/// `POST /api/session/group/update`
pub async fn update(
    app: Data<App>,
    Wanted(language): Wanted,
    Json(change): Json<Change>,
) -> Answer<Made> {
    let id = required("id", &change.id)?;
    let changes = SessionGroupChange {
        name: change.name.as_deref().map(name).transpose()?,
        umos: change.umos,
        add: change.add_umos,
        remove: change.remove_umos,
    };
    let group = app.database.session_groups().change(id, changes).await.map_err(refused)?;
    let message = Message::ChangeSaved.text(language).into_owned();
    Ok(Reply::data(Made { message, group: Shown::of(group) }))
}

/// `POST /api/session/group/delete`
pub async fn delete(
    app: Data<App>,
    Wanted(language): Wanted,
    Json(named): Json<Named>,
) -> Answer<Told> {
    let id = required("id", &named.id)?;
    app.database.session_groups().delete(id).await.map_err(refused)?;
    told(language, &Message::EntryDeleted)
}

fn name(name: &str) -> Result<String, ApiError> {
    Ok(required("name", name)?.chars().take(NAME_LIMIT).collect())
}

fn refused(error: DbError) -> ApiError {
    match error {
        DbError::Missing { .. } => ApiError::with(Code::NotFound, Message::SessionGroupMissing),
        other => other.into(),
    }
}

impl Shown {
    fn of(group: SessionGroup) -> Self {
        Self { umo_count: group.umos.len(), id: group.id, name: group.name, umos: group.umos }
    }
}
