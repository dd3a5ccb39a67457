//! Personas: the characters the bot can play, as the operator keeps them.
//!
//! A turn reads its persona from memory; every write of a persona empties that memory.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use sqlx::SqliteConnection;
use sqlx::types::Json;

use super::database::now;
use super::{Database, DbError};

/// How many looked-up ids are kept in memory at most, found or not.
const KEPT: usize = 1024;

/// A stored persona.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Persona {
    /// What it is chosen by.
    pub persona_id: String,
    /// Said to the model first.
    pub system_prompt: String,
    /// Lines before the conversation, the user's and the bot's in turn: an even number.
    #[sqlx(json)]
    pub begin_dialogs: Vec<String>,
    /// The tools it may use; every tool when absent.
    #[sqlx(json(nullable))]
    pub tools: Option<Vec<String>>,
    /// The skills it may use; every skill when absent.
    #[sqlx(json(nullable))]
    pub skills: Option<Vec<String>>,
    /// What is said in place of an error of the model.
    pub custom_error_message: Option<String>,
    /// The folder it is shown in; none at the top.
    pub folder_id: Option<String>,
    /// Where it stands in its folder, ascending.
    pub sort_order: i64,
    /// When it was made, in epoch milliseconds.
    pub created_at: i64,
    /// When it was changed last, in epoch milliseconds.
    pub updated_at: i64,
}

/// A persona to be stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewPersona {
    /// See [`Persona::persona_id`].
    pub persona_id: String,
    /// See [`Persona::system_prompt`].
    pub system_prompt: String,
    /// See [`Persona::begin_dialogs`].
    pub begin_dialogs: Vec<String>,
    /// See [`Persona::tools`].
    pub tools: Option<Vec<String>>,
    /// See [`Persona::skills`].
    pub skills: Option<Vec<String>>,
    /// See [`Persona::custom_error_message`].
    pub custom_error_message: Option<String>,
    /// See [`Persona::folder_id`].
    pub folder_id: Option<String>,
    /// See [`Persona::sort_order`].
    pub sort_order: i64,
}

/// What is to be changed of a persona. What is absent stays; `Some(None)` clears.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonaChange {
    /// See [`Persona::system_prompt`].
    pub system_prompt: Option<String>,
    /// See [`Persona::begin_dialogs`].
    pub begin_dialogs: Option<Vec<String>>,
    /// See [`Persona::tools`].
    pub tools: Option<Option<Vec<String>>>,
    /// See [`Persona::skills`].
    pub skills: Option<Option<Vec<String>>>,
    /// See [`Persona::custom_error_message`].
    pub custom_error_message: Option<Option<String>>,
    /// See [`Persona::folder_id`].
    pub folder_id: Option<Option<String>>,
    /// See [`Persona::sort_order`].
    pub sort_order: Option<i64>,
}

/// The memory of personas; one for each database.
#[derive(Default)]
pub(super) struct PersonaCache {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// `None`: there is no persona of that id.
    personas: HashMap<String, Option<Arc<Persona>>>,
    /// Goes up with every write, so that what was read before a write is not kept after it.
    version: u64,
}

impl PersonaCache {
    /// Forgets everything, because some persona was written. There are few, and writes are rare.
    fn forget(&self) {
        let mut kept = self.kept.lock();
        kept.version += 1;
        kept.personas.clear();
    }
}

/// The personas.
#[derive(Clone)]
pub struct Personas {
    database: Database,
}

impl Personas {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// The persona of that id. From memory after the first time, also when there is none.
    pub async fn by_id(&self, persona_id: &str) -> Result<Option<Arc<Persona>>, DbError> {
        let cache = self.database.persona_cache();
        let version = {
            let kept = cache.kept.lock();
            if let Some(found) = kept.personas.get(persona_id) {
                return Ok(found.clone());
            }
            kept.version
        };
        let found: Option<Persona> = sqlx::query_as("SELECT * FROM personas WHERE persona_id = ?")
            .bind(persona_id.to_owned())
            .fetch_optional(self.database.readers())
            .await?;
        let found = found.map(Arc::new);
        let mut kept = cache.kept.lock();
        if kept.version == version {
            if kept.personas.len() >= KEPT {
                kept.personas.clear();
            }
            kept.personas.insert(persona_id.to_owned(), found.clone());
        }
        Ok(found)
    }

    /// All personas, in their order.
    pub async fn all(&self) -> Result<Vec<Persona>, DbError> {
        let found = sqlx::query_as("SELECT * FROM personas ORDER BY sort_order, persona_id")
            .fetch_all(self.database.readers())
            .await?;
        Ok(found)
    }

    /// The personas of a folder, in their order; without a folder, those at the top.
    pub async fn in_folder(&self, folder_id: Option<&str>) -> Result<Vec<Persona>, DbError> {
        let found = sqlx::query_as(
            "SELECT * FROM personas WHERE folder_id IS ? ORDER BY sort_order, persona_id",
        )
        .bind(folder_id.map(ToOwned::to_owned))
        .fetch_all(self.database.readers())
        .await?;
        Ok(found)
    }

