//! Chat sessions: what the chat page lists.

use sqlx::types::Json;
use uuid::Uuid;

use super::database::now;
use super::{Database, DbError};

/// A chat session to be stored.
#[derive(Debug, Clone)]
pub struct NewChatSession {
    /// Its id; a new one when absent.
    pub session_id: Option<String>,
    /// The platform it is on: `webchat` for the chat page.
    pub platform_id: String,
    /// The user it belongs to.
    pub creator: String,
    /// What it is called, if anything.
    pub display_name: Option<String>,
    /// Whether several people talk in it.
    pub is_group: bool,
}

/// A stored chat session.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ChatSession {
    /// Its id.
    pub session_id: String,
    /// The platform it is on.
    pub platform_id: String,
    /// The user it belongs to.
    pub creator: String,
    /// What it is called, if anything.
    pub display_name: Option<String>,
    /// Whether several people talk in it.
    pub is_group: bool,
    /// When it was made.
    pub created_at: i64,
    /// When it was renamed or talked in last.
    pub updated_at: i64,
}

/// A part of a long list. Pages count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Which page.
    pub number: u32,
    /// How many entries a page has.
    pub size: u32,
}

impl Page {
    pub(crate) fn offset(self) -> i64 {
        i64::from(self.number.saturating_sub(1)) * i64::from(self.size)
    }
}

/// One page of chat sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatSessionPage {
    /// The sessions, the latest first.
    pub sessions: Vec<ChatSession>,
    /// How many there are on all pages.
    pub total: i64,
}

/// The chat sessions.
#[derive(Clone)]
pub struct ChatSessions {
    database: Database,
}

impl ChatSessions {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Stores a session. [`DbError::Taken`] when there is one of that id.
    pub async fn create(&self, new: NewChatSession) -> Result<ChatSession, DbError> {
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let session = sqlx::query_as(
                        "INSERT INTO platform_sessions (session_id, platform_id, creator,
                             display_name, is_group, created_at, updated_at)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) RETURNING *",
                    )
                    .bind(new.session_id.unwrap_or_else(|| Uuid::new_v4().to_string()))
                    .bind(new.platform_id)
                    .bind(new.creator)
                    .bind(new.display_name)
                    .bind(new.is_group)
                    .bind(now())
                    .fetch_one(connection)
                    .await?;
                    Ok(session)
                })
            })
            .await
    }

    /// The session of that id.
    pub async fn by_id(&self, session_id: &str) -> Result<Option<ChatSession>, DbError> {
        let session = sqlx::query_as("SELECT * FROM platform_sessions WHERE session_id = ?")
            .bind(session_id.to_owned())
            .fetch_optional(self.database.readers())
            .await?;
        Ok(session)
    }

    /// The sessions of these ids, in no order; ids that are not there are left out.
    pub async fn by_ids(&self, session_ids: &[String]) -> Result<Vec<ChatSession>, DbError> {
        let sessions = sqlx::query_as(
            "SELECT * FROM platform_sessions
             WHERE session_id IN (SELECT value FROM json_each(?))",
        )
        .bind(Json(session_ids.to_vec()))
        .fetch_all(self.database.readers())
        .await?;
        Ok(sessions)
    }

    /// The sessions of a user, the latest first, on one platform or on all.
    pub async fn list(
        &self,
        creator: &str,
        platform_id: Option<&str>,
        page: Page,
    ) -> Result<ChatSessionPage, DbError> {
        let sessions = sqlx::query_as(
            "SELECT * FROM platform_sessions
             WHERE creator = ?1 AND (?2 IS NULL OR platform_id = ?2)
             ORDER BY updated_at DESC, rowid DESC LIMIT ?3 OFFSET ?4",
        )
        .bind(creator.to_owned())
        .bind(platform_id.map(ToOwned::to_owned))
        .bind(page.size)
        .bind(page.offset())
        .fetch_all(self.database.readers())
        .await?;
        let total = sqlx::query_scalar(
            "SELECT count(*) FROM platform_sessions
             WHERE creator = ?1 AND (?2 IS NULL OR platform_id = ?2)",
        )
        .bind(creator.to_owned())
        .bind(platform_id.map(ToOwned::to_owned))
        .fetch_one(self.database.readers())
        .await?;
        Ok(ChatSessionPage { sessions, total })
    }

    /// The latest sessions of a user that are in no project, on one platform or on all.
    pub async fn outside_projects(
        &self,
        creator: &str,
        platform_id: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ChatSession>, DbError> {
        let sessions = sqlx::query_as(
            "SELECT * FROM platform_sessions AS session
             WHERE creator = ?1 AND (?2 IS NULL OR platform_id = ?2) AND NOT EXISTS (
                 SELECT 1 FROM project_sessions WHERE session_id = session.session_id)
             ORDER BY updated_at DESC, rowid DESC LIMIT ?3",
        )
        .bind(creator.to_owned())
        .bind(platform_id.map(ToOwned::to_owned))
        .bind(limit)
        .fetch_all(self.database.readers())
        .await?;
        Ok(sessions)
    }

    /// Gives a session a name. False when there is no such session.
    pub async fn rename(&self, session_id: &str, display_name: &str) -> Result<bool, DbError> {
        self.touch_with(session_id, Some(display_name.to_owned())).await
    }

    /// Notes that the session was talked in now, which moves it up in the list.
    pub async fn touch(&self, session_id: &str) -> Result<bool, DbError> {
        self.touch_with(session_id, None).await
    }

    async fn touch_with(&self, session_id: &str, name: Option<String>) -> Result<bool, DbError> {
        let session_id = session_id.to_owned();
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let done = sqlx::query(
                        "UPDATE platform_sessions
                         SET display_name = coalesce(?, display_name), updated_at = ?
                         WHERE session_id = ?",
                    )
                    .bind(name)
                    .bind(now())
                    .bind(session_id)
                    .execute(connection)
                    .await?;
                    Ok(done.rows_affected() > 0)
                })
            })
            .await
    }

    /// Forgets sessions and their history, and says how many sessions there were.
    ///
    /// Conversations and queued messages hang on the session key, not on the session:
    /// see [`super::Conversations::delete_of`] and [`crate::bus::Bus::drop_conversation`].
    pub async fn delete(&self, session_ids: &[String]) -> Result<u64, DbError> {
        let session_ids = Json(session_ids.to_vec());
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    sqlx::query(
                        "DELETE FROM platform_message_history WHERE (platform_id, user_id) IN (
                             SELECT platform_id, session_id FROM platform_sessions
                             WHERE session_id IN (SELECT value FROM json_each(?)))",
                    )
                    .bind(&session_ids)
                    .execute(&mut *connection)
                    .await?;
                    let done = sqlx::query(
                        "DELETE FROM platform_sessions
                         WHERE session_id IN (SELECT value FROM json_each(?))",
                    )
                    .bind(&session_ids)
                    .execute(connection)
                    .await?;
                    Ok(done.rows_affected())
                })
            })
            .await
    }
}
