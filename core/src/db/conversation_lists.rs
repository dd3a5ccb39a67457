//! Conversations as an operator sees them: listed by filters, read whole, edited, deleted, exported.
//!
//! Lists are filtered and cut into pages by the database; a history is read in pieces.

use futures_util::TryStreamExt;
use rusqlite::Connection;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::append::append;
use super::database::now;
use super::direct::Order;
use super::{Conversation, Conversations, DbError, NewMessage, Page};

/// How many conversations are deleted by one job, so that other writers get in between.
const DELETED_AT_ONCE: usize = 50;

/// Which conversations. Empty lists do not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConversationFilter {
    /// On one of these platforms.
    pub platforms: Vec<String>,
    /// Of one of these kinds: the second part of the session key.
    pub message_types: Vec<String>,
    /// On none of these platforms.
    pub exclude_platforms: Vec<String>,
    /// Of no session whose key begins like this.
    pub exclude_sessions: Vec<String>,
    /// A part of title, session key or id.
    pub search: Option<String>,
}

/// One page of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationPage {
    /// The conversations, the one begun last first.
    pub conversations: Vec<Conversation>,
    /// How many there are on all pages.
    pub total: i64,
}

/// What is to be changed of a conversation. What is absent stays; `Some(None)` clears.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConversationChange {
    /// What it is called.
    pub title: Option<Option<String>>,
    /// The persona that answers in it.
    pub persona_id: Option<Option<String>>,
}

/// A history as JSON text, or that it is larger than the caller takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HistoryText {
    /// A JSON list.
    Whole(String),
    /// Larger than asked for.
    TooLarge,
}

impl ConversationFilter {
    pub(super) fn query(&self, columns: &'static str) -> QueryBuilder<Sqlite> {
        let mut query = QueryBuilder::new("SELECT ");
        query.push(columns).push(" FROM conversations WHERE true");
        // One platform is looked up in its index, several are picked out of the list.
        if let [platform] = self.platforms.as_slice() {
            query.push(" AND platform_id = ").push_bind(platform.clone());
        }
        let lists = [
            ("platform_id IN", if self.platforms.len() > 1 { &self.platforms[..] } else { &[] }),
            ("message_type IN", &self.message_types[..]),
            ("platform_id NOT IN", &self.exclude_platforms[..]),
        ];
        for (column, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            query.push(" AND +").push(column).push(" (SELECT value FROM json_each(");
            query.push_bind(sqlx::types::Json(list.to_vec())).push("))");
        }
        for start in &self.exclude_sessions {
            query.push(" AND substr(umo, 1, length(").push_bind(start.clone());
            query.push(")) <> ").push_bind(start.clone());
        }
        if let Some(search) = &self.search {
            let pattern = like(search);
            query.push(" AND (");
            for (index, column) in ["title", "umo", "conversation_id"].into_iter().enumerate() {
                query.push(if index == 0 { "" } else { " OR " }).push(column).push(" LIKE ");
                query.push_bind(pattern.clone()).push(r" ESCAPE '\'");
            }
            query.push(")");
        }
        query
    }
}