    /// Stores a persona. [`DbError::Taken`] when there is one of that id, [`DbError::Missing`] when
    /// there is no such folder.
    pub async fn create(&self, new: NewPersona) -> Result<Persona, DbError> {
        self.write(move |connection| Box::pin(insert(connection, new))).await
    }

    /// Stores a copy under another id, in the same folder. Errors as of [`Self::create`], and
    /// [`DbError::Missing`] when there is nothing to copy.
    pub async fn copy(&self, source_id: &str, persona_id: &str) -> Result<Persona, DbError> {
        let (source_id, persona_id) = (source_id.to_owned(), persona_id.to_owned());
        self.write(move |connection| {
            Box::pin(async move {
                let source = load(connection, source_id).await?;
                let copy = NewPersona {
                    persona_id,
                    system_prompt: source.system_prompt,
                    begin_dialogs: source.begin_dialogs,
                    tools: source.tools,
                    skills: source.skills,
                    custom_error_message: source.custom_error_message,
                    folder_id: source.folder_id,
                    sort_order: source.sort_order,
                };
                insert(connection, copy).await
            })
        })
        .await
    }

    /// Changes a persona. [`DbError::Missing`] when there is no such persona or folder.
    pub async fn change(&self, persona_id: &str, change: PersonaChange) -> Result<(), DbError> {
        let persona_id = persona_id.to_owned();
        self.write(move |connection| {
            Box::pin(async move {
                let old = load(connection, persona_id).await?;
                let folder_id = change.folder_id.unwrap_or(old.folder_id);
                check_folder(connection, folder_id.as_deref()).await?;
                sqlx::query(
                    "UPDATE personas SET system_prompt = ?, begin_dialogs = ?, tools = ?,
                         skills = ?, custom_error_message = ?, folder_id = ?, sort_order = ?,
                         updated_at = ?
                     WHERE persona_id = ?",
                )
                .bind(change.system_prompt.unwrap_or(old.system_prompt))
                .bind(Json(change.begin_dialogs.unwrap_or(old.begin_dialogs)))
                .bind(change.tools.unwrap_or(old.tools).map(Json))
                .bind(change.skills.unwrap_or(old.skills).map(Json))
                .bind(change.custom_error_message.unwrap_or(old.custom_error_message))
                .bind(folder_id)
                .bind(change.sort_order.unwrap_or(old.sort_order))
                .bind(now())
                .bind(old.persona_id)
                .execute(connection)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// Forgets a persona. False when there is none of that id. What names it (conversations,
    /// session rules) falls back to the profile's persona from then on.
    pub async fn delete(&self, persona_id: &str) -> Result<bool, DbError> {
        let persona_id = persona_id.to_owned();
        self.write(move |connection| {
            Box::pin(async move {
                let done = sqlx::query("DELETE FROM personas WHERE persona_id = ?")
                    .bind(persona_id)
                    .execute(connection)
                    .await?;
                Ok(done.rows_affected() > 0)
            })
        })
        .await
    }

    pub(super) async fn write<T, F>(&self, job: F) -> Result<T, DbError>
    where
        F: for<'c> FnOnce(
                &'c mut SqliteConnection,
            ) -> futures_util::future::BoxFuture<'c, Result<T, DbError>>
            + Send
            + 'static,
        T: Send + 'static,
    {
        let database = self.database.clone();
        self.database.write_then(job, move |_| database.persona_cache().forget()).await
    }
}

async fn load(connection: &mut SqliteConnection, persona_id: String) -> Result<Persona, DbError> {
    sqlx::query_as("SELECT * FROM personas WHERE persona_id = ?")
        .bind(persona_id)
        .fetch_optional(connection)
        .await?
        .ok_or(DbError::Missing { what: "persona" })
}

async fn insert(connection: &mut SqliteConnection, new: NewPersona) -> Result<Persona, DbError> {
    check_folder(connection, new.folder_id.as_deref()).await?;
    let made = sqlx::query_as(
        "INSERT INTO personas (persona_id, system_prompt, begin_dialogs, tools, skills,
             custom_error_message, folder_id, sort_order, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9) RETURNING *",
    )
    .bind(new.persona_id)
    .bind(new.system_prompt)
    .bind(Json(new.begin_dialogs))
    .bind(new.tools.map(Json))
    .bind(new.skills.map(Json))
    .bind(new.custom_error_message)
    .bind(new.folder_id)
    .bind(new.sort_order)
    .bind(now())
    .fetch_one(connection)
    .await?;
    Ok(made)
}

/// Says which row is missing, which the foreign key alone would not.
pub(super) async fn check_folder(
    connection: &mut SqliteConnection,
    folder_id: Option<&str>,
) -> Result<(), DbError> {
    let Some(folder_id) = folder_id else { return Ok(()) };
    let there: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM persona_folders WHERE folder_id = ?)")
            .bind(folder_id.to_owned())
            .fetch_one(connection)
            .await?;
    if there { Ok(()) } else { Err(DbError::Missing { what: "persona folder" }) }
}
