//! Logging in, setting up, and changing credentials.

use std::net::IpAddr;
use std::time::Duration;

use firstlight_core::db::{Account, Database, DbError, LoginSession, NewLoginSession};
use jiff::Timestamp;
use uuid::Uuid;

use super::error::AuthError;
use super::keys::Keys;
use super::passwords::Passwords;
use super::sessions::Sessions;
use super::setup::Setup;
use super::throttle::Throttle;
use super::token::{Digest, mint};
use crate::http::SessionCaller;

/// The longest user agent that is kept.
const USER_AGENT: usize = 200;

/// Everything that knows callers.
pub struct Auth {
    pub sessions: Sessions,
    pub keys: Keys,
    pub setup: Setup,
    pub(super) database: Database,
    passwords: Passwords,
    throttle: Throttle,
    lifetime: Duration,
}

/// Where a log-in comes from.
#[derive(Debug, Clone)]
pub struct Client {
    pub address: IpAddr,
    pub user_agent: String,
}

/// A fresh log-in. The token exists here and at the client, nowhere else.
pub struct LoggedIn {
    pub session_id: String,
    pub token: String,
    pub username: String,
    pub lifetime: Duration,
}

/// A change of credentials.
#[derive(Default)]
pub struct Edit {
    pub current_password: String,
    pub new_password: Option<String>,
    pub confirmation: Option<String>,
    pub new_username: Option<String>,
}

impl Auth {
    /// Reads sessions and keys from the database.
    pub async fn load(database: Database, lifetime: Duration) -> Result<Self, AuthError> {
        let sessions = Sessions::default();
        for stored in database.login_sessions().live().await? {
            remember(&sessions, &stored);
        }
        Ok(Self {
            sessions,
            keys: Keys::load(database.clone()).await?,
            setup: Setup::default(),
            database,
            passwords: Passwords::default(),
            throttle: Throttle::default(),
            lifetime,
        })
    }

    /// Whether there is no account yet.
    pub async fn needs_setup(&self) -> Result<bool, AuthError> {
        Ok(!self.database.accounts().any().await?)
    }

    /// Logs in with name and password.
    pub async fn log_in(
        &self,
        username: &str,
        password: String,
        client: Client,
    ) -> Result<LoggedIn, AuthError> {
        self.throttle.attempt(username, client.address)?;
        let account = self.database.accounts().by_name(username).await?;
        let hash = account.as_ref().map(|account| account.password_hash.clone());
        let right = self.passwords.verify(password, hash).await?;
        let Some(account) = account.filter(|_| right) else {
            tracing::warn!(address = %client.address, "a log-in failed");
            return Err(AuthError::CredentialsWrong);
        };
        self.throttle.succeeded(username, client.address);
        let admitted = self.admit(&account, client).await?;
        // A reset between the check and now has not seen this log-in: it must not outlive it.
        let now = self.database.accounts().by_id(&account.id).await?;
        if now.is_none_or(|now| now.password_hash != account.password_hash) {
            let digest = Digest::of(&admitted.token);
            self.sessions.remove(digest);
            self.database.login_sessions().revoke(&admitted.session_id).await?;
            return Err(AuthError::CredentialsWrong);
        }
        Ok(admitted)
    }

    /// Makes the first account with the secret of the set-up link, and logs in.
    pub async fn set_up(
        &self,
        secret: &str,
        username: &str,
        password: String,
        client: Client,
    ) -> Result<LoggedIn, AuthError> {
        if !self.needs_setup().await? {
            return Err(AuthError::SetupDone);
        }
        self.throttle.attempt("", client.address)?;
        if !self.setup.matches(secret) {
            return Err(AuthError::SetupSecretWrong);
        }
        self.throttle.succeeded("", client.address);
        let username = acceptable_name(username)?;
        Passwords::acceptable(&password)?;
        let hash = self.passwords.hash(password).await?;
        let account = self.database.accounts().create_first(&username, &hash).await?;
        let account = account.ok_or(AuthError::SetupDone)?;
        self.setup.close();
        tracing::info!(username, "the first account was made");
        self.admit(&account, client).await
    }

    /// Changes name or password of the caller's account, who proves who they are once more. A new
    /// password ends every other log-in of the account.
    pub async fn edit(
        &self,
        caller: &SessionCaller,
        edit: Edit,
        address: IpAddr,
    ) -> Result<(), AuthError> {
        let account = self.database.accounts().by_id(&caller.account_id).await?;
        let account = account.ok_or(AuthError::Missing("account"))?;
        self.throttle.attempt(&account.username, address)?;
        let hash = Some(account.password_hash);
        if !self.passwords.verify(edit.current_password, hash).await? {
            return Err(AuthError::CredentialsWrong);
        }
        self.throttle.succeeded(&account.username, address);
        let password = edit.new_password.filter(|password| !password.is_empty());
        let username = edit.new_username.filter(|name| !name.trim().is_empty());
        if password.is_none() && username.is_none() {
            return Err(AuthError::NothingToChange);
        }
        if password.is_some() && edit.confirmation.is_some() && edit.confirmation != password {
            return Err(AuthError::ConfirmationDiffers);
        }
        let username = username.as_deref().map(acceptable_name).transpose()?;
        password.as_deref().map_or(Ok(()), Passwords::acceptable)?;
        if let Some(username) = username {
            self.rename(&account.id, &username).await?;
        }
        if let Some(password) = password {
            let kept = self.database.login_sessions().list(&account.id).await?;
            let kept = kept.into_iter().find(|session| session.id == caller.session_id);
            self.set_password(&account.id, password).await?;
            if let Some(session) = kept {
                self.store(&session).await?;
            }
        }
        Ok(())
    }

