//! What plugins store, each for itself and within bounds.

use serde_json::Value;
use sqlx::types::Json;

use super::database::now;
use super::{Database, DbError};

/// How many keys a plugin may have.
pub const PLUGIN_KEYS: i64 = 10_000;
/// How many characters of JSON all values of a plugin may have together.
pub const PLUGIN_SPACE: i64 = 16 << 20;

/// What became of a value that was to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueStored {
    /// It is stored.
    Done,
    /// The plugin has as many keys as it may have. Nothing was stored.
    TooMany,
    /// The plugin's values would be larger than they may be. Nothing was stored.
    TooLarge,
}

/// The values of plugins.
#[derive(Clone)]
pub struct PluginValues {
    database: Database,
}

impl PluginValues {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// A value.
    pub async fn load(&self, plugin: &str, key: &str) -> Result<Option<Value>, DbError> {
        let value: Option<Json<Value>> =
            sqlx::query_scalar("SELECT value FROM plugin_values WHERE plugin = ? AND key = ?")
                .bind(plugin.to_owned())
                .bind(key.to_owned())
                .fetch_optional(self.database.readers())
                .await?;
        Ok(value.map(|Json(value)| value))
    }

    /// Sets a value, within the bounds of its plugin.
    pub async fn store(
        &self,
        plugin: &str,
        key: &str,
        value: Value,
    ) -> Result<ValueStored, DbError> {
        let (plugin, key, value) = (plugin.to_owned(), key.to_owned(), value.to_string());
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let used: Option<(i64, i64)> =
                        sqlx::query_as("SELECT keys, bytes FROM plugin_usage WHERE plugin = ?")
                            .bind(plugin.clone())
                            .fetch_optional(&mut *connection)
                            .await?;
                    let before: Option<i64> = sqlx::query_scalar(
                        "SELECT length(value) FROM plugin_values WHERE plugin = ? AND key = ?",
                    )
                    .bind(plugin.clone())
                    .bind(key.clone())
                    .fetch_optional(&mut *connection)
                    .await?;
                    let (keys, bytes) = used.unwrap_or_default();
                    let added = i64::try_from(value.chars().count()).unwrap_or(i64::MAX);
                    if before.is_none() && keys >= PLUGIN_KEYS {
                        return Ok(ValueStored::TooMany);
                    }
                    if (bytes - before.unwrap_or(0)).saturating_add(added) > PLUGIN_SPACE {
                        return Ok(ValueStored::TooLarge);
                    }
                    sqlx::query(
                        "INSERT INTO plugin_values (plugin, key, value, updated_at)
                         VALUES (?, ?, ?, ?)
                         ON CONFLICT (plugin, key)
                         DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
                    )
                    .bind(plugin)
                    .bind(key)
                    .bind(value)
                    .bind(now())
                    .execute(connection)
                    .await?;
                    Ok(ValueStored::Done)
                })
            })
            .await
    }

    /// Forgets a value. False when there was none.
    pub async fn forget(&self, plugin: &str, key: &str) -> Result<bool, DbError> {
        let (plugin, key) = (plugin.to_owned(), key.to_owned());
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let done =
                        sqlx::query("DELETE FROM plugin_values WHERE plugin = ? AND key = ?")
                            .bind(plugin)
                            .bind(key)
                            .execute(connection)
                            .await?;
                    Ok(done.rows_affected() > 0)
                })
            })
            .await
    }

    /// The keys of a plugin that begin so, sorted.
    pub async fn keys(&self, plugin: &str, beginning: &str) -> Result<Vec<String>, DbError> {
        let keys = sqlx::query_scalar(
            "SELECT key FROM plugin_values
             WHERE plugin = ?1 AND substr(key, 1, length(?2)) = ?2 ORDER BY key",
        )
        .bind(plugin.to_owned())
        .bind(beginning.to_owned())
        .fetch_all(self.database.readers())
        .await?;
        Ok(keys)
    }

    /// Forgets all that a plugin keeps: its values, its timers and its waits.
    pub async fn forget_plugin(&self, plugin: &str) -> Result<(), DbError> {
        let plugin = plugin.to_owned();
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    for statement in [
                        "DELETE FROM plugin_values WHERE plugin = ?",
                        "DELETE FROM plugin_timers WHERE plugin = ?",
                        "DELETE FROM plugin_waits WHERE plugin = ?",
                    ] {
                        sqlx::query(statement)
                            .bind(plugin.clone())
                            .execute(&mut *connection)
                            .await?;
                    }
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

    #[tokio::test]
    async fn a_plugin_sees_its_own_values_and_has_its_bounds() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("firstlight.db")).await.unwrap();
        let values = database.plugin_values();
        assert_eq!(values.store("a", "x_1", json!({"n": 1})).await.unwrap(), ValueStored::Done);
        values.store("a", "xy", json!("你好")).await.unwrap();
        values.store("b", "x_1", json!(2)).await.unwrap();
        assert_eq!(values.load("a", "x_1").await.unwrap(), Some(json!({"n": 1})));
        assert_eq!(values.keys("a", "x_").await.unwrap(), ["x_1"]);
        assert_eq!(values.keys("a", "").await.unwrap(), ["x_1", "xy"]);

        let half = "x".repeat(usize::try_from(PLUGIN_SPACE / 2).unwrap());
        assert_eq!(values.store("a", "big", json!(half)).await.unwrap(), ValueStored::Done);
        assert_eq!(values.store("a", "more", json!(half)).await.unwrap(), ValueStored::TooLarge);
        assert_eq!(values.store("a", "big", json!(half)).await.unwrap(), ValueStored::Done);
        assert!(values.forget("a", "big").await.unwrap());
        assert!(!values.forget("a", "big").await.unwrap());
        assert_eq!(values.store("a", "more", json!(half)).await.unwrap(), ValueStored::Done);

        values.forget_plugin("a").await.unwrap();
        assert_eq!(values.keys("a", "").await.unwrap(), Vec::<String>::new());
        assert_eq!(values.load("b", "x_1").await.unwrap(), Some(json!(2)));
    }
}
