//! Preferences: small JSON values by scope, scope id and key.

use serde_json::Value;
use sqlx::SqliteConnection;
use sqlx::types::Json;

use super::database::now;
use super::{Database, DbError};

/// A stored preference.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Preference {
    /// The kind of thing it belongs to: `global`, `umo`, `plugin` …
    pub scope: String,
    /// Which of these.
    pub scope_id: String,
    /// Its name.
    pub key: String,
    /// Its value.
    #[sqlx(json)]
    pub value: Value,
    /// When it was first stored.
    pub created_at: i64,
    /// When it was last stored.
    pub updated_at: i64,
}

/// The preferences.
#[derive(Clone)]
pub struct Preferences {
    database: Database,
}

impl Preferences {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// The value of a preference.
    pub async fn load(
        &self,
        scope: &str,
        scope_id: &str,
        key: &str,
    ) -> Result<Option<Value>, DbError> {
        let value: Option<Json<Value>> = sqlx::query_scalar(
            "SELECT value FROM preferences WHERE scope = ? AND scope_id = ? AND key = ?",
        )
        .bind(scope.to_owned())
        .bind(scope_id.to_owned())
        .bind(key.to_owned())
        .fetch_optional(self.database.readers())
        .await?;
        Ok(value.map(|Json(value)| value))
    }

    /// Sets a preference.
    pub async fn store(
        &self,
        scope: &str,
        scope_id: &str,
        key: &str,
        value: Value,
    ) -> Result<(), DbError> {
        let changed = self.changed(scope, scope_id);
        let (scope, scope_id, key) = (scope.to_owned(), scope_id.to_owned(), key.to_owned());
        self.database
            .write_then(
                move |connection| Box::pin(put(connection, scope, scope_id, key, value)),
                move |()| changed(),
            )
            .await
    }

    /// Changes a preference in one step: `change` gets the value, if there is one, and says what it
    /// is from now on, if anything, and what to answer.
    pub async fn change<T, F>(
        &self,
        scope: &str,
        scope_id: &str,
        key: &str,
        change: F,
    ) -> Result<T, DbError>
    where
        F: FnOnce(Option<Value>) -> (Option<Value>, T) + Send + 'static,
        T: Send + 'static,
    {
        let changed = self.changed(scope, scope_id);
        let (scope, scope_id, key) = (scope.to_owned(), scope_id.to_owned(), key.to_owned());
        self.database
            .write_then(
                move |connection| {
                    Box::pin(async move {
                        let before: Option<Json<Value>> = sqlx::query_scalar(
                            "SELECT value FROM preferences
                             WHERE scope = ? AND scope_id = ? AND key = ?",
                        )
                        .bind(scope.clone())
                        .bind(scope_id.clone())
                        .bind(key.clone())
                        .fetch_optional(&mut *connection)
                        .await?;
                        let (after, answer) = change(before.map(|Json(value)| value));
                        match after {
                            Some(value) => put(connection, scope, scope_id, key, value).await?,
                            None => drop(remove(connection, scope, scope_id, key).await?),
                        }
                        Ok(answer)
                    })
                },
                move |_| changed(),
            )
            .await
    }

    /// Forgets a preference. False when it was not set.
    pub async fn delete(&self, scope: &str, scope_id: &str, key: &str) -> Result<bool, DbError> {
        let changed = self.changed(scope, scope_id);
        let (scope, scope_id, key) = (scope.to_owned(), scope_id.to_owned(), key.to_owned());
        self.database
            .write_then(
                move |connection| Box::pin(remove(connection, scope, scope_id, key)),
                move |_| changed(),
            )
            .await
    }

    /// What to do once a preference has been written, whether or not its caller still waits.
    fn changed(&self, scope: &str, scope_id: &str) -> impl FnOnce() + use<> {
        let (database, scope, scope_id) =
            (self.database.clone(), scope.to_owned(), scope_id.to_owned());
        move || {
            database.rule_cache().forget(&scope, &scope_id);
            database.talks_cache().forget(&scope_id);
        }
    }

    /// All preferences of one thing, by name.
    pub async fn list(&self, scope: &str, scope_id: &str) -> Result<Vec<Preference>, DbError> {
        let preferences = sqlx::query_as(
            "SELECT * FROM preferences WHERE scope = ? AND scope_id = ? ORDER BY key",
        )
        .bind(scope.to_owned())
        .bind(scope_id.to_owned())
        .fetch_all(self.database.readers())
        .await?;
        Ok(preferences)
    }

    /// All preferences of one name, whatever they belong to within the scope.
    pub async fn list_by_key(&self, scope: &str, key: &str) -> Result<Vec<Preference>, DbError> {
        let preferences = sqlx::query_as(
            "SELECT * FROM preferences WHERE scope = ? AND key = ? ORDER BY scope_id",
        )
        .bind(scope.to_owned())
        .bind(key.to_owned())
        .fetch_all(self.database.readers())
        .await?;
        Ok(preferences)
    }
}

async fn put(
    connection: &mut SqliteConnection,
    scope: String,
    scope_id: String,
    key: String,
    value: Value,
) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO preferences (scope, scope_id, key, value, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5)
         ON CONFLICT (scope, scope_id, key)
         DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
    )
    .bind(scope)
    .bind(scope_id)
    .bind(key)
    .bind(Json(value))
    .bind(now())
    .execute(connection)
    .await?;
    Ok(())
}

async fn remove(
    connection: &mut SqliteConnection,
    scope: String,
    scope_id: String,
    key: String,
) -> Result<bool, DbError> {
    let done = sqlx::query("DELETE FROM preferences WHERE scope = ? AND scope_id = ? AND key = ?")
        .bind(scope)
        .bind(scope_id)
        .bind(key)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() > 0)
}
