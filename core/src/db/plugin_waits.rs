//! Replies that plugins wait for.

use serde_json::Value;
use sqlx::types::Json;

use super::database::now;
use super::{Database, DbError};

/// How many replies a plugin may wait for.
pub const PLUGIN_WAITS: i64 = 1000;

/// A wait to be kept. Times are milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPluginWait {
    /// The plugin that waits.
    pub plugin: String,
    /// What the plugin knows it by.
    pub name: String,
    /// The session.
    pub session: String,
    /// Where the plugin can say that nobody answered.
    pub reply_to: String,
    /// Whose message; `None`: anybody's.
    pub sender: Option<String>,
    /// The message that it was begun for: not an answer to itself.
    pub asked_by: Option<String>,
    /// What the plugin is told.
    pub payload: Value,
    /// Until when.
    pub expires_at: i64,
}

/// A wait. Times are milliseconds.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct PluginWait {
    /// Its number, ascending.
    pub id: i64,
    /// The plugin that waits.
    pub plugin: String,
    /// What the plugin knows it by.
    pub name: String,
    /// The session.
    pub session: String,
    /// Where the plugin can say that nobody answered.
    pub reply_to: String,
    /// Whose message; `None`: anybody's.
    pub sender: Option<String>,
    /// The message that it was begun for.
    pub asked_by: Option<String>,
    /// What the plugin is told.
    #[sqlx(json)]
    pub payload: Value,
    /// Until when.
    pub expires_at: i64,
    /// How often the plugin failed when it was told that nobody answered.
    pub attempts: u32,
    /// The message that answered it.
    pub answered_by: Option<String>,
}

/// The waits of plugins.
#[derive(Clone)]
pub struct PluginWaits {
    database: Database,
}

const COLUMNS: &str =
    "id, plugin, name, session, reply_to, sender, asked_by, payload, expires_at, attempts,
     answered_by";

