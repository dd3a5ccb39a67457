//! The statements on the document tables.

use serde_json::Value;
use sqlx::SqliteConnection;
use sqlx::types::Json;

use crate::db::{Database, DbError};

use super::document::{Document, DocumentId, RevisionInfo};

/// A save that is to be written.
pub(super) struct NewRevision {
    pub(super) id: DocumentId,
    /// The revision it is based on; 0 for a document that is not there.
    pub(super) expected: i64,
    /// `None` deletes.
    pub(super) value: Option<Value>,
    pub(super) title: Option<String>,
    pub(super) author: String,
    pub(super) note: String,
}

/// What became of a save.
pub(super) enum Written {
    Done(Head),
    Conflict { found: i64 },
}

/// A document's row after a save.
pub(super) struct Head {
    pub(super) title: String,
    pub(super) revision: i64,
    pub(super) ready_revision: Option<i64>,
    pub(super) saved_at: i64,
}

#[derive(sqlx::FromRow)]
struct HeadRow {
    title: String,
    revision: i64,
    ready_revision: Option<i64>,
    deleted: bool,
}

#[derive(sqlx::FromRow)]
struct DocumentRow {
    name: String,
    title: String,
    revision: i64,
    ready_revision: Option<i64>,
    value: Json<Value>,
    author: String,
    saved_at: i64,
}

impl DocumentRow {
    /// A name that this version does not know belongs to a newer one; it is left alone.
    fn document(self) -> Option<Document> {
        let Ok(id) = self.name.parse() else {
            tracing::warn!(name = self.name, "a document of an unknown kind is passed over");
            return None;
        };
        Some(Document {
            id,
            title: self.title,
            revision: self.revision,
            ready_revision: self.ready_revision,
            value: self.value.0,
            author: self.author,
            saved_at: self.saved_at,
        })
    }
}

const LATEST: &str = "SELECT d.name, d.title, r.revision, d.ready_revision, r.value, r.author,
        r.saved_at
    FROM documents d JOIN document_revisions r ON r.name = d.name AND r.revision = d.revision
    WHERE r.value IS NOT NULL";

const READY: &str = "SELECT d.name, d.title, r.revision, d.ready_revision, r.value, r.author,
        r.saved_at
    FROM documents d JOIN document_revisions r ON r.name = d.name AND r.revision = d.ready_revision
    WHERE r.value IS NOT NULL";

/// All documents as they were saved last.
pub(super) async fn latest(database: &Database) -> Result<Vec<Document>, DbError> {
    all(database, LATEST).await
}

/// All documents as they were when a bootstrap last reached ready.
pub(super) async fn ready(database: &Database) -> Result<Vec<Document>, DbError> {
    all(database, READY).await
}

async fn all(database: &Database, statement: &'static str) -> Result<Vec<Document>, DbError> {
    let rows: Vec<DocumentRow> = sqlx::query_as(statement).fetch_all(database.readers()).await?;
    Ok(rows.into_iter().filter_map(DocumentRow::document).collect())
}

/// Writes a revision if the document is still at the expected one.
pub(super) async fn write(database: &Database, new: NewRevision) -> Result<Written, DbError> {
    database.write(move |connection| Box::pin(write_one(connection, new))).await
}

/// Writes several revisions, all or none on an error of the database.
pub(super) async fn write_all(database: &Database, new: Vec<NewRevision>) -> Result<(), DbError> {
    database
        .write(move |connection| {
            Box::pin(async move {
                for revision in new {
                    write_one(&mut *connection, revision).await?;
                }
                Ok(())
            })
        })
        .await
}

async fn write_one(
    connection: &mut SqliteConnection,
    new: NewRevision,
) -> Result<Written, DbError> {
    let name = new.id.to_string();
    let head: Option<HeadRow> = sqlx::query_as(
        "SELECT d.title, d.revision, d.ready_revision, r.value IS NULL AS deleted
         FROM documents d JOIN document_revisions r ON r.name = d.name AND r.revision = d.revision
         WHERE d.name = ?",
    )
    .bind(name.clone())
    .fetch_optional(&mut *connection)
    .await?;
    let found = head.as_ref().filter(|head| !head.deleted).map_or(0, |head| head.revision);
    if found != new.expected {
        return Ok(Written::Conflict { found });
    }
    let head = Head {
        title: new
            .title
            .or_else(|| head.as_ref().map(|head| head.title.clone()))
            .unwrap_or_else(|| name.clone()),
        revision: head.as_ref().map_or(0, |head| head.revision) + 1,
        ready_revision: head.and_then(|head| head.ready_revision),
        saved_at: jiff::Timestamp::now().as_millisecond(),
    };
    sqlx::query(
        "INSERT INTO documents (name, title, revision) VALUES (?1, ?2, ?3)
         ON CONFLICT (name) DO UPDATE SET title = excluded.title, revision = excluded.revision",
    )
    .bind(name.clone())
    .bind(head.title.clone())
    .bind(head.revision)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT INTO document_revisions (name, revision, value, author, note, saved_at)
         VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(name)
    .bind(head.revision)
    .bind(new.value.map(Json))
    .bind(new.author)
    .bind(new.note)
    .bind(head.saved_at)
    .execute(connection)
    .await?;
    Ok(Written::Done(head))
}

/// Gives a document another title. False when it is not there.
pub(super) async fn rename(
    database: &Database,
    id: &DocumentId,
    title: String,
) -> Result<bool, DbError> {
    let name = id.to_string();
    database
        .write(move |connection| {
            Box::pin(async move {
                let done = sqlx::query("UPDATE documents SET title = ? WHERE name = ?")
                    .bind(title)
                    .bind(name)
                    .execute(connection)
                    .await?;
                Ok(done.rows_affected() > 0)
            })
        })
        .await
}

/// Remembers these revisions as ones that reached ready.
pub(super) async fn mark_ready(
    database: &Database,
    revisions: Vec<(DocumentId, i64)>,
) -> Result<(), DbError> {
    database
        .write(move |connection| {
            Box::pin(async move {
                for (id, revision) in revisions {
                    sqlx::query("UPDATE documents SET ready_revision = ? WHERE name = ?")
                        .bind(revision)
                        .bind(id.to_string())
                        .execute(&mut *connection)
                        .await?;
                }
                Ok(())
            })
        })
        .await
}

/// The saves of a document, newest first, from below `before`.
pub(super) async fn history(
    database: &Database,
    id: &DocumentId,
    before: i64,
    limit: u32,
) -> Result<Vec<RevisionInfo>, DbError> {
    let rows = sqlx::query_as(
        "SELECT revision, author, note, saved_at, value IS NULL AS deleted
         FROM document_revisions WHERE name = ? AND revision < ? ORDER BY revision DESC LIMIT ?",
    )
    .bind(id.to_string())
    .bind(before)
    .bind(limit)
    .fetch_all(database.readers())
    .await?;
    Ok(rows)
}

/// A document as one save left it.
pub(super) async fn revision(
    database: &Database,
    id: &DocumentId,
    revision: i64,
) -> Result<Option<Document>, DbError> {
    let row: Option<DocumentRow> = sqlx::query_as(
        "SELECT d.name, d.title, r.revision, d.ready_revision, r.value, r.author, r.saved_at
         FROM documents d JOIN document_revisions r ON r.name = d.name
         WHERE d.name = ? AND r.revision = ? AND r.value IS NOT NULL",
    )
    .bind(id.to_string())
    .bind(revision)
    .fetch_optional(database.readers())
    .await?;
    Ok(row.and_then(DocumentRow::document))
}
