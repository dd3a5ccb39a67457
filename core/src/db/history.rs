//! Message history: what a person sees in a chat, apart from what the model is shown.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::Value;

use super::database::now;
use super::direct::{self, Order};
use super::{Database, DbError};

const DELIVERED: &str = "SELECT * FROM platform_message_history WHERE delivery_key = ?";

/// A shown message to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct NewHistory {
    /// The platform the chat is on.
    pub platform_id: String,
    /// The chat: a session id, or a session key.
    pub user_id: String,
    /// Who sent it, if known.
    pub sender_id: Option<String>,
    /// What the sender is called.
    pub sender_name: Option<String>,
    /// What was sent.
    pub content: Value,
    /// The turn of the model's conversation that it belongs to.
    pub llm_checkpoint_id: Option<String>,
}

/// A stored message of a chat.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct HistoryRow {
    /// Its number, ascending within the chat.
    pub id: i64,
    /// The platform the chat is on.
    pub platform_id: String,
    /// The chat.
    pub user_id: String,
    /// Who sent it, if known.
    pub sender_id: Option<String>,
    /// What the sender is called.
    pub sender_name: Option<String>,
    /// What was sent.
    #[sqlx(json)]
    pub content: Value,
    /// The turn of the model's conversation that it belongs to.
    pub llm_checkpoint_id: Option<String>,
    /// When it was stored.
    pub created_at: i64,
    /// When it was last changed.
    pub updated_at: i64,
}

/// What became of a message that is said once.
#[derive(Debug, Clone, PartialEq)]
pub enum SaidOnce {
    /// It is stored.
    New(HistoryRow),
    /// It was stored before, as this row.
    Before(HistoryRow),
    /// The chat is not there, or not any more.
    NoChat,
}

/// The histories.
#[derive(Clone)]
pub struct History {
    database: Database,
}

impl History {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Adds a message to the end of its chat.
    pub async fn append(&self, new: NewHistory) -> Result<HistoryRow, DbError> {
        let insert = move |connection: &Connection| insert(connection, &new);
        self.database.write_directly(Order::AsItCame, insert, |_| ()).await
    }

    /// The message that was stored under that key.
    pub async fn said(&self, key: &str) -> Result<Option<HistoryRow>, DbError> {
        let row = sqlx::query_as(DELIVERED)
            .bind(key.to_owned())
            .fetch_optional(self.database.readers())
            .await?;
        Ok(row)
    }

    /// Adds a message to its chat session, unless one of the same key is there.
    pub async fn append_once(&self, new: NewHistory, key: &str) -> Result<SaidOnce, DbError> {
        let key = key.to_owned();
        let store = move |connection: &Connection| append_once(connection, &new, &key);
        self.database.write_directly(Order::AsItCame, store, |_| ()).await
    }

    /// The last messages of a chat, the oldest of them first.
    pub async fn list(
        &self,
        platform_id: &str,
        user_id: &str,
        limit: u32,
    ) -> Result<Vec<HistoryRow>, DbError> {
        let rows = sqlx::query_as(
            "SELECT * FROM (
                 SELECT * FROM platform_message_history
                 WHERE platform_id = ? AND user_id = ? ORDER BY id DESC LIMIT ?)
             ORDER BY id",
        )
        .bind(platform_id.to_owned())
        .bind(user_id.to_owned())
        .bind(limit)
        .fetch_all(self.database.readers())
        .await?;
        Ok(rows)
    }

    /// The attachments that messages of a chat mention and no other chat does.
    ///
    /// Looks through all histories, so it is for the rare deletion of a chat.
    pub async fn own_attachments(
        &self,
        platform_id: &str,
        user_id: &str,
    ) -> Result<Vec<String>, DbError> {
        let ids = sqlx::query_scalar(
            "WITH mine (id) AS (
                 SELECT DISTINCT part.value FROM platform_message_history AS message,
                     json_tree(message.content) AS part
                 WHERE message.platform_id = ?1 AND message.user_id = ?2
                     AND part.key = 'attachment_id' AND part.type = 'text')
             SELECT id FROM mine WHERE NOT EXISTS (
                 SELECT 1 FROM platform_message_history
                 WHERE (platform_id <> ?1 OR user_id <> ?2) AND instr(content, mine.id) > 0)",
        )
        .bind(platform_id.to_owned())
        .bind(user_id.to_owned())
        .fetch_all(self.database.readers())
        .await?;
        Ok(ids)
    }
}

fn append_once(connection: &Connection, new: &NewHistory, key: &str) -> Result<SaidOnce, DbError> {
    if let Some(before) = connection.prepare_cached(DELIVERED)?.query_row([key], read).optional()? {
        return Ok(SaidOnce::Before(before));
    }
    let there: bool = connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM platform_sessions
                 WHERE session_id = ? AND platform_id = ?)",
        )?
        .query_row([&new.user_id, &new.platform_id], |row| row.get(0))?;
    if !there {
        return Ok(SaidOnce::NoChat);
    }
    let row = insert(connection, new)?;
    connection
        .prepare_cached("UPDATE platform_message_history SET delivery_key = ? WHERE id = ?")?
        .execute(params![key, row.id])?;
    Ok(SaidOnce::New(row))
}

fn read(row: &Row<'_>) -> rusqlite::Result<HistoryRow> {
    Ok(HistoryRow {
        id: row.get("id")?,
        platform_id: row.get("platform_id")?,
        user_id: row.get("user_id")?,
        sender_id: row.get("sender_id")?,
        sender_name: row.get("sender_name")?,
        content: direct::json(row, "content")?,
        llm_checkpoint_id: row.get("llm_checkpoint_id")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}

/// Adds a message within a transaction of the caller.
pub(crate) fn insert(connection: &Connection, new: &NewHistory) -> Result<HistoryRow, DbError> {
    let at = now();
    connection
        .prepare_cached(
            "INSERT INTO platform_message_history (platform_id, user_id, sender_id, sender_name,
                 content, llm_checkpoint_id, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
        )?
        .execute(params![
            new.platform_id,
            new.user_id,
            new.sender_id,
            new.sender_name,
            new.content.to_string(),
            new.llm_checkpoint_id,
            at,
        ])?;
    let NewHistory { platform_id, user_id, sender_id, sender_name, content, llm_checkpoint_id } =
        new.clone();
    Ok(HistoryRow {
        id: connection.last_insert_rowid(),
        platform_id,
        user_id,
        sender_id,
        sender_name,
        content,
        llm_checkpoint_id,
        created_at: at,
        updated_at: at,
    })
}