/// A pattern for `LIKE … ESCAPE '\'` that matches the text anywhere.
pub(super) fn like(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// The order of the list, as its indexes have it.
pub(super) const ORDER: &str =
    " ORDER BY created_at DESC, platform_id DESC, message_type DESC, rowid DESC";

impl Conversations {
    /// A page of all conversations that pass the filter.
    pub async fn search(
        &self,
        filter: &ConversationFilter,
        page: Page,
    ) -> Result<ConversationPage, DbError> {
        let mut listed = filter.query("*");
        listed.push(ORDER).push(" LIMIT ").push_bind(page.size);
        listed.push(" OFFSET ").push_bind(page.offset());
        let conversations = listed.build_query_as().fetch_all(self.readers()).await?;
        let mut counted = filter.query("count(*)");
        let total = counted.build_query_scalar().fetch_one(self.readers()).await?;
        Ok(ConversationPage { conversations, total })
    }

    /// The conversation of that session and id.
    pub async fn of_session(&self, umo: &str, id: &str) -> Result<Option<Conversation>, DbError> {
        Ok(self.by_id(id).await?.filter(|found| found.umo == umo))
    }

    /// Its messages as one JSON list, unless that has more than `limit` bytes.
    pub async fn history_text(&self, id: &str, limit: usize) -> Result<HistoryText, DbError> {
        let mut contents = sqlx::query_scalar::<_, String>(
            "SELECT content FROM conversation_messages WHERE conversation_id = ? ORDER BY id",
        )
        .bind(id.to_owned())
        .fetch(self.readers());
        let mut text = String::from("[");
        while let Some(content) = contents.try_next().await? {
            let comma = if text.len() == 1 { "" } else { "," };
            if text.len() + content.len() + 2 > limit {
                return Ok(HistoryText::TooLarge);
            }
            text.extend([comma, content.as_str()]);
        }
        text.push(']');
        Ok(HistoryText::Whole(text))
    }

    /// The next messages after that number, each as JSON text with its own number. No connection is
    /// held between two pieces, however slowly they are taken.
    pub async fn history_piece(
        &self,
        id: &str,
        after: i64,
        count: u32,
    ) -> Result<Vec<(i64, String)>, DbError> {
        let piece = sqlx::query_as(
            "SELECT id, content FROM conversation_messages
             WHERE conversation_id = ? AND id > ? ORDER BY id LIMIT ?",
        )
        .bind(id.to_owned())
        .bind(after)
        .bind(count)
        .fetch_all(self.readers())
        .await?;
        Ok(piece)
    }

    /// Changes title and persona. False when the session has no such conversation.
    pub async fn change(
        &self,
        umo: &str,
        id: &str,
        change: ConversationChange,
    ) -> Result<bool, DbError> {
        let forget = self.forgetting(umo);
        let (umo, id) = (umo.to_owned(), id.to_owned());
        self.database()
            .write_then(
                move |connection| Box::pin(change_one(connection, umo, id, change)),
                move |_| forget(),
            )
            .await
    }

    /// Puts other messages in the place of all there are. False when the session has no such
    /// conversation.
    pub async fn replace_history(
        &self,
        umo: &str,
        id: &str,
        messages: Vec<NewMessage>,
    ) -> Result<bool, DbError> {
        let (umo, id) = (umo.to_owned(), id.to_owned());
        let replace = move |connection: &Connection| {
            let emptied = connection
                .prepare_cached(
                    "UPDATE conversations SET token_usage = 0
                     WHERE conversation_id = ? AND umo = ?",
                )?
                .execute([&id, &umo])?;
            if emptied == 0 {
                return Ok(false);
            }
            connection
                .prepare_cached("DELETE FROM conversation_messages WHERE conversation_id = ?")?
                .execute([&id])?;
            append(connection, &id, &messages)
        };
        self.database().write_directly(Order::AsItCame, replace, |_| ()).await
    }

    /// Forgets conversations, each named by session key and id, and says of each whether it was
    /// there.
    pub async fn delete(&self, named: &[(String, String)]) -> Result<Vec<bool>, DbError> {
        let mut outcomes = Vec::with_capacity(named.len());
        for some in named.chunks(DELETED_AT_ONCE) {
            let some = some.to_vec();
            let forget: Vec<_> = some.iter().map(|(umo, _)| self.forgetting(umo)).collect();
            let deleted = self.database().write_then(
                move |connection| Box::pin(delete_some(connection, some)),
                move |_| forget.into_iter().for_each(|forget| forget()),
            );
            outcomes.extend(deleted.await?);
        }
        Ok(outcomes)
    }
}

async fn change_one(
    connection: &mut SqliteConnection,
    umo: String,
    id: String,
    change: ConversationChange,
) -> Result<bool, DbError> {
    let done = sqlx::query(
        "UPDATE conversations SET title = iif(?1, ?2, title),
             persona_id = iif(?3, ?4, persona_id), updated_at = ?5
         WHERE conversation_id = ?6 AND umo = ?7",
    )
    .bind(change.title.is_some())
    .bind(change.title.flatten())
    .bind(change.persona_id.is_some())
    .bind(change.persona_id.flatten())
    .bind(now())
    .bind(id)
    .bind(umo)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

async fn delete_some(
    connection: &mut SqliteConnection,
    named: Vec<(String, String)>,
) -> Result<Vec<bool>, DbError> {
    let mut outcomes = Vec::with_capacity(named.len());
    for (umo, id) in named {
        outcomes.push(delete(connection, umo, id).await?);
    }
    Ok(outcomes)
}

async fn delete(
    connection: &mut SqliteConnection,
    umo: String,
    id: String,
) -> Result<bool, DbError> {
    let done = sqlx::query("DELETE FROM conversations WHERE conversation_id = ? AND umo = ?")
        .bind(id.clone())
        .bind(umo.clone())
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "DELETE FROM preferences WHERE scope = 'umo' AND scope_id = ? AND key = 'sel_conv_id'
             AND value ->> '$' = ?",
    )
    .bind(umo)
    .bind(id)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}
