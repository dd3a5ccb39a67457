//! The plugins that were installed. A row is the switch: what it names is installed, and nothing
//! else is.

use serde_json::{Value, json};
use sqlx::SqliteConnection;
use sqlx::types::Json;

use super::database::now;
use super::{Database, DbError};

/// An installed plugin.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct InstalledPlugin {
    /// Its name.
    pub name: String,
    /// The name of its folder below the folder of plugins.
    pub folder: String,
    /// Its version.
    pub version: String,
    /// How it runs.
    pub lane: String,
    /// The digest of its package.
    pub digest: String,
    /// Where it came from.
    #[sqlx(json)]
    pub source: Value,
    /// What the operator allows it.
    #[sqlx(json)]
    pub grants: Value,
    /// What the operator lets it use; an object that is empty when nothing was said.
    #[sqlx(json)]
    pub budgets: Value,
    /// From which level on its log is kept; `None`: from the usual one.
    pub log_level: Option<String>,
    /// When it was first installed.
    pub installed_at: i64,
    /// When its row was last written.
    pub updated_at: i64,
}

/// A plugin that is to be installed, or that is to take the place of the one of its name.
#[derive(Debug, Clone, PartialEq)]
pub struct NewInstalledPlugin {
    /// Its name.
    pub name: String,
    /// The name of its folder below the folder of plugins.
    pub folder: String,
    /// Its version.
    pub version: String,
    /// How it runs.
    pub lane: String,
    /// The digest of its package.
    pub digest: String,
    /// Where it came from.
    pub source: Value,
}

/// What becomes of that which a removed plugin stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovedData {
    /// It waits for the plugin to come back.
    Kept,
    /// Its values, timers and waits go with the row. Its name is noted until its files are gone too:
    /// [`InstalledPlugins::leftovers`].
    Deleted,
}

/// The installed plugins.
#[derive(Clone)]
pub struct InstalledPlugins {
    database: Database,
}

impl InstalledPlugins {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// All of them, by name.
    pub async fn all(&self) -> Result<Vec<InstalledPlugin>, DbError> {
        let rows = sqlx::query_as("SELECT * FROM installed_plugins ORDER BY name")
            .fetch_all(self.database.readers())
            .await?;
        Ok(rows)
    }

    /// [`Self::all`], with what was asked to be written before, also by somebody who no longer waits.
    pub async fn all_settled(&self) -> Result<Vec<InstalledPlugin>, DbError> {
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let rows = sqlx::query_as("SELECT * FROM installed_plugins ORDER BY name")
                        .fetch_all(connection)
                        .await?;
                    Ok(rows)
                })
            })
            .await
    }

    /// One of them.
    pub async fn find(&self, name: &str) -> Result<Option<InstalledPlugin>, DbError> {
        let row = sqlx::query_as("SELECT * FROM installed_plugins WHERE name = ?")
            .bind(name.to_owned())
            .fetch_optional(self.database.readers())
            .await?;
        Ok(row)
    }

    /// Installs a plugin in one step, and answers the one whose place it took. `grants` is told the
    /// grants of that one and says which the new one has. What else the operator set stays.
    pub async fn put<F>(
        &self,
        new: NewInstalledPlugin,
        grants: F,
    ) -> Result<Option<InstalledPlugin>, DbError>
    where
        F: FnOnce(Option<&Value>) -> Value + Send + 'static,
    {
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let former: Option<InstalledPlugin> =
                        sqlx::query_as("SELECT * FROM installed_plugins WHERE name = ?")
                            .bind(new.name.clone())
                            .fetch_optional(&mut *connection)
                            .await?;
                    let grants = grants(former.as_ref().map(|former| &former.grants));
                    write(connection, new, grants).await?;
                    Ok(former)
                })
            })
            .await
    }

    /// Sets what a plugin is allowed. False when it is not installed.
    pub async fn set_grants(&self, name: &str, grants: Value) -> Result<bool, DbError> {
        const SET: &str = "UPDATE installed_plugins SET grants = ?, updated_at = ? WHERE name = ?";
        self.set(SET, name, Some(grants.to_string())).await
    }

    /// Sets what a plugin may use. False when it is not installed.
    pub async fn set_budgets(&self, name: &str, budgets: Value) -> Result<bool, DbError> {
        const SET: &str = "UPDATE installed_plugins SET budgets = ?, updated_at = ? WHERE name = ?";
        self.set(SET, name, Some(budgets.to_string())).await
    }

    /// Sets from which level on a plugin's log is kept. False when it is not installed.
    pub async fn set_log_level(&self, name: &str, level: Option<&str>) -> Result<bool, DbError> {
        const SET: &str =
            "UPDATE installed_plugins SET log_level = ?, updated_at = ? WHERE name = ?";
        self.set(SET, name, level.map(str::to_owned)).await
    }

    async fn set(
        &self,
        statement: &'static str,
        name: &str,
        value: Option<String>,
    ) -> Result<bool, DbError> {
        let name = name.to_owned();
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let done = sqlx::query(statement)
                        .bind(value)
                        .bind(now())
                        .bind(name)
                        .execute(connection)
                        .await?;
                    Ok(done.rows_affected() > 0)
                })
            })
            .await
    }

    /// Removes a plugin's row, and answers it if there was one.
    pub async fn remove(
        &self,
        name: &str,
        data: RemovedData,
    ) -> Result<Option<InstalledPlugin>, DbError> {
        let name = name.to_owned();
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let removed: Option<InstalledPlugin> =
                        sqlx::query_as("DELETE FROM installed_plugins WHERE name = ? RETURNING *")
                            .bind(name.clone())
                            .fetch_optional(&mut *connection)
                            .await?;
                    if removed.is_some() && data == RemovedData::Deleted {
                        forget(connection, &name).await?;
                    }
                    Ok(removed)
                })
            })
            .await
    }

    /// The plugins that were removed with their data, and whose files may still be there.
    pub async fn leftovers(&self) -> Result<Vec<String>, DbError> {
        let names = sqlx::query_scalar("SELECT name FROM plugin_leftovers ORDER BY name")
            .fetch_all(self.database.readers())
            .await?;
        Ok(names)
    }

    /// Notes that nothing is left of a removed plugin.
    pub async fn cleared(&self, name: &str) -> Result<(), DbError> {
        let name = name.to_owned();
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    sqlx::query("DELETE FROM plugin_leftovers WHERE name = ?")
                        .bind(name)
                        .execute(connection)
                        .await?;
                    Ok(())
                })
            })
            .await
    }
}

