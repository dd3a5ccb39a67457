//! Folders that personas are shown in, and the order of what is in them.

use sqlx::SqliteConnection;
use uuid::Uuid;

use super::database::now;
use super::personas::check_folder;
use super::{Database, DbError, Personas};

/// A folder.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PersonaFolder {
    /// Its id.
    pub folder_id: String,
    /// What it is called.
    pub name: String,
    /// The folder it is in; none at the top.
    pub parent_id: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Where it stands in its folder, ascending.
    pub sort_order: i64,
    /// When it was made, in epoch milliseconds.
    pub created_at: i64,
    /// When it was changed last, in epoch milliseconds.
    pub updated_at: i64,
}

/// A folder to be stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewPersonaFolder {
    /// See [`PersonaFolder::name`].
    pub name: String,
    /// See [`PersonaFolder::parent_id`].
    pub parent_id: Option<String>,
    /// See [`PersonaFolder::description`].
    pub description: Option<String>,
    /// See [`PersonaFolder::sort_order`].
    pub sort_order: i64,
}

/// What is to be changed of a folder. What is absent stays; `Some(None)` clears.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonaFolderChange {
    /// See [`PersonaFolder::name`].
    pub name: Option<String>,
    /// See [`PersonaFolder::parent_id`].
    pub parent_id: Option<Option<String>>,
    /// See [`PersonaFolder::description`].
    pub description: Option<Option<String>>,
    /// See [`PersonaFolder::sort_order`].
    pub sort_order: Option<i64>,
}

/// Something that has a place in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonaItem {
    /// A persona, by its id.
    Persona(String),
    /// A folder, by its id.
    Folder(String),
}

/// Whether a folder could be put where it was to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FolderChanged {
    /// It is there.
    Done,
    /// It would have been inside of itself; nothing changed.
    Loop,
}

/// The folders of personas.
#[derive(Clone)]
pub struct PersonaFolders {
    database: Database,
}

impl PersonaFolders {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// All folders, in their order within each folder.
    pub async fn all(&self) -> Result<Vec<PersonaFolder>, DbError> {
        let found = sqlx::query_as("SELECT * FROM persona_folders ORDER BY sort_order, name")
            .fetch_all(self.database.readers())
            .await?;
        Ok(found)
    }

    /// The folders in a folder, in their order; without one, those at the top.
    pub async fn in_folder(&self, parent_id: Option<&str>) -> Result<Vec<PersonaFolder>, DbError> {
        let found = sqlx::query_as(
            "SELECT * FROM persona_folders WHERE parent_id IS ? ORDER BY sort_order, name",
        )
        .bind(parent_id.map(ToOwned::to_owned))
        .fetch_all(self.database.readers())
        .await?;
        Ok(found)
    }

    /// The folder of that id.
    pub async fn by_id(&self, folder_id: &str) -> Result<Option<PersonaFolder>, DbError> {
        let found = sqlx::query_as("SELECT * FROM persona_folders WHERE folder_id = ?")
            .bind(folder_id.to_owned())
            .fetch_optional(self.database.readers())
            .await?;
        Ok(found)
    }

