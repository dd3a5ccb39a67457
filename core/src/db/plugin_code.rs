//! What is known of compiled code: for each key the digest that its file must have.

use super::database::now;
use super::{Database, DbError};

/// Code that was compiled.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct CompiledCode {
    /// What it was compiled from, by what, and how.
    pub key: String,
    /// The digest of the file that holds it.
    pub digest: Vec<u8>,
    /// When it was last written or found good.
    pub used_at: i64,
}

/// The list of compiled code.
#[derive(Clone)]
pub struct PluginCode {
    database: Database,
}

impl PluginCode {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// All of it, what was used last at the end.
    pub async fn all(&self) -> Result<Vec<CompiledCode>, DbError> {
        let rows =
            sqlx::query_as("SELECT key, digest, used_at FROM plugin_code ORDER BY used_at, key")
                .fetch_all(self.database.readers())
                .await?;
        Ok(rows)
    }

    /// Remembers code, as used now.
    pub async fn put(&self, key: &str, digest: &[u8]) -> Result<(), DbError> {
        let (key, digest) = (key.to_owned(), digest.to_owned());
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    sqlx::query("REPLACE INTO plugin_code (key, digest, used_at) VALUES (?, ?, ?)")
                        .bind(key)
                        .bind(digest)
                        .bind(now())
                        .execute(connection)
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    /// Forgets code. False when it was not known.
    pub async fn forget(&self, key: &str) -> Result<bool, DbError> {
        let key = key.to_owned();
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let done = sqlx::query("DELETE FROM plugin_code WHERE key = ?")
                        .bind(key)
                        .execute(connection)
                        .await?;
                    Ok(done.rows_affected() > 0)
                })
            })
            .await
    }

    /// Forgets all of it.
    pub async fn forget_all(&self) -> Result<(), DbError> {
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    sqlx::query("DELETE FROM plugin_code").execute(connection).await?;
                    Ok(())
                })
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn code_is_known_until_it_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("firstlight.db")).await.unwrap();
        let code = database.plugin_code();
        code.put("a", &[1, 2]).await.unwrap();
        code.put("b", &[3]).await.unwrap();
        code.put("a", &[4]).await.unwrap();
        let known = |rows: Vec<CompiledCode>| -> Vec<(String, Vec<u8>)> {
            let mut known: Vec<_> = rows.into_iter().map(|row| (row.key, row.digest)).collect();
            known.sort();
            known
        };
        let expected = [("a".to_owned(), vec![4]), ("b".to_owned(), vec![3])];
        assert_eq!(known(code.all().await.unwrap()), expected);
        assert!(code.forget("a").await.unwrap());
        assert!(!code.forget("a").await.unwrap());
        code.forget_all().await.unwrap();
        assert_eq!(code.all().await.unwrap(), []);
    }
}