async fn write(
    connection: &mut SqliteConnection,
    new: NewInstalledPlugin,
    grants: Value,
) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO installed_plugins
             (name, folder, version, lane, digest, source, grants, budgets, installed_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)
         ON CONFLICT (name) DO UPDATE SET
             folder = excluded.folder, version = excluded.version, lane = excluded.lane,
             digest = excluded.digest, source = excluded.source, grants = excluded.grants,
             updated_at = excluded.updated_at",
    )
    .bind(new.name)
    .bind(new.folder)
    .bind(new.version)
    .bind(new.lane)
    .bind(new.digest)
    .bind(Json(new.source))
    .bind(Json(grants))
    .bind(Json(json!({})))
    .bind(now())
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets what a plugin stored, and notes that its files are to go as well.
async fn forget(connection: &mut SqliteConnection, name: &str) -> Result<(), DbError> {
    for statement in [
        "DELETE FROM plugin_values WHERE plugin = ?",
        "DELETE FROM plugin_timers WHERE plugin = ?",
        "DELETE FROM plugin_waits WHERE plugin = ?",
        "INSERT OR IGNORE INTO plugin_leftovers (name) VALUES (?)",
    ] {
        sqlx::query(statement).bind(name.to_owned()).execute(&mut *connection).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tempfile::TempDir;

    use super::*;

    async fn fresh() -> (TempDir, Database) {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("firstlight.db")).await.unwrap();
        (folder, database)
    }

    fn dice(version: &str) -> NewInstalledPlugin {
        NewInstalledPlugin {
            name: "dice".into(),
            folder: format!("dice-{version}"),
            version: version.into(),
            lane: "component".into(),
            digest: "00".into(),
            source: json!({"method": "upload"}),
        }
    }

    #[tokio::test]
    async fn an_update_takes_the_place_and_keeps_what_the_operator_set() {
        let (_folder, database) = fresh().await;
        let plugins = database.installed_plugins();
        let first = plugins.put(dice("1"), |former| {
            assert_eq!(former, None);
            json!({"kv": true})
        });
        assert_eq!(first.await.unwrap(), None);
        assert!(plugins.set_budgets("dice", json!({"cpu-ms": 5})).await.unwrap());
        assert!(plugins.set_log_level("dice", Some("debug")).await.unwrap());
        assert!(plugins.set_grants("dice", json!({"send": true})).await.unwrap());
        assert!(!plugins.set_grants("other", json!({})).await.unwrap());

        let former = plugins.put(dice("2"), |former| former.cloned().unwrap()).await.unwrap();
        assert_eq!(former.unwrap().folder, "dice-1");
        let row = plugins.find("dice").await.unwrap().unwrap();
        assert_eq!((row.version.as_str(), row.folder.as_str()), ("2", "dice-2"));
        assert_eq!(row.grants, json!({"send": true}));
        assert_eq!(row.budgets, json!({"cpu-ms": 5}));
        assert_eq!(row.log_level.as_deref(), Some("debug"));
        assert_eq!(plugins.all().await.unwrap(), [row]);
        let mut third = Box::pin(plugins.put(dice("3"), |_| json!({})));
        // Asked for, and not waited for.
        assert!(third.as_mut().now_or_never().is_none());
        drop(third);
        assert_eq!(plugins.all_settled().await.unwrap()[0].version, "3");
    }

    #[tokio::test]
    async fn two_plugins_never_share_a_folder() {
        let (_folder, database) = fresh().await;
        let plugins = database.installed_plugins();
        plugins.put(dice("1"), |_| json!({})).await.unwrap();
        let other = NewInstalledPlugin { name: "other".into(), ..dice("1") };
        let refused = plugins.put(other, |_| json!({})).await;
        assert!(matches!(refused, Err(DbError::Taken(_))));
    }

    #[tokio::test]
    async fn what_a_plugin_stored_goes_only_when_that_is_asked_for() {
        let (_folder, database) = fresh().await;
        let (plugins, values) = (database.installed_plugins(), database.plugin_values());
        plugins.put(dice("1"), |_| json!({})).await.unwrap();
        values.store("dice", "a", json!(1)).await.unwrap();
        assert!(plugins.remove("dice", RemovedData::Kept).await.unwrap().is_some());
        assert_eq!(plugins.remove("dice", RemovedData::Deleted).await.unwrap(), None);
        assert_eq!(values.load("dice", "a").await.unwrap(), Some(json!(1)));
        assert_eq!(plugins.leftovers().await.unwrap(), Vec::<String>::new());

        plugins.put(dice("1"), |_| json!({})).await.unwrap();
        assert!(plugins.remove("dice", RemovedData::Deleted).await.unwrap().is_some());
        assert_eq!(values.load("dice", "a").await.unwrap(), None);
        assert_eq!(plugins.leftovers().await.unwrap(), ["dice"]);
        plugins.cleared("dice").await.unwrap();
        assert_eq!(plugins.leftovers().await.unwrap(), Vec::<String>::new());
    }
}
