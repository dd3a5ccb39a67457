//! Conversations: what a model is shown. Messages are rows, appended and never rewritten.

use rusqlite::Connection;
use serde_json::Value;
use sqlx::SqliteConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::append::append;
use super::database::now;
use super::direct::Order;
use super::talks_in::TalksIn;
use super::{Database, DbError};

/// A conversation to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConversation {
    /// The platform it is on.
    pub platform_id: String,
    /// The session key it belongs to; a session can have many conversations.
    pub umo: String,
    /// What it is called, if anything.
    pub title: Option<String>,
    /// The persona that answers in it, if not the profile's.
    pub persona_id: Option<String>,
}

/// A stored conversation.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Conversation {
    /// Its id.
    pub conversation_id: String,
    /// The platform it is on.
    pub platform_id: String,
    /// The session key it belongs to.
    pub umo: String,
    /// What it is called, if anything.
    pub title: Option<String>,
    /// The persona that answers in it, if not the profile's.
    pub persona_id: Option<String>,
    /// The tokens of all its messages.
    pub token_usage: i64,
    /// When it was made.
    pub created_at: i64,
    /// When it was changed or appended to last.
    pub updated_at: i64,
}

/// A message to be appended.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMessage {
    /// `user`, `assistant`, `system` or `tool`.
    pub role: String,
    /// The message, in the form that chat models take.
    pub content: Value,
    /// How many tokens it is, counted or estimated.
    pub tokens: u32,
}

/// A message of a conversation.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow, serde::Deserialize)]
pub struct Message {
    /// Its number, ascending within the conversation.
    pub id: i64,
    /// `user`, `assistant`, `system` or `tool`.
    pub role: String,
    /// The message, in the form that chat models take.
    #[sqlx(json)]
    pub content: Value,
    /// How many tokens it is.
    pub tokens: u32,
    /// When it was appended.
    pub created_at: i64,
}

/// The conversations.
#[derive(Clone)]
pub struct Conversations {
    database: Database,
}

impl Conversations {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    pub(super) fn readers(&self) -> &sqlx::SqlitePool {
        self.database.readers()
    }

    /// Stores an empty conversation and selects it for its session.
    pub async fn create(&self, new: NewConversation) -> Result<Conversation, DbError> {
        let forget = self.forgetting(&new.umo);
        self.database
            .write_then(move |connection| Box::pin(insert(connection, new)), move |_| forget())
            .await
    }