    /// Makes a folder. [`DbError::Missing`] when there is no such parent.
    pub async fn create(&self, new: NewPersonaFolder) -> Result<PersonaFolder, DbError> {
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    check_folder(connection, new.parent_id.as_deref()).await?;
                    let made = sqlx::query_as(
                        "INSERT INTO persona_folders (folder_id, name, parent_id, description,
                             sort_order, created_at, updated_at)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) RETURNING *",
                    )
                    .bind(Uuid::new_v4().to_string())
                    .bind(new.name)
                    .bind(new.parent_id)
                    .bind(new.description)
                    .bind(new.sort_order)
                    .bind(now())
                    .fetch_one(connection)
                    .await?;
                    Ok(made)
                })
            })
            .await
    }

    /// Changes a folder. [`DbError::Missing`] when there is no such folder or parent.
    pub async fn change(
        &self,
        folder_id: &str,
        change: PersonaFolderChange,
    ) -> Result<FolderChanged, DbError> {
        let folder_id = folder_id.to_owned();
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let old = load(connection, folder_id).await?;
                    let parent_id = change.parent_id.unwrap_or(old.parent_id);
                    check_folder(connection, parent_id.as_deref()).await?;
                    if is_within(connection, parent_id.as_deref(), &old.folder_id).await? {
                        return Ok(FolderChanged::Loop);
                    }
                    sqlx::query(
                        "UPDATE persona_folders SET name = ?, parent_id = ?, description = ?,
                             sort_order = ?, updated_at = ?
                         WHERE folder_id = ?",
                    )
                    .bind(change.name.unwrap_or(old.name))
                    .bind(parent_id)
                    .bind(change.description.unwrap_or(old.description))
                    .bind(change.sort_order.unwrap_or(old.sort_order))
                    .bind(now())
                    .bind(old.folder_id)
                    .execute(connection)
                    .await?;
                    Ok(FolderChanged::Done)
                })
            })
            .await
    }

    /// Removes a folder. What is in it moves to the folder it was in. [`DbError::Missing`] when
    /// there is no such folder.
    pub async fn delete(&self, folder_id: &str) -> Result<(), DbError> {
        let folder_id = folder_id.to_owned();
        Personas::new(self.database.clone())
            .write(move |connection| {
                Box::pin(async move {
                    let old = load(connection, folder_id).await?;
                    for sql in [
                        "UPDATE personas SET folder_id = ?1 WHERE folder_id = ?2",
                        "UPDATE persona_folders SET parent_id = ?1 WHERE parent_id = ?2",
                    ] {
                        sqlx::query(sql)
                            .bind(old.parent_id.clone())
                            .bind(old.folder_id.clone())
                            .execute(&mut *connection)
                            .await?;
                    }
                    sqlx::query("DELETE FROM persona_folders WHERE folder_id = ?")
                        .bind(old.folder_id)
                        .execute(connection)
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    /// Gives personas and folders their places, all or none. [`DbError::Missing`] when one of them
    /// is not there.
    pub async fn reorder(&self, places: Vec<(PersonaItem, i64)>) -> Result<(), DbError> {
        Personas::new(self.database.clone())
            .write(move |connection| {
                Box::pin(async move {
                    for (item, place) in places {
                        let (sql, id, what) = match item {
                            PersonaItem::Persona(id) => (
                                "UPDATE personas SET sort_order = ? WHERE persona_id = ?",
                                id,
                                "persona",
                            ),
                            PersonaItem::Folder(id) => (
                                "UPDATE persona_folders SET sort_order = ? WHERE folder_id = ?",
                                id,
                                "persona folder",
                            ),
                        };
                        let done = sqlx::query(sql).bind(place).bind(id);
                        if done.execute(&mut *connection).await?.rows_affected() == 0 {
                            return Err(DbError::Missing { what });
                        }
                    }
                    Ok(())
                })
            })
            .await
    }
}

async fn load(
    connection: &mut SqliteConnection,
    folder_id: String,
) -> Result<PersonaFolder, DbError> {
    sqlx::query_as("SELECT * FROM persona_folders WHERE folder_id = ?")
        .bind(folder_id)
        .fetch_optional(connection)
        .await?
        .ok_or(DbError::Missing { what: "persona folder" })
}

/// Whether the place is the folder itself or somewhere inside of it.
async fn is_within(
    connection: &mut SqliteConnection,
    place: Option<&str>,
    folder_id: &str,
) -> Result<bool, DbError> {
    let within = sqlx::query_scalar(
        "WITH RECURSIVE above (id) AS (
             SELECT ?1 WHERE ?1 IS NOT NULL
             UNION
             SELECT parent_id FROM persona_folders JOIN above ON folder_id = above.id
             WHERE parent_id IS NOT NULL)
         SELECT EXISTS (SELECT 1 FROM above WHERE id = ?2)",
    )
    .bind(place.map(ToOwned::to_owned))
    .bind(folder_id.to_owned())
    .fetch_one(connection)
    .await?;
    Ok(within)
}