impl PluginWaits {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Keeps a wait, in place of an unanswered one of the same plugin, name, session and sender.
    /// `None` when the plugin has too many; else the wait, and the number of the one it replaced.
    pub async fn add(&self, new: NewPluginWait) -> Result<Option<(PluginWait, Vec<i64>)>, DbError> {
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let replaced: Vec<i64> = sqlx::query_scalar(
                        "DELETE FROM plugin_waits WHERE plugin = ? AND session = ? AND name = ?
                             AND sender IS ? AND answered_by IS NULL RETURNING id",
                    )
                    .bind(new.plugin.clone())
                    .bind(new.session.clone())
                    .bind(new.name.clone())
                    .bind(new.sender.clone())
                    .fetch_all(&mut *connection)
                    .await?;
                    let others: i64 = sqlx::query_scalar(
                        "SELECT count(*) FROM plugin_waits
                         WHERE plugin = ? AND answered_by IS NULL",
                    )
                    .bind(new.plugin.clone())
                    .fetch_one(&mut *connection)
                    .await?;
                    if others >= PLUGIN_WAITS {
                        return Ok(None);
                    }
                    let wait = sqlx::query_as(
                        "INSERT INTO plugin_waits
                             (plugin, name, session, reply_to, sender, asked_by, payload,
                              expires_at, next_at)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8) RETURNING *",
                    )
                    .bind(new.plugin)
                    .bind(new.name)
                    .bind(new.session)
                    .bind(new.reply_to)
                    .bind(new.sender)
                    .bind(new.asked_by)
                    .bind(Json(new.payload))
                    .bind(new.expires_at)
                    .fetch_one(connection)
                    .await?;
                    Ok(Some((wait, replaced)))
                })
            })
            .await
    }

    /// All waits that a message may concern: those that are open, and those that were answered by a
    /// message whose turn may be begun again.
    pub async fn kept(&self) -> Result<Vec<PluginWait>, DbError> {
        let all = format!("SELECT {COLUMNS} FROM plugin_waits ORDER BY id");
        let waits =
            sqlx::query_as(sqlx::AssertSqlSafe(all)).fetch_all(self.database.readers()).await?;
        Ok(waits)
    }

    /// Gives the wait to a message. False when another message has it, or it is over.
    pub async fn answer(&self, id: i64, message: &str) -> Result<bool, DbError> {
        let message = message.to_owned();
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let done = sqlx::query(
                        "UPDATE plugin_waits
                         SET answered_by = ?2, answered_at = coalesce(answered_at, ?3)
                         WHERE id = ?1 AND coalesce(answered_by, ?2) = ?2",
                    )
                    .bind(id)
                    .bind(message)
                    .bind(now())
                    .execute(connection)
                    .await?;
                    Ok(done.rows_affected() > 0)
                })
            })
            .await
    }

    /// Ends a wait that nobody answered. False when it is over already.
    pub async fn end(&self, plugin: &str, id: i64) -> Result<bool, DbError> {
        let plugin = plugin.to_owned();
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let done = sqlx::query(
                        "DELETE FROM plugin_waits
                         WHERE id = ? AND plugin = ? AND answered_by IS NULL",
                    )
                    .bind(id)
                    .bind(plugin)
                    .execute(connection)
                    .await?;
                    Ok(done.rows_affected() > 0)
                })
            })
            .await
    }

    /// The waits of these plugins whose time is over, the longest first.
    pub async fn over(
        &self,
        plugins: &[String],
        now: i64,
        limit: u32,
    ) -> Result<Vec<PluginWait>, DbError> {
        let over = format!(
            "SELECT {COLUMNS} FROM plugin_waits
             WHERE answered_by IS NULL AND next_at <= ?2
                 AND plugin IN (SELECT value FROM json_each(?1))
             ORDER BY next_at, id LIMIT ?3"
        );
        let waits = sqlx::query_as(sqlx::AssertSqlSafe(over))
            .bind(Json(plugins.to_vec()))
            .bind(now)
            .bind(limit)
            .fetch_all(self.database.readers())
            .await?;
        Ok(waits)
    }

    /// When the next wait of these plugins is over.
    pub async fn next(&self, plugins: &[String]) -> Result<Option<i64>, DbError> {
        let next = sqlx::query_scalar(
            "SELECT min(next_at) FROM plugin_waits
             WHERE answered_by IS NULL AND plugin IN (SELECT value FROM json_each(?))",
        )
        .bind(Json(plugins.to_vec()))
        .fetch_one(self.database.readers())
        .await?;
        Ok(next)
    }

    /// The plugin is told again at that time. `counted`: it failed, rather than had to wait.
    pub async fn later(&self, id: i64, next_at: i64, counted: bool) -> Result<(), DbError> {
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    sqlx::query(
                        "UPDATE plugin_waits SET next_at = ?2, attempts = attempts + ?3
                         WHERE id = ?1 AND answered_by IS NULL",
                    )
                    .bind(id)
                    .bind(next_at)
                    .bind(u32::from(counted))
                    .execute(connection)
                    .await?;
                    Ok(())
                })
            })
            .await
    }

    /// Forgets waits that were answered before that time, and names them.
    pub async fn purge(&self, before: i64) -> Result<Vec<i64>, DbError> {
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let gone = sqlx::query_scalar(
                        "DELETE FROM plugin_waits
                         WHERE answered_by IS NOT NULL AND answered_at < ? RETURNING id",
                    )
                    .bind(before)
                    .fetch_all(connection)
                    .await?;
                    Ok(gone)
                })
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wait(name: &str) -> NewPluginWait {
        NewPluginWait {
            plugin: "p".into(),
            name: name.into(),
            session: "s".into(),
            reply_to: "s".into(),
            sender: Some("ann".into()),
            asked_by: None,
            payload: json!(1),
            expires_at: 10,
        }
    }

    async fn database(folder: &tempfile::TempDir) -> Database {
        Database::open(&folder.path().join("firstlight.db")).await.unwrap()
    }

    #[tokio::test]
    async fn b22_a_second_waiter_does_not_remove_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let waits = database(&folder).await.plugin_waits();
        let (first, _) = waits.add(wait("a")).await.unwrap().unwrap();
        let (second, replaced) = waits.add(wait("b")).await.unwrap().unwrap();
        assert!(replaced.is_empty());
        assert_eq!(waits.kept().await.unwrap().len(), 2);
        // Nor does the clean-up of a waiter that was replaced remove the one in its place.
        let (third, replaced) = waits.add(wait("a")).await.unwrap().unwrap();
        assert_eq!(replaced, [first.id]);
        assert!(!waits.end("p", first.id).await.unwrap());
        let kept: Vec<i64> = waits.kept().await.unwrap().iter().map(|wait| wait.id).collect();
        assert_eq!(kept, [second.id, third.id]);
        assert!(!waits.end("another", third.id).await.unwrap());
    }

    #[tokio::test]
    async fn a_wait_belongs_to_the_message_that_answered_it() {
        let folder = tempfile::tempdir().unwrap();
        let waits = database(&folder).await.plugin_waits();
        let (wait, _) = waits.add(wait("a")).await.unwrap().unwrap();
        assert!(waits.answer(wait.id, "m1").await.unwrap());
        assert!(waits.answer(wait.id, "m1").await.unwrap());
        assert!(!waits.answer(wait.id, "m2").await.unwrap());
        assert!(!waits.end("p", wait.id).await.unwrap());
        assert_eq!(waits.over(&["p".to_owned()], i64::MAX, 9).await.unwrap(), []);
        assert!(waits.purge(0).await.unwrap().is_empty());
        assert_eq!(waits.purge(i64::MAX).await.unwrap(), [wait.id]);
    }
}