    /// The conversation that the session talks in, or a new one, made from the argument.
    pub async fn selected_or_create(&self, new: NewConversation) -> Result<Conversation, DbError> {
        if let Some(found) = self.selected(&new.umo).await? {
            return Ok(found);
        }
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    // Asked again: another turn of the session may have been first.
                    let found = sqlx::query_as(SELECTED)
                        .bind(new.umo.clone())
                        .fetch_optional(&mut *connection)
                        .await?;
                    match found {
                        Some(found) => Ok(found),
                        None => insert(connection, new).await,
                    }
                })
            })
            .await
    }

    /// Which conversation the session talks in, or a new one, made from the argument. From memory
    /// after the first time.
    pub async fn talks_in(&self, new: NewConversation) -> Result<TalksIn, DbError> {
        let cache = self.database.talks_cache();
        let version = match cache.find(&new.umo) {
            Ok(found) => return Ok(found),
            Err(version) => version,
        };
        let found = self.selected_or_create(new).await?;
        let talks_in =
            TalksIn { conversation_id: found.conversation_id, persona_id: found.persona_id };
        cache.keep(found.umo, talks_in.clone(), version);
        Ok(talks_in)
    }

    /// What to do once it may have changed which conversation a session talks in, or as whom.
    pub(super) fn forgetting(&self, umo: &str) -> impl FnOnce() + Send + use<> {
        let (database, umo) = (self.database.clone(), umo.to_owned());
        move || database.talks_cache().forget(&umo)
    }

    /// The conversation that the session talks in.
    pub async fn selected(&self, umo: &str) -> Result<Option<Conversation>, DbError> {
        let found = sqlx::query_as(SELECTED)
            .bind(umo.to_owned())
            .fetch_optional(self.database.readers())
            .await?;
        Ok(found)
    }

    /// Makes the session talk in this conversation. False when it is not one of the session's.
    pub async fn select(&self, umo: &str, conversation_id: &str) -> Result<bool, DbError> {
        let forget = self.forgetting(umo);
        let (umo, conversation_id) = (umo.to_owned(), conversation_id.to_owned());
        self.database
            .write_then(
                move |connection| Box::pin(select_own(connection, umo, conversation_id)),
                move |_| forget(),
            )
            .await
    }

    /// The conversation of that id.
    pub async fn by_id(&self, conversation_id: &str) -> Result<Option<Conversation>, DbError> {
        let found = sqlx::query_as("SELECT * FROM conversations WHERE conversation_id = ?")
            .bind(conversation_id.to_owned())
            .fetch_optional(self.database.readers())
            .await?;
        Ok(found)
    }

    /// The conversations of a session, the latest first.
    pub async fn list(&self, umo: &str) -> Result<Vec<Conversation>, DbError> {
        let found = sqlx::query_as(
            "SELECT * FROM conversations WHERE umo = ? ORDER BY updated_at DESC, rowid DESC",
        )
        .bind(umo.to_owned())
        .fetch_all(self.database.readers())
        .await?;
        Ok(found)
    }

    /// Forgets all conversations of a session and says how many there were.
    pub async fn delete_of(&self, umo: &str) -> Result<u64, DbError> {
        let forget = self.forgetting(umo);
        let umo = umo.to_owned();
        self.database
            .write_then(move |connection| Box::pin(delete_of(connection, umo)), move |_| forget())
            .await
    }

    /// Forgets all messages of a conversation; the conversation stays. False when there is none.
    pub async fn clear(&self, conversation_id: &str) -> Result<bool, DbError> {
        let id = conversation_id.to_owned();
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let known = sqlx::query(
                        "UPDATE conversations SET token_usage = 0, updated_at = ?
                         WHERE conversation_id = ?",
                    )
                    .bind(now())
                    .bind(id.clone())
                    .execute(&mut *connection)
                    .await?;
                    sqlx::query("DELETE FROM conversation_messages WHERE conversation_id = ?")
                        .bind(id)
                        .execute(connection)
                        .await?;
                    Ok(known.rows_affected() > 0)
                })
            })
            .await
    }

    /// Adds messages to the end, all or none. [`DbError::Missing`] when there is no such conversation.
    pub async fn append_messages(
        &self,
        conversation_id: &str,
        messages: Vec<NewMessage>,
    ) -> Result<(), DbError> {
        let id = conversation_id.to_owned();
        let append = move |connection: &Connection| {
            let there = append(connection, &id, &messages)?;
            there.then_some(()).ok_or(DbError::Missing { what: "conversation" })
        };
        self.database.write_directly(Order::AsItCame, append, |()| ()).await
    }

    /// The newest messages that fit the budget together, the oldest of them first.
    ///
    /// The newest is there even when it is over the budget alone: a model that is shown nothing
    /// cannot answer, one that is shown too much says so.
    pub async fn window(
        &self,
        conversation_id: &str,
        max_tokens: u64,
    ) -> Result<Vec<Message>, DbError> {
        /// How many messages are read at first, and how many at once at most.
        const PAGES: (usize, usize) = (16, 1_024);
        let (mut window, mut spent, mut before) = (Vec::new(), 0_u64, i64::MAX);
        let mut page = PAGES.0;
        loop {
            let newest_first = self.page_before(conversation_id, before, page).await?;
            let was_the_last = newest_first.len() < page;
            for message in newest_first {
                spent = spent.saturating_add(u64::from(message.tokens));
                if spent > max_tokens && !window.is_empty() {
                    window.reverse();
                    return Ok(window);
                }
                before = message.id;
                window.push(message);
            }
            if was_the_last {
                window.reverse();
                return Ok(window);
            }
            page = (page * 2).min(PAGES.1);
        }
    }

    /// The newest messages that are older than that one, the newest of them first.
    /// The newest messages, the oldest of them first.
    pub async fn latest(&self, conversation_id: &str, count: u32) -> Result<Vec<Message>, DbError> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let mut newest_first = self.page_before(conversation_id, i64::MAX, count).await?;
        newest_first.reverse();
        Ok(newest_first)
    }

    async fn page_before(
        &self,
        conversation_id: &str,
        before: i64,
        count: usize,
    ) -> Result<Vec<Message>, DbError> {
        // One row with all of them: between threads, each row costs more than what is in it.
        let page: Json<Vec<Message>> = sqlx::query_scalar(
            "SELECT json_group_array(json_object('id', id, 'role', role, 'content', json(content),
                 'tokens', tokens, 'created_at', created_at))
             FROM (SELECT id, role, content, tokens, created_at FROM conversation_messages
                 WHERE conversation_id = ? AND id < ? ORDER BY id DESC LIMIT 0 + ?)",
        )
        .bind(conversation_id.to_owned())
        .bind(before)
        .bind(i64::try_from(count).unwrap_or(i64::MAX))
        .fetch_one(self.database.readers())
        .await?;
        Ok(page.0)
    }
}

