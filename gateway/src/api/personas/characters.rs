//! Personas: listed, made, changed, copied, moved, deleted.

use actix_web::web::Data;
use firstlight_core::db::{DbError, NewPersona, Persona, PersonaChange};
use firstlight_core::messages::Message;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::shapes::{Given, Told, required, told, wrong};
use crate::api::times::iso;
use crate::app::App;
use crate::http::{Answer, ApiError, Code, Json, Query, Reply, Wanted};

/// The longest id, in characters.
const ID_LIMIT: usize = 255;
/// What a conversation says when it wants no persona: no id of one.
const NONE: &str = "[%None]";

/// A persona.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ShownPersona")]
pub struct Shown {
    persona_id: String,
    system_prompt: String,
    begin_dialogs: Vec<String>,
    /// Null is every tool.
    tools: Option<Vec<String>>,
    /// Null is every skill.
    skills: Option<Vec<String>>,
    custom_error_message: Option<String>,
    folder_id: Option<String>,
    sort_order: i64,
    created_at: String,
    updated_at: String,
}

/// Which personas.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PersonaQuery")]
pub struct InFolder {
    /// A folder; empty for the top; all personas when absent.
    #[serde(default)]
    folder_id: Option<String>,
}

/// Which persona.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "NamedPersona")]
pub struct Named {
    #[serde(default)]
    persona_id: String,
}

/// A persona to be made.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "NewPersona")]
pub struct New {
    #[serde(default)]
    persona_id: String,
    #[serde(default)]
    system_prompt: String,
    /// Lines of the user and of the bot in turn: an even number.
    #[serde(default)]
    begin_dialogs: Option<Vec<String>>,
    #[serde(default)]
    tools: Option<Vec<String>>,
    #[serde(default)]
    skills: Option<Vec<String>>,
    #[serde(default)]
    custom_error_message: Option<String>,
    #[serde(default)]
    folder_id: Option<String>,
    #[serde(default)]
    sort_order: i64,
}

/// What is to be changed; `null` clears, what is absent stays.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ChangePersona")]
pub struct Change {
    #[serde(default)]
    persona_id: String,
    #[serde(default)]
    system_prompt: Option<String>,
    #[serde(default)]
    begin_dialogs: Given<Vec<String>>,
    #[serde(default)]
    tools: Given<Vec<String>>,
    #[serde(default)]
    skills: Given<Vec<String>>,
    #[serde(default)]
    custom_error_message: Given<String>,
    #[serde(default)]
    folder_id: Given<String>,
    #[serde(default)]
    sort_order: Option<i64>,
}

/// What to copy, and what the copy is called.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ClonePersona")]
pub struct Copy {
    #[serde(default)]
    source_persona_id: String,
    #[serde(default)]
    new_persona_id: String,
}

/// Where to.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "MovePersona")]
pub struct Move {
    #[serde(default)]
    persona_id: String,
    /// Null for the top.
    #[serde(default)]
    folder_id: Option<String>,
}

/// A persona that was made.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MadePersona")]
pub struct Made {
    message: String,
    persona: Shown,
}

/// `GET /api/persona/list`
pub async fn list(app: Data<App>, Query(wanted): Query<InFolder>) -> Answer<Vec<Shown>> {
    let personas = app.database.personas();
    let found = match wanted.folder_id.as_deref() {
        None => personas.all().await?,
        Some("") => personas.in_folder(None).await?,
        Some(folder) => personas.in_folder(Some(folder)).await?,
    };
    Ok(Reply::data(found.into_iter().map(Shown::of).collect()))
}

/// `POST /api/persona/detail`
pub async fn detail(app: Data<App>, Json(named): Json<Named>) -> Answer<Shown> {
    let found = app.database.personas().by_id(named.id()?).await?;
    Ok(Reply::data(Shown::of(Persona::clone(&*found.ok_or_else(missing)?))))
}

/// `POST /api/persona/create`
pub async fn create(
    app: Data<App>,
    Wanted(language): Wanted,
    Json(new): Json<New>,
) -> Answer<Made> {
    required("system_prompt", &new.system_prompt)?;
    let new = NewPersona {
        persona_id: new_id("persona_id", &new.persona_id)?,
        system_prompt: new.system_prompt,
        begin_dialogs: even(new.begin_dialogs.unwrap_or_default())?,
        tools: new.tools,
        skills: new.skills,
        custom_error_message: new.custom_error_message.filter(|text| !text.is_empty()),
        folder_id: new.folder_id.filter(|id| !id.is_empty()),
        sort_order: new.sort_order,
    };
    let made = app.database.personas().create(new).await.map_err(refused)?;
    let message = Message::ChangeSaved.text(language).into_owned();
    Ok(Reply::data(Made { message, persona: Shown::of(made) }))
}

