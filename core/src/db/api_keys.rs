//! API keys: what programs authenticate with, and which routes each may use.

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};
use uuid::Uuid;

use super::database::now;
use super::{Database, DbError};

/// Which routes a key may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scopes {
    /// All of them, also those of later versions.
    All,
    /// Those with one of these scopes.
    Only(Vec<String>),
}

impl Scopes {
    /// Whether a route with this scope may be used.
    pub fn allow(&self, scope: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(scopes) => scopes.iter().any(|allowed| allowed == scope),
        }
    }

    fn stored(&self) -> Option<String> {
        match self {
            Self::All => None,
            Self::Only(scopes) => Some(serde_json::json!(scopes).to_string()),
        }
    }
}

/// A key to be stored.
#[derive(Clone)]
pub struct NewApiKey {
    /// What its owner calls it.
    pub name: String,
    /// The hash of the key; the key itself is never stored.
    pub key_hash: String,
    /// Its first characters, by which its owner recognises it.
    pub key_prefix: String,
    /// What it may do.
    pub scopes: Scopes,
    /// The account that made it.
    pub created_by: String,
    /// When it ends, if ever.
    pub expires_at: Option<i64>,
}

/// A stored key.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub key_id: String,
    /// What its owner calls it.
    pub name: String,
    /// The hash of the key.
    pub key_hash: String,
    /// Its first characters.
    pub key_prefix: String,
    /// What it may do.
    pub scopes: Scopes,
    /// The account that made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: i64,
    /// When it was last changed.
    pub updated_at: i64,
    /// When it was last used, coarsely.
    pub last_used_at: Option<i64>,
    /// When it ends, if ever.
    pub expires_at: Option<i64>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<i64>,
}

impl ApiKey {
    /// Whether it opens anything at that time.
    pub fn is_live(&self, at: i64) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| end > at)
    }
}

/// The hash stays out of logs.
impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiKey")
            .field("key_id", &self.key_id)
            .field("name", &self.name)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

impl FromRow<'_, SqliteRow> for ApiKey {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        let scopes = match row.try_get::<Option<String>, _>("scopes")? {
            None => Scopes::All,
            Some(text) => Scopes::Only(serde_json::from_str(&text).map_err(|source| {
                sqlx::Error::ColumnDecode { index: "scopes".into(), source: source.into() }
            })?),
        };
        Ok(Self {
            key_id: row.try_get("key_id")?,
            name: row.try_get("name")?,
            key_hash: row.try_get("key_hash")?,
            key_prefix: row.try_get("key_prefix")?,
            scopes,
            created_by: row.try_get("created_by")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
            last_used_at: row.try_get("last_used_at")?,
            expires_at: row.try_get("expires_at")?,
            revoked_at: row.try_get("revoked_at")?,
        })
    }
}

/// The API keys.
#[derive(Clone)]
pub struct ApiKeys {
    database: Database,
}

impl ApiKeys {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Stores a key.
    pub async fn create(&self, new: NewApiKey) -> Result<ApiKey, DbError> {
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let key = sqlx::query_as(
                        "INSERT INTO api_keys (key_id, name, key_hash, key_prefix, scopes,
                             created_by, created_at, updated_at, expires_at)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8) RETURNING *",
                    )
                    .bind(Uuid::new_v4().to_string())
                    .bind(new.name)
                    .bind(new.key_hash)
                    .bind(new.key_prefix)
                    .bind(new.scopes.stored())
                    .bind(new.created_by)
                    .bind(now())
                    .bind(new.expires_at)
                    .fetch_one(connection)
                    .await?;
                    Ok(key)
                })
            })
            .await
    }

    /// The key with that hash, also when it is revoked or expired: ask [`ApiKey::is_live`].
    pub async fn by_hash(&self, key_hash: &str) -> Result<Option<ApiKey>, DbError> {
        let key = sqlx::query_as("SELECT * FROM api_keys WHERE key_hash = ?")
            .bind(key_hash.to_owned())
            .fetch_optional(self.database.readers())
            .await?;
        Ok(key)
    }

    /// All keys, the newest first.
    pub async fn list(&self) -> Result<Vec<ApiKey>, DbError> {
        let keys = sqlx::query_as("SELECT * FROM api_keys ORDER BY created_at DESC, rowid DESC")
            .fetch_all(self.database.readers())
            .await?;
        Ok(keys)
    }

    /// Notes that the key was used now.
    pub async fn touch(&self, key_id: &str) -> Result<bool, DbError> {
        self.change("UPDATE api_keys SET last_used_at = ?2 WHERE key_id = ?1", key_id).await
    }

    /// Revokes the key. False when there is no such key; revoking twice keeps the first time.
    pub async fn revoke(&self, key_id: &str) -> Result<bool, DbError> {
        self.change(
            "UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?2), updated_at = ?2
             WHERE key_id = ?1",
            key_id,
        )
        .await
    }

    /// Forgets the key. False when there is no such key.
    pub async fn delete(&self, key_id: &str) -> Result<bool, DbError> {
        self.change("DELETE FROM api_keys WHERE key_id = ?1 AND ?2 IS NOT NULL", key_id).await
    }

    async fn change(&self, sql: &'static str, key_id: &str) -> Result<bool, DbError> {
        let key_id = key_id.to_owned();
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let done =
                        sqlx::query(sql).bind(key_id).bind(now()).execute(connection).await?;
                    Ok(done.rows_affected() > 0)
                })
            })
            .await
    }
}