const SELECTED: &str = "SELECT conversations.* FROM conversations JOIN preferences
     ON preferences.scope = 'umo' AND preferences.scope_id = ?1
         AND preferences.key = 'sel_conv_id'
         AND preferences.value ->> '$' = conversations.conversation_id
     WHERE conversations.umo = ?1";

async fn insert(
    connection: &mut SqliteConnection,
    new: NewConversation,
) -> Result<Conversation, DbError> {
    let made: Conversation = sqlx::query_as(
        "INSERT INTO conversations
             (conversation_id, platform_id, umo, title, persona_id, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) RETURNING *",
    )
    .bind(Uuid::new_v4().to_string())
    .bind(new.platform_id)
    .bind(new.umo)
    .bind(new.title)
    .bind(new.persona_id)
    .bind(now())
    .fetch_one(&mut *connection)
    .await?;
    select(connection, made.umo.clone(), made.conversation_id.clone()).await?;
    Ok(made)
}

async fn select(
    connection: &mut SqliteConnection,
    umo: String,
    conversation_id: String,
) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO preferences (scope, scope_id, key, value, created_at, updated_at)
         VALUES ('umo', ?1, 'sel_conv_id', ?2, ?3, ?3)
         ON CONFLICT (scope, scope_id, key)
         DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
    )
    .bind(umo)
    .bind(Json(conversation_id))
    .bind(now())
    .execute(connection)
    .await?;
    Ok(())
}

async fn select_own(
    connection: &mut SqliteConnection,
    umo: String,
    conversation_id: String,
) -> Result<bool, DbError> {
    let there: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM conversations WHERE conversation_id = ? AND umo = ?)",
    )
    .bind(conversation_id.clone())
    .bind(umo.clone())
    .fetch_one(&mut *connection)
    .await?;
    if there {
        select(connection, umo, conversation_id).await?;
    }
    Ok(there)
}

async fn delete_of(connection: &mut SqliteConnection, umo: String) -> Result<u64, DbError> {
    sqlx::query(
        "DELETE FROM preferences WHERE scope = 'umo' AND scope_id = ? AND key = 'sel_conv_id'",
    )
    .bind(umo.clone())
    .execute(&mut *connection)
    .await?;
    let done = sqlx::query("DELETE FROM conversations WHERE umo = ?").bind(umo);
    Ok(done.execute(connection).await?.rows_affected())
}
