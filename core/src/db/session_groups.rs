//! Groups of sessions that the operator put together, to set rules for all of them at once.
//!
//! They are one preference (reference 5.2: `unknown/unknown/session_groups`), changed as a whole.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::SqliteConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::database::now;
use super::{Database, DbError};

const SCOPE: &str = "unknown";
const KEY: &str = "session_groups";

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionGroup {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// The keys of its sessions.
    pub umos: Vec<String>,
}

/// What is to be changed of a group. What is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionGroupChange {
    /// What it is called.
    pub name: Option<String>,
    /// All its sessions.
    pub umos: Option<Vec<String>>,
    /// Sessions that come in.
    pub add: Vec<String>,
    /// Sessions that go.
    pub remove: Vec<String>,
}

/// As it is stored. What this version does not know is kept.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Stored {
    name: String,
    umos: Vec<String>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// The groups of sessions.
#[derive(Clone)]
pub struct SessionGroups {
    database: Database,
}

impl SessionGroups {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// All groups.
    pub async fn list(&self) -> Result<Vec<SessionGroup>, DbError> {
        let value = self.database.preferences().load(SCOPE, SCOPE, KEY).await?;
        let groups = value.and_then(|value| match value {
            Value::Object(groups) => Some(groups),
            _ => None,
        });
        Ok(groups.unwrap_or_default().into_iter().map(|(id, value)| shown(id, value)).collect())
    }

    /// The group of that id.
    pub async fn by_id(&self, id: &str) -> Result<Option<SessionGroup>, DbError> {
        Ok(self.list().await?.into_iter().find(|group| group.id == id))
    }

    /// Makes a group.
    pub async fn create(&self, name: String, umos: Vec<String>) -> Result<SessionGroup, DbError> {
        let id = Uuid::new_v4().to_string();
        self.change_all(move |groups| {
            let stored = Stored { name, umos: distinct(umos), rest: Map::new() };
            put(groups, id, &stored)
        })
        .await
    }

    /// Changes a group. [`DbError::Missing`] when there is none of that id.
    pub async fn change(
        &self,
        id: &str,
        change: SessionGroupChange,
    ) -> Result<SessionGroup, DbError> {
        let id = id.to_owned();
        self.change_all(move |groups| {
            let old = groups.get(&id).cloned();
            let old = old.ok_or(DbError::Missing { what: "session group" })?;
            let mut stored: Stored = serde_json::from_value(old).unwrap_or_default();
            stored.name = change.name.unwrap_or(stored.name);
            let mut umos = change.umos.unwrap_or(stored.umos);
            umos.retain(|umo| !change.remove.contains(umo));
            umos.extend(change.add);
            stored.umos = distinct(umos);
            put(groups, id, &stored)
        })
        .await
    }

    /// Forgets a group. [`DbError::Missing`] when there is none of that id.
    pub async fn delete(&self, id: &str) -> Result<(), DbError> {
        let id = id.to_owned();
        self.change_all(move |groups| {
            groups.remove(&id).map(drop).ok_or(DbError::Missing { what: "session group" })
        })
        .await
    }

    async fn change_all<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Map<String, Value>) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, DbError> {
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let mut groups = load(connection).await?;
                    let outcome = change(&mut groups)?;
                    store(connection, groups).await?;
                    Ok(outcome)
                })
            })
            .await
    }
}

async fn load(connection: &mut SqliteConnection) -> Result<Map<String, Value>, DbError> {
    let stored: Option<Json<Value>> = sqlx::query_scalar(
        "SELECT value FROM preferences WHERE scope = ?1 AND scope_id = ?1 AND key = ?2",
    )
    .bind(SCOPE)
    .bind(KEY)
    .fetch_optional(connection)
    .await?;
    Ok(match stored {
        Some(Json(Value::Object(groups))) => groups,
        _ => Map::new(),
    })
}

async fn store(
    connection: &mut SqliteConnection,
    groups: Map<String, Value>,
) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO preferences (scope, scope_id, key, value, created_at, updated_at)
         VALUES (?1, ?1, ?2, ?3, ?4, ?4)
         ON CONFLICT (scope, scope_id, key)
         DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
    )
    .bind(SCOPE)
    .bind(KEY)
    .bind(Json(groups))
    .bind(now())
    .execute(connection)
    .await?;
    Ok(())
}

fn put(
    groups: &mut Map<String, Value>,
    id: String,
    stored: &Stored,
) -> Result<SessionGroup, DbError> {
    let value = serde_json::to_value(stored)
        .map_err(|source| DbError::Stored { what: "session group", source: source.into() })?;
    groups.insert(id.clone(), value.clone());
    Ok(shown(id, value))
}

/// A group that cannot be read is empty, so that it can be listed and deleted.
fn shown(id: String, value: Value) -> SessionGroup {
    let Stored { name, umos, .. } = serde_json::from_value(value).unwrap_or_default();
    SessionGroup { id, name, umos }
}

fn distinct(umos: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    umos.into_iter().filter(|umo| seen.insert(umo.clone())).collect()
}
