//! Argon2id. A hash takes 19 MiB and tens of milliseconds, so only a few run at once, and none on
//! a thread that serves requests.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use super::error::AuthError;

/// The shortest password. Length is what makes a password strong; composition rules do not.
const MIN: usize = 8;

/// The longest password.
const MAX: usize = 256;

/// How many hashes run at once.
const AT_ONCE: usize = 2;

/// How many may wait for their turn; more are told to come back.
const WAITING: usize = 32;

/// The hash of nobody's password, of the same cost as a real one. Log-ins of unknown names are
/// verified against it, so that they take as long as those of known ones.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$\
    bm9ib2R5J3Mgc2FsdCAxNg$RkWrRBKtZJqHKlQ4JwK5mCYLJYHf0hSZ3iS0N2cB1vY";

/// The bound on concurrent hashes.
pub struct Passwords {
    running: Semaphore,
    queue: Semaphore,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { running: Semaphore::new(AT_ONCE), queue: Semaphore::new(AT_ONCE + WAITING) }
    }
}

impl Passwords {
    /// Whether the password may be set.
    pub fn acceptable(password: &str) -> Result<(), AuthError> {
        match password.chars().count() {
            length if length < MIN => Err(AuthError::PasswordTooShort { minimum: MIN }),
            length if length > MAX => Err(AuthError::PasswordTooLong { maximum: MAX }),
            _ => Ok(()),
        }
    }

    /// Hashes a new password.
    pub async fn hash(&self, password: String) -> Result<String, AuthError> {
        self.run(move || {
            let hash = Argon2::default().hash_password(password.as_bytes());
            hash.map(|hash| hash.to_string()).map_err(|error| AuthError::Hash(error.to_string()))
        })
        .await
    }

    /// Whether the password is the one of the hash. Without a hash it is nobody's, and finding
    /// that out takes as long.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, AuthError> {
        self.run(move || {
            let known = hash.is_some();
            let hash = hash.unwrap_or_else(|| NOBODY.to_owned());
            let hash =
                PasswordHash::new(&hash).map_err(|error| AuthError::Hash(error.to_string()))?;
            let right = Argon2::default().verify_password(password.as_bytes(), &hash).is_ok();
            Ok(right && known)
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, AuthError> + Send + 'static,
    ) -> Result<T, AuthError> {
        let busy = AuthError::Throttled { seconds: 1 };
        let Ok(_queued) = self.queue.try_acquire() else { return Err(busy) };
        let Ok(_running) = self.running.acquire().await else { return Err(busy) };
        match tokio::task::spawn_blocking(job).await {
            Ok(result) => result,
            Err(error) => Err(AuthError::Hash(error.to_string())),
        }
    }
}
