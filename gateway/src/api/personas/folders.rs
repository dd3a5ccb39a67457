//! Folders of personas: listed, as a tree, made, changed, deleted; and the order of what is in them.

use std::collections::HashMap;

use actix_web::web::Data;
use firstlight_core::db::{
    FolderChanged, NewPersonaFolder, PersonaFolder, PersonaFolderChange, PersonaItem,
};
use firstlight_core::messages::Message;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::characters::refused;
use crate::api::shapes::{Given, Told, filled, required, told, wrong};
use crate::api::times::iso;
use crate::app::App;
use crate::http::{Answer, ApiError, Code, Json, Query, Reply, Wanted};

/// The longest name, in characters.
const NAME_LIMIT: usize = 255;
/// How deep a tree is shown. What is deeper can be listed.
const DEPTH: usize = 64;
/// How many places one call gives at most.
const MOST_PLACES: usize = 10_000;

/// A folder.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ShownPersonaFolder")]
pub struct Shown {
    folder_id: String,
    name: String,
    parent_id: Option<String>,
    description: Option<String>,
    sort_order: i64,
    created_at: String,
    updated_at: String,
}

/// A folder with what is below it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PersonaFolderTree")]
pub struct Node {
    folder_id: String,
    name: String,
    parent_id: Option<String>,
    description: Option<String>,
    sort_order: i64,
    children: Vec<Node>,
}

/// Which folders.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PersonaFolderQuery")]
pub struct InFolder {
    /// A folder; the top when absent or empty.
    #[serde(default)]
    parent_id: Option<String>,
}

/// Which folder.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "NamedPersonaFolder")]
pub struct Named {
    #[serde(default)]
    folder_id: String,
}

/// A folder to be made.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "NewPersonaFolder")]
pub struct New {
    #[serde(default)]
    name: String,
    #[serde(default)]
    parent_id: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    sort_order: i64,
}

/// What is to be changed; `null` clears, what is absent stays.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ChangePersonaFolder")]
pub struct Change {
    #[serde(default)]
    folder_id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    parent_id: Given<String>,
    #[serde(default)]
    description: Given<String>,
    #[serde(default)]
    sort_order: Option<i64>,
}

/// The places of personas and folders.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ReorderPersonas")]
pub struct Places {
    #[serde(default)]
    items: Vec<Place>,
}

/// One place.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PersonaPlace")]
pub struct Place {
    id: String,
    #[serde(rename = "type")]
    kind: Kind,
    sort_order: i64,
}

/// What has the place.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PersonaPlaceKind")]
pub enum Kind {
    Persona,
    Folder,
}

/// A folder that was made.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MadePersonaFolder")]
pub struct Made {
    message: String,
    folder: Shown,
}

/// `GET /api/persona/folder/list`
pub async fn list(app: Data<App>, Query(wanted): Query<InFolder>) -> Answer<Vec<Shown>> {
    let folders = app.database.persona_folders();
    let found = folders.in_folder(filled(wanted.parent_id.as_deref())).await?;
    Ok(Reply::data(found.into_iter().map(Shown::of).collect()))
}

/// `GET /api/persona/folder/tree`
pub async fn tree(app: Data<App>) -> Answer<Vec<Node>> {
    let mut below: HashMap<Option<String>, Vec<PersonaFolder>> = HashMap::new();
    for folder in app.database.persona_folders().all().await? {
        below.entry(folder.parent_id.clone()).or_default().push(folder);
    }
    Ok(Reply::data(nodes(&mut below, None, DEPTH)))
}

/// `POST /api/persona/folder/detail`
pub async fn detail(app: Data<App>, Json(named): Json<Named>) -> Answer<Shown> {
    let found = app.database.persona_folders().by_id(named.id()?).await?;
    let missing = || ApiError::with(Code::NotFound, Message::PersonaFolderMissing);
    Ok(Reply::data(Shown::of(found.ok_or_else(missing)?)))
}

/// `POST /api/persona/folder/create`
pub async fn create(
    app: Data<App>,
    Wanted(language): Wanted,
    Json(new): Json<New>,
) -> Answer<Made> {
    let new = NewPersonaFolder {
        name: name(&new.name)?,
        parent_id: new.parent_id.filter(|id| !id.is_empty()),
        description: new.description,
        sort_order: new.sort_order,
    };
    let made = app.database.persona_folders().create(new).await.map_err(refused)?;
    let message = Message::ChangeSaved.text(language).into_owned();
    Ok(Reply::data(Made { message, folder: Shown::of(made) }))
}

/// `POST /api/persona/folder/update`
pub async fn update(
    app: Data<App>,
    Wanted(language): Wanted,
    Json(change): Json<Change>,
) -> Answer<Told> {
    let id = required("folder_id", &change.folder_id)?;
    let changes = PersonaFolderChange {
        name: change.name.as_deref().map(name).transpose()?,
        parent_id: change.parent_id.map(|id| id.filter(|id| !id.is_empty())),
        description: change.description.map(|text| text),
        sort_order: change.sort_order,
    };
    match app.database.persona_folders().change(id, changes).await.map_err(refused)? {
        FolderChanged::Done => told(language, &Message::ChangeSaved),
        FolderChanged::Loop => Err(ApiError::with(Code::Invalid, Message::PersonaFolderLoop)),
    }
}

/// `POST /api/persona/folder/delete`: what is in it moves to where it was.
pub async fn delete(
    app: Data<App>,
    Wanted(language): Wanted,
    Json(named): Json<Named>,
) -> Answer<Told> {
    app.database.persona_folders().delete(named.id()?).await.map_err(refused)?;
    told(language, &Message::EntryDeleted)
}

/// `POST /api/persona/reorder`
pub async fn reorder(
    app: Data<App>,
    Wanted(language): Wanted,
    Json(places): Json<Places>,
) -> Answer<Told> {
    if places.items.is_empty() || places.items.len() > MOST_PLACES {
        return Err(wrong("items", format!("must be a list of 1 to {MOST_PLACES}")));
    }
    let places = places.items.into_iter().map(|place| {
        let item = match place.kind {
            Kind::Persona => PersonaItem::Persona(place.id),
            Kind::Folder => PersonaItem::Folder(place.id),
        };
        (item, place.sort_order)
    });
    app.database.persona_folders().reorder(places.collect()).await.map_err(refused)?;
    told(language, &Message::ChangeSaved)
}

impl Named {
    fn id(&self) -> Result<&str, ApiError> {
        required("folder_id", &self.folder_id)
    }
}

fn name(name: &str) -> Result<String, ApiError> {
    Ok(required("name", name)?.chars().take(NAME_LIMIT).collect())
}

fn nodes(
    below: &mut HashMap<Option<String>, Vec<PersonaFolder>>,
    parent: Option<&str>,
    depth: usize,
) -> Vec<Node> {
    let Some(depth) = depth.checked_sub(1) else { return Vec::new() };
    let folders = below.remove(&parent.map(str::to_owned)).unwrap_or_default();
    let node = |folder: PersonaFolder| Node {
        children: nodes(below, Some(&folder.folder_id), depth),
        folder_id: folder.folder_id,
        name: folder.name,
        parent_id: folder.parent_id,
        description: folder.description,
        sort_order: folder.sort_order,
    };
    folders.into_iter().map(node).collect()
}

impl Shown {
    fn of(folder: PersonaFolder) -> Self {
        Self {
            folder_id: folder.folder_id,
            name: folder.name,
            parent_id: folder.parent_id,
            description: folder.description,
            sort_order: folder.sort_order,
            created_at: iso(folder.created_at),
            updated_at: iso(folder.updated_at),
        }
    }
}
