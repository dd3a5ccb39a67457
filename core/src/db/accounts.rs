//! Dashboard accounts.

use uuid::Uuid;

use super::database::now;
use super::{Database, DbError};

/// A dashboard account.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Account {
    /// Its id, which a new name does not change.
    pub id: String,
    /// The name to log in with.
    pub username: String,
    /// The hash of the password, in the form of its algorithm.
    pub password_hash: String,
    /// When it was made.
    pub created_at: i64,
    /// When its name or password last changed.
    pub updated_at: i64,
}

/// The hash stays out of logs.
impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.id)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// The accounts.
#[derive(Clone)]
pub struct Accounts {
    database: Database,
}

impl Accounts {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Whether there is any account, that is, whether the set-up is done.
    pub async fn any(&self) -> Result<bool, DbError> {
        let any = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM accounts)")
            .fetch_one(self.database.readers())
            .await?;
        Ok(any)
    }

    /// The account of that name.
    pub async fn by_name(&self, username: &str) -> Result<Option<Account>, DbError> {
        let account = sqlx::query_as("SELECT * FROM accounts WHERE username = ?")
            .bind(username.to_owned())
            .fetch_optional(self.database.readers())
            .await?;
        Ok(account)
    }

    /// The account of that id.
    pub async fn by_id(&self, id: &str) -> Result<Option<Account>, DbError> {
        let account = sqlx::query_as("SELECT * FROM accounts WHERE id = ?")
            .bind(id.to_owned())
            .fetch_optional(self.database.readers())
            .await?;
        Ok(account)
    }

    /// Makes an account. [`DbError::Taken`] when the name is in use.
    pub async fn create(&self, username: &str, password_hash: &str) -> Result<Account, DbError> {
        let made = self.insert(username, password_hash, false).await?;
        made.ok_or(DbError::Missing { what: "account" })
    }

    /// Makes the first account, or nothing when there is any: of two set-ups at once, one wins.
    pub async fn create_first(
        &self,
        username: &str,
        password_hash: &str,
    ) -> Result<Option<Account>, DbError> {
        self.insert(username, password_hash, true).await
    }

    async fn insert(
        &self,
        username: &str,
        password_hash: &str,
        only_first: bool,
    ) -> Result<Option<Account>, DbError> {
        let (username, password_hash) = (username.to_owned(), password_hash.to_owned());
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let account = sqlx::query_as(
                        "INSERT INTO accounts (id, username, password_hash, created_at, updated_at)
                         SELECT ?1, ?2, ?3, ?4, ?4
                         WHERE NOT ?5 OR NOT EXISTS (SELECT 1 FROM accounts)
                         RETURNING *",
                    )
                    .bind(Uuid::new_v4().to_string())
                    .bind(username)
                    .bind(password_hash)
                    .bind(now())
                    .bind(only_first)
                    .fetch_optional(connection)
                    .await?;
                    Ok(account)
                })
            })
            .await
    }

    /// Sets the password and ends all log-ins of the account. False when there is no such account.
    pub async fn set_password(&self, id: &str, password_hash: &str) -> Result<bool, DbError> {
        let (id, password_hash) = (id.to_owned(), password_hash.to_owned());
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let changed = sqlx::query(
                        "UPDATE accounts SET password_hash = ?, updated_at = ? WHERE id = ?",
                    )
                    .bind(password_hash)
                    .bind(now())
                    .bind(id.clone())
                    .execute(&mut *connection)
                    .await?
                    .rows_affected();
                    sqlx::query("DELETE FROM login_sessions WHERE account_id = ?")
                        .bind(id)
                        .execute(connection)
                        .await?;
                    Ok(changed > 0)
                })
            })
            .await
    }

    /// Gives the account another name. False when there is no such account.
    pub async fn rename(&self, id: &str, username: &str) -> Result<bool, DbError> {
        let (id, username) = (id.to_owned(), username.to_owned());
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let done = sqlx::query(
                        "UPDATE accounts SET username = ?, updated_at = ? WHERE id = ?",
                    )
                    .bind(username)
                    .bind(now())
                    .bind(id)
                    .execute(connection)
                    .await?;
                    Ok(done.rows_affected() > 0)
                })
            })
            .await
    }
}
