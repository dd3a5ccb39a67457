//! Timers of plugins.

use serde_json::Value;
use sqlx::types::Json;

use super::{Database, DbError};

/// How many timers a plugin may have.
pub const PLUGIN_TIMERS: i64 = 1000;

/// A timer to be kept. Times are milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPluginTimer {
    /// Its plugin.
    pub plugin: String,
    /// Its name, unique within the plugin.
    pub name: String,
    /// What the plugin is told.
    pub payload: Value,
    /// How long until it is due again, each time.
    pub every: Option<i64>,
    /// When it is due.
    pub due_at: i64,
}

/// A timer. Times are milliseconds.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct PluginTimer {
    /// Its number; another one after it was scheduled again.
    pub id: i64,
    /// Its plugin.
    pub plugin: String,
    /// Its name.
    pub name: String,
    /// What the plugin is told.
    #[sqlx(json)]
    pub payload: Value,
    /// How long until it is due again, each time.
    pub every: Option<i64>,
    /// When it is due.
    pub due_at: i64,
    /// How often it failed.
    pub attempts: u32,
}

/// The timers of plugins.
#[derive(Clone)]
pub struct PluginTimers {
    database: Database,
}

impl PluginTimers {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Keeps a timer, in place of one of the same name. False when the plugin has too many.
    pub async fn schedule(&self, new: NewPluginTimer) -> Result<bool, DbError> {
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let others: i64 = sqlx::query_scalar(
                        "SELECT count(*) FROM plugin_timers WHERE plugin = ? AND name <> ?",
                    )
                    .bind(new.plugin.clone())
                    .bind(new.name.clone())
                    .fetch_one(&mut *connection)
                    .await?;
                    if others >= PLUGIN_TIMERS {
                        return Ok(false);
                    }
                    // It gets a new number, so what was begun for the old one does not end this.
                    sqlx::query(
                        "REPLACE INTO plugin_timers (plugin, name, payload, every, due_at, next_at)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
                    )
                    .bind(new.plugin)
                    .bind(new.name)
                    .bind(Json(new.payload))
                    .bind(new.every)
                    .bind(new.due_at)
                    .execute(connection)
                    .await?;
                    Ok(true)
                })
            })
            .await
    }

    /// Forgets a timer. False when there was none.
    pub async fn cancel(&self, plugin: &str, name: &str) -> Result<bool, DbError> {
        let (plugin, name) = (plugin.to_owned(), name.to_owned());
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let done =
                        sqlx::query("DELETE FROM plugin_timers WHERE plugin = ? AND name = ?")
                            .bind(plugin)
                            .bind(name)
                            .execute(connection)
                            .await?;
                    Ok(done.rows_affected() > 0)
                })
            })
            .await
    }

    /// The timers of these plugins that are to be tried now, the longest due first.
    pub async fn due(
        &self,
        plugins: &[String],
        now: i64,
        limit: u32,
    ) -> Result<Vec<PluginTimer>, DbError> {
        let timers = sqlx::query_as(
            "SELECT id, plugin, name, payload, every, due_at, attempts FROM plugin_timers
             WHERE next_at <= ?2 AND plugin IN (SELECT value FROM json_each(?1))
             ORDER BY next_at, id LIMIT ?3",
        )
        .bind(Json(plugins.to_vec()))
        .bind(now)
        .bind(limit)
        .fetch_all(self.database.readers())
        .await?;
        Ok(timers)
    }

    /// When the next timer of these plugins is to be tried.
    pub async fn next(&self, plugins: &[String]) -> Result<Option<i64>, DbError> {
        let next = sqlx::query_scalar(
            "SELECT min(next_at) FROM plugin_timers
             WHERE plugin IN (SELECT value FROM json_each(?))",
        )
        .bind(Json(plugins.to_vec()))
        .fetch_one(self.database.readers())
        .await?;
        Ok(next)
    }

    /// It fired, or is given up: it is forgotten, or due again at `again`. Nothing happens when it
    /// was cancelled or scheduled anew meanwhile.
    pub async fn fired(&self, timer: &PluginTimer, again: Option<i64>) -> Result<(), DbError> {
        let (id, due_at) = (timer.id, timer.due_at);
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let query = match again {
                        Some(again) => sqlx::query(
                            "UPDATE plugin_timers SET due_at = ?3, next_at = ?3, attempts = 0
                             WHERE id = ?1 AND due_at = ?2",
                        )
                        .bind(id)
                        .bind(due_at)
                        .bind(again),
                        None => {
                            sqlx::query("DELETE FROM plugin_timers WHERE id = ? AND due_at = ?")
                                .bind(id)
                                .bind(due_at)
                        }
                    };
                    query.execute(connection).await?;
                    Ok(())
                })
            })
            .await
    }

    /// It is tried again at that time. `counted`: it failed, rather than had to wait.
    pub async fn later(
        &self,
        timer: &PluginTimer,
        next_at: i64,
        counted: bool,
    ) -> Result<(), DbError> {
        let (id, due_at) = (timer.id, timer.due_at);
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    sqlx::query(
                        "UPDATE plugin_timers SET next_at = ?3, attempts = attempts + ?4
                         WHERE id = ?1 AND due_at = ?2",
                    )
                    .bind(id)
                    .bind(due_at)
                    .bind(next_at)
                    .bind(u32::from(counted))
                    .execute(connection)
                    .await?;
                    Ok(())
                })
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn timer(name: &str, due_at: i64) -> NewPluginTimer {
        let (plugin, name) = ("p".to_owned(), name.to_owned());
        NewPluginTimer { plugin, name, payload: json!(1), every: None, due_at }
    }

    #[tokio::test]
    async fn a_timer_that_was_scheduled_again_outlives_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("firstlight.db")).await.unwrap();
        let timers = database.plugin_timers();
        let ours = ["p".to_owned()];
        timers.schedule(timer("a", 10)).await.unwrap();
        let first = timers.due(&ours, 10, 9).await.unwrap().remove(0);
        timers.schedule(timer("a", 10)).await.unwrap();
        timers.fired(&first, None).await.unwrap();
        let second = timers.due(&ours, 10, 9).await.unwrap().remove(0);
        assert_ne!(first.id, second.id);
        timers.later(&second, 50, true).await.unwrap();
        assert_eq!(timers.due(&ours, 49, 9).await.unwrap(), []);
        assert_eq!(timers.next(&ours).await.unwrap(), Some(50));
        let again = timers.due(&ours, 50, 9).await.unwrap().remove(0);
        assert_eq!((again.attempts, again.due_at), (1, 10));
        timers.fired(&again, Some(100)).await.unwrap();
        let again = timers.due(&ours, 100, 9).await.unwrap().remove(0);
        assert_eq!((again.attempts, again.due_at), (0, 100));
        assert_eq!(timers.due(&["q".to_owned()], 100, 9).await.unwrap(), []);
        assert!(timers.cancel("p", "a").await.unwrap());
        assert_eq!(timers.next(&ours).await.unwrap(), None);
    }
}