    /// Sets a password for an account, which is made when there is none of that name. All its
    /// log-ins end at once. For the operator of the machine, who proves nothing else.
    pub async fn reset(&self, username: &str, password: String) -> Result<(), AuthError> {
        let username = acceptable_name(username)?;
        Passwords::acceptable(&password)?;
        if let Some(account) = self.database.accounts().by_name(&username).await? {
            self.set_password(&account.id, password).await?;
        } else {
            let hash = self.passwords.hash(password).await?;
            self.database.accounts().create(&username, &hash).await.map_err(taken)?;
        }
        self.setup.close();
        Ok(())
    }

    /// The live log-ins of an account, the latest first.
    pub async fn list(&self, account_id: &str) -> Result<Vec<LoginSession>, AuthError> {
        Ok(self.database.login_sessions().list(account_id).await?)
    }

    /// Ends one log-in of an account, at once.
    pub async fn revoke(&self, account_id: &str, session_id: &str) -> Result<(), AuthError> {
        let sessions = self.database.login_sessions().list(account_id).await?;
        if !sessions.iter().any(|session| session.id == session_id) {
            return Err(AuthError::Missing("log-in"));
        }
        self.database.login_sessions().revoke(session_id).await?;
        self.sessions.forget(|session| session.session_id == session_id);
        Ok(())
    }

    async fn rename(&self, account_id: &str, username: &str) -> Result<(), AuthError> {
        self.database.accounts().rename(account_id, username).await.map_err(taken)?;
        self.sessions.rename(account_id, username);
        Ok(())
    }

    async fn set_password(&self, account_id: &str, password: String) -> Result<(), AuthError> {
        let hash = self.passwords.hash(password).await?;
        self.database.accounts().set_password(account_id, &hash).await?;
        self.sessions.forget(|session| session.account_id == account_id);
        Ok(())
    }

    /// Stores a fresh log-in and remembers it.
    async fn admit(&self, account: &Account, client: Client) -> Result<LoggedIn, AuthError> {
        let token = mint();
        let lifetime = i64::try_from(self.lifetime.as_millis()).unwrap_or(i64::MAX);
        let now = Timestamp::now().as_millisecond();
        let session = LoginSession {
            id: Uuid::new_v4().to_string(),
            account_id: account.id.clone(),
            username: account.username.clone(),
            token_hash: Digest::of(&token).to_hex(),
            user_agent: client.user_agent.chars().take(USER_AGENT).collect(),
            address: client.address.to_string(),
            created_at: now,
            last_seen_at: now,
            expires_at: now.saturating_add(lifetime),
        };
        self.store(&session).await?;
        Ok(LoggedIn {
            session_id: session.id,
            token,
            username: session.username,
            lifetime: self.lifetime,
        })
    }

    async fn store(&self, session: &LoginSession) -> Result<(), AuthError> {
        let new = NewLoginSession {
            id: session.id.clone(),
            account_id: session.account_id.clone(),
            token_hash: session.token_hash.clone(),
            user_agent: session.user_agent.clone(),
            address: session.address.clone(),
            expires_at: session.expires_at,
        };
        self.database.login_sessions().create(new).await?;
        remember(&self.sessions, session);
        Ok(())
    }
}

fn remember(sessions: &Sessions, stored: &LoginSession) {
    let Some(digest) = Digest::from_hex(&stored.token_hash) else { return };
    let caller = SessionCaller {
        session_id: stored.id.clone(),
        account_id: stored.account_id.clone(),
        username: stored.username.clone(),
    };
    sessions.insert(digest, caller, stored.expires_at);
}

fn acceptable_name(name: &str) -> Result<String, AuthError> {
    let name = name.trim();
    // The web chat builds session keys from names, and these two separate their parts.
    let breaks = |letter: char| letter.is_control() || letter == '!' || letter == ':';
    let fits = (1..=64).contains(&name.chars().count()) && !name.chars().any(breaks);
    fits.then(|| name.to_owned()).ok_or(AuthError::NameRefused)
}

fn taken(error: DbError) -> AuthError {
    match error {
        DbError::Taken(_) => AuthError::NameTaken,
        other => AuthError::Database(other),
    }
}