/// `POST /api/persona/update`
pub async fn update(
    app: Data<App>,
    Wanted(language): Wanted,
    Json(change): Json<Change>,
) -> Answer<Told> {
    let id = required("persona_id", &change.persona_id)?;
    if let Some(prompt) = &change.system_prompt {
        required("system_prompt", prompt)?;
    }
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let lines = change.begin_dialogs.map(|lines| even(lines.unwrap_or_default()));
    let changes = PersonaChange {
        system_prompt: change.system_prompt,
        begin_dialogs: lines.transpose()?,
        tools: change.tools.map(|tools| tools),
        skills: change.skills.map(|skills| skills),
        custom_error_message: change.custom_error_message.map(filled),
        folder_id: change.folder_id.map(filled),
        sort_order: change.sort_order,
    };
    app.database.personas().change(id, changes).await.map_err(refused)?;
    told(language, &Message::ChangeSaved)
}

/// `POST /api/persona/delete`
pub async fn delete(
    app: Data<App>,
    Wanted(language): Wanted,
    Json(named): Json<Named>,
) -> Answer<Told> {
    if !app.database.personas().delete(named.id()?).await? {
        return Err(missing());
    }
    told(language, &Message::EntryDeleted)
}

/// `POST /api/persona/clone`
pub async fn copy(
    app: Data<App>,
    Wanted(language): Wanted,
    Json(copy): Json<Copy>,
) -> Answer<Made> {
    let source = required("source_persona_id", &copy.source_persona_id)?;
    let id = new_id("new_persona_id", &copy.new_persona_id)?;
    let made = app.database.personas().copy(source, &id).await.map_err(refused)?;
    let message = Message::ChangeSaved.text(language).into_owned();
    Ok(Reply::data(Made { message, persona: Shown::of(made) }))
}

/// `POST /api/persona/move`
pub async fn move_to(
    app: Data<App>,
    Wanted(language): Wanted,
    Json(to): Json<Move>,
) -> Answer<Told> {
    let id = required("persona_id", &to.persona_id)?;
    let folder_id = Some(to.folder_id.filter(|id| !id.is_empty()));
    let change = PersonaChange { folder_id, ..PersonaChange::default() };
    app.database.personas().change(id, change).await.map_err(refused)?;
    told(language, &Message::ChangeSaved)
}

impl Named {
    fn id(&self) -> Result<&str, ApiError> {
        required("persona_id", &self.persona_id)
    }
}

fn new_id(member: &str, id: &str) -> Result<String, ApiError> {
    let id = required(member, id)?;
    if id == NONE || id.chars().count() > ID_LIMIT || id.chars().any(char::is_control) {
        return Err(wrong(member, format!("at most {ID_LIMIT} printable characters")));
    }
    Ok(id.to_owned())
}

fn even(lines: Vec<String>) -> Result<Vec<String>, ApiError> {
    if lines.len().is_multiple_of(2) {
        return Ok(lines);
    }
    Err(wrong("begin_dialogs", "lines come in pairs: the user's, then the bot's"))
}

fn missing() -> ApiError {
    ApiError::with(Code::NotFound, Message::PersonaMissing)
}

/// What the database refused, in the words of personas.
pub(super) fn refused(error: DbError) -> ApiError {
    match error {
        DbError::Missing { what: "persona" } => missing(),
        DbError::Missing { .. } => ApiError::with(Code::NotFound, Message::PersonaFolderMissing),
        DbError::Taken(_) => ApiError::with(Code::Conflict, Message::PersonaTaken),
        other => other.into(),
    }
}

impl Shown {
    fn of(persona: Persona) -> Self {
        Self {
            persona_id: persona.persona_id,
            system_prompt: persona.system_prompt,
            begin_dialogs: persona.begin_dialogs,
            tools: persona.tools,
            skills: persona.skills,
            custom_error_message: persona.custom_error_message,
            folder_id: persona.folder_id,
            sort_order: persona.sort_order,
            created_at: iso(persona.created_at),
            updated_at: iso(persona.updated_at),
        }
    }
}
