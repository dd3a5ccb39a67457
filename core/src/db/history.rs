//! Message history: what a person sees in a chat, apart from what the model is shown.

use serde_json::Value;
use sqlx::SqliteConnection;
use sqlx::types::Json;

use super::database::now;
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
        self.database.write(move |connection| Box::pin(insert(connection, new))).await
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
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let before = sqlx::query_as(DELIVERED)
                        .bind(key.clone())
                        .fetch_optional(&mut *connection)
                        .await?;
                    if let Some(before) = before {
                        return Ok(SaidOnce::Before(before));
                    }
                    let there: bool = sqlx::query_scalar(
                        "SELECT EXISTS (SELECT 1 FROM platform_sessions
                             WHERE session_id = ? AND platform_id = ?)",
                    )
                    .bind(new.user_id.clone())
                    .bind(new.platform_id.clone())
                    .fetch_one(&mut *connection)
                    .await?;
                    if !there {
                        return Ok(SaidOnce::NoChat);
                    }
                    let row = insert(connection, new).await?;
                    sqlx::query(
                        "UPDATE platform_message_history SET delivery_key = ? WHERE id = ?",
                    )
                    .bind(key)
                    .bind(row.id)
                    .execute(connection)
                    .await?;
                    Ok(SaidOnce::New(row))
                })
            })
            .await
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

/// Adds a message within a transaction of the caller.
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    new: NewHistory,
) -> Result<HistoryRow, DbError> {
    let row = sqlx::query_as(
        "INSERT INTO platform_message_history (platform_id, user_id, sender_id, sender_name,
             content, llm_checkpoint_id, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7) RETURNING *",
    )
    .bind(new.platform_id)
    .bind(new.user_id)
    .bind(new.sender_id)
    .bind(new.sender_name)
    .bind(Json(new.content))
    .bind(new.llm_checkpoint_id)
    .bind(now())
    .fetch_one(connection)
    .await?;
    Ok(row)
}
