//! What can go wrong with log-ins and keys.

use firstlight_core::db::DbError;

/// Why something about a log-in or a key was not done.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The name or the password is wrong. Which of them is not told.
    #[error("the user name or the password is wrong")]
    CredentialsWrong,
    /// Too many attempts.
    #[error("wait {seconds} s before the next attempt")]
    Throttled {
        /// How long to wait.
        seconds: u32,
    },
    /// There is an account already.
    #[error("an account exists already")]
    SetupDone,
    /// There is no account yet.
    #[error("there is no account yet")]
    SetupNeeded,
    /// The secret of the set-up link is wrong or used.
    #[error("the set-up secret is wrong or was used")]
    SetupSecretWrong,
    /// The password is too short.
    #[error("the password needs at least {minimum} characters")]
    PasswordTooShort {
        /// How many it needs.
        minimum: usize,
    },
    /// The password is too long.
    #[error("the password may have at most {maximum} characters")]
    PasswordTooLong {
        /// How many it may have.
        maximum: usize,
    },
    /// The name is blank or too long, or holds characters that would break session keys.
    #[error("a user name has 1 to 64 characters and no control characters, \"!\" or \":\"")]
    NameRefused,
    /// Somebody has this name.
    #[error("the user name is taken")]
    NameTaken,
    /// The two new passwords differ.
    #[error("the new password and its confirmation differ")]
    ConfirmationDiffers,
    /// Nothing was given to change.
    #[error("nothing was given to change")]
    NothingToChange,
    /// There is no such log-in or key, or it is somebody else's.
    #[error("no such {0}")]
    Missing(&'static str),
    /// The database did not take or give something.
    #[error("the database failed")]
    Database(#[from] DbError),
    /// A password could not be hashed, or a stored hash is no hash.
    #[error("a password could not be hashed: {0}")]
    Hash(String),
}
