//! What the core's errors mean to a caller. Each match is exhaustive: a new case does not compile
//! until someone chose its code.

use firstlight_core::config::ConfigError;
use firstlight_core::db::DbError;
use serde_json::json;

use crate::auth::AuthError;
use crate::http::{ApiError, Code, Message};

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        let code = match &error {
            DbError::Taken(_) => Code::Conflict,
            DbError::Missing { .. } => Code::NotFound,
            DbError::Locked(_)
            | DbError::ReadOnly(_)
            | DbError::Full(_)
            | DbError::Corrupt(_)
            | DbError::Foreign
            | DbError::NewerSchema { .. }
            | DbError::Migration { .. }
            | DbError::Folder { .. }
            | DbError::File { .. }
            | DbError::Stored { .. }
            | DbError::JobPanicked { .. }
            | DbError::Closed
            | DbError::Statement(_) => Code::StorageFailed,
        };
        ApiError::new(code).caused_by(error)
    }
}

impl From<ConfigError> for ApiError {
    fn from(error: ConfigError) -> Self {
        let text = sentence(&error.to_string());
        match error {
            ConfigError::RevisionConflict { expected, found, .. } => {
                ApiError::with(Code::Conflict, text)
                    .data(json!({ "expected": expected, "found": found }))
            }
            ConfigError::Invalid { problems, .. } => {
                ApiError::with(Code::Invalid, text).data(json!({ "problems": problems }))
            }
            ConfigError::Missing { .. } | ConfigError::NoRevision { .. } => {
                ApiError::with(Code::NotFound, text)
            }
            ConfigError::UnknownKind { .. } | ConfigError::BuiltIn { .. } => {
                ApiError::with(Code::Invalid, text)
            }
            ConfigError::Database(error) => error.into(),
            ConfigError::Interrupted => ApiError::new(Code::StorageFailed).caused_by(error),
        }
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        let text = error.to_string();
        match error {
            AuthError::CredentialsWrong => ApiError::new(Code::CredentialsWrong),
            AuthError::Throttled { seconds } => {
                let text = Message::LoginThrottled { seconds: seconds.into() };
                ApiError::with(Code::Throttled, text).retry_after(seconds)
            }
            AuthError::SetupDone => ApiError::new(Code::SetupDone),
            AuthError::SetupNeeded => ApiError::new(Code::SetupNeeded),
            AuthError::SetupSecretWrong => ApiError::new(Code::SetupSecretWrong),
            AuthError::PasswordTooShort { minimum } => {
                ApiError::with(Code::PasswordWeak, Message::PasswordTooShort { minimum })
            }
            AuthError::PasswordTooLong { maximum } => {
                ApiError::with(Code::Invalid, Message::PasswordTooLong { maximum })
            }
            AuthError::NameRefused => ApiError::with(Code::Invalid, Message::UsernameInvalid),
            AuthError::ConfirmationDiffers => ApiError::with(Code::Invalid, sentence(&text)),
            AuthError::NameTaken => ApiError::with(Code::Conflict, sentence(&text)),
            AuthError::NothingToChange => ApiError::new(Code::NothingToChange),
            AuthError::Missing(_) => ApiError::with(Code::NotFound, sentence(&text)),
            AuthError::Database(error) => error.into(),
            AuthError::Hash(_) => ApiError::internal(error),
        }
    }
}

/// An error's fragment as a sentence.
pub(super) fn sentence(fragment: &str) -> String {
    let mut letters = fragment.chars();
    letters.next().map_or_else(String::new, |first| {
        let first: String = first.to_uppercase().collect();
        format!("{first}{}.", letters.as_str())
    })
}
