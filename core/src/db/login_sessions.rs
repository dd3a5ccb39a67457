//! Log-ins: which tokens stand for which account, and until when.

use super::database::now;
use super::{Database, DbError};

/// A log-in to be stored.
#[derive(Clone)]
pub struct NewLoginSession {
    /// Its id, by which it is listed and revoked.
    pub id: String,
    /// Whose it is.
    pub account_id: String,
    /// The hash of its token; the token itself is never stored.
    pub token_hash: String,
    /// What the client called itself.
    pub user_agent: String,
    /// Where it came from.
    pub address: String,
    /// When it ends.
    pub expires_at: i64,
}

/// A stored log-in.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LoginSession {
    /// Its id, by which it is listed and revoked.
    pub id: String,
    /// Whose it is.
    pub account_id: String,
    /// The name of that account.
    pub username: String,
    /// The hash of its token.
    pub token_hash: String,
    /// What the client called itself.
    pub user_agent: String,
    /// Where it came from.
    pub address: String,
    /// When it began.
    pub created_at: i64,
    /// When it was last used, coarsely.
    pub last_seen_at: i64,
    /// When it ends.
    pub expires_at: i64,
}

/// The hash stays out of logs.
impl std::fmt::Debug for LoginSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginSession")
            .field("id", &self.id)
            .field("account_id", &self.account_id)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// The log-ins.
#[derive(Clone)]
pub struct LoginSessions {
    database: Database,
}

impl LoginSessions {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Stores a log-in. [`DbError::Missing`] when its account is gone.
    pub async fn create(&self, new: NewLoginSession) -> Result<(), DbError> {
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let made = sqlx::query(
                        "INSERT INTO login_sessions (id, account_id, token_hash, user_agent,
                             address, created_at, last_seen_at, expires_at)
                         SELECT ?1, id, ?3, ?4, ?5, ?6, ?6, ?7 FROM accounts WHERE id = ?2",
                    )
                    .bind(new.id)
                    .bind(new.account_id)
                    .bind(new.token_hash)
                    .bind(new.user_agent)
                    .bind(new.address)
                    .bind(now())
                    .bind(new.expires_at)
                    .execute(connection)
                    .await?;
                    if made.rows_affected() == 0 {
                        return Err(DbError::Missing { what: "account" });
                    }
                    Ok(())
                })
            })
            .await
    }

    /// The log-in with that token, unless it has expired.
    pub async fn by_token_hash(&self, token_hash: &str) -> Result<Option<LoginSession>, DbError> {
        let session = sqlx::query_as(
            "SELECT login_sessions.*, accounts.username FROM login_sessions
             JOIN accounts ON accounts.id = login_sessions.account_id
             WHERE token_hash = ? AND expires_at > ?",
        )
        .bind(token_hash.to_owned())
        .bind(now())
        .fetch_optional(self.database.readers())
        .await?;
        Ok(session)
    }

    /// The live log-ins of all accounts: what a gateway keeps in memory.
    pub async fn live(&self) -> Result<Vec<LoginSession>, DbError> {
        let sessions = sqlx::query_as(
            "SELECT login_sessions.*, accounts.username FROM login_sessions
             JOIN accounts ON accounts.id = login_sessions.account_id
             WHERE expires_at > ? ORDER BY login_sessions.id",
        )
        .bind(now())
        .fetch_all(self.database.readers())
        .await?;
        Ok(sessions)
    }

    /// The live log-ins of an account, the latest first.
    pub async fn list(&self, account_id: &str) -> Result<Vec<LoginSession>, DbError> {
        let sessions = sqlx::query_as(
            "SELECT login_sessions.*, accounts.username FROM login_sessions
             JOIN accounts ON accounts.id = login_sessions.account_id
             WHERE account_id = ? AND expires_at > ? ORDER BY last_seen_at DESC, login_sessions.id",
        )
        .bind(account_id.to_owned())
        .bind(now())
        .fetch_all(self.database.readers())
        .await?;
        Ok(sessions)
    }

    /// Notes that the log-in was used now, and moves its end when one is given.
    pub async fn touch(&self, id: &str, expires_at: Option<i64>) -> Result<(), DbError> {
        let id = id.to_owned();
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    sqlx::query(
                        "UPDATE login_sessions
                         SET last_seen_at = ?, expires_at = coalesce(?, expires_at) WHERE id = ?",
                    )
                    .bind(now())
                    .bind(expires_at)
                    .bind(id)
                    .execute(connection)
                    .await?;
                    Ok(())
                })
            })
            .await
    }

    /// Ends a log-in. False when there is none of that id.
    pub async fn revoke(&self, id: &str) -> Result<bool, DbError> {
        let ended = self.delete("DELETE FROM login_sessions WHERE id = ?", id.to_owned()).await?;
        Ok(ended > 0)
    }

    /// Ends all log-ins of an account and says how many there were.
    pub async fn revoke_all(&self, account_id: &str) -> Result<u64, DbError> {
        self.delete("DELETE FROM login_sessions WHERE account_id = ?", account_id.to_owned()).await
    }

    /// Forgets log-ins that have expired and says how many there were.
    pub async fn purge_expired(&self) -> Result<u64, DbError> {
        self.delete("DELETE FROM login_sessions WHERE expires_at <= ?", now()).await
    }

    async fn delete<V>(&self, sql: &'static str, value: V) -> Result<u64, DbError>
    where
        V: for<'q> sqlx::Encode<'q, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + Send + 'static,
    {
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let done = sqlx::query(sql).bind(value).execute(connection).await?;
                    Ok(done.rows_affected())
                })
            })
            .await
    }
}
