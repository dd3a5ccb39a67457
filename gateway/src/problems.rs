//! What the errors of the core phase mean to the person who started the process.

use firstlight_core::bus::BusError;
use firstlight_core::config::ConfigError;
use firstlight_core::db::DbError;
use firstlight_core::settings::LockError;

use crate::auth::AuthError;
use crate::dead_letters::LetterError;
use crate::exit::{Exit, Problem, chain};

/// The data folder could not be locked.
pub(crate) fn locking(error: &LockError) -> Problem {
    match error {
        LockError::Held { folder, pid, name } => {
            let who = match (name, pid) {
                (Some(name), Some(pid)) => format!("{name} (pid {pid})"),
                _ => "another process".to_owned(),
            };
            Problem::new(
                Exit::Locked,
                format!("the data folder {} is in use by {who}", folder.display()),
                "end that process first, or choose another folder with --data-dir",
            )
        }
        LockError::Unusable { .. } => Problem::caused(
            Exit::Folder,
            "the data folder could not be made or locked",
            error,
            "give this user read and write access to it, or choose another one with --data-dir",
        ),
    }
}

/// The database could not be opened or used.
pub(crate) fn database(error: &DbError) -> Problem {
    let (exit, advice) = match error {
        DbError::Locked(_) => (Exit::Locked, "end the other process that has the file open"),
        DbError::ReadOnly(_) => {
            (Exit::InputOutput, "give this user write access to the data folder and its files")
        }
        DbError::Full(_) => (Exit::InputOutput, "free some space on the disk of the data folder"),
        DbError::Corrupt(_) => (Exit::Database, "restore the database from a backup"),
        DbError::Foreign => (Exit::Database, "name another file with FIRSTLIGHT_DATABASE"),
        DbError::NewerSchema { .. } => {
            (Exit::Database, "start the newer version, or restore a backup from before the upgrade")
        }
        DbError::Migration { .. } => {
            (Exit::Database, "report it; the data is as it was, the older version can use it")
        }
        DbError::Folder { .. } => {
            (Exit::Folder, "give this user access to it, or choose another one with --data-dir")
        }
        DbError::File { .. } => (Exit::InputOutput, "check the disk and who may access the file"),
        _ => (Exit::Internal, "look into the log, and report it"),
    };
    // The texts of these errors carry advice of their own, behind a semicolon.
    let text = chain(error);
    let text = text.split("; ").next().unwrap_or(&text);
    Problem::new(exit, format!("the database could not be used ({text})"), advice)
}

/// The configuration documents could not be read or made.
pub(crate) fn configuration(error: &ConfigError) -> Problem {
    match error {
        ConfigError::Database(error) => database(error),
        other => Problem::caused(
            Exit::Configuration,
            "the configuration documents could not be read",
            other,
            "roll the document back to an earlier revision",
        ),
    }
}

/// Accounts could not be read or changed.
pub(crate) fn accounts(error: &AuthError) -> Problem {
    match error {
        AuthError::Database(error) => database(error),
        AuthError::PasswordTooShort { .. }
        | AuthError::PasswordTooLong { .. }
        | AuthError::NameRefused
        | AuthError::NameTaken => {
            Problem::caused(Exit::Usage, "the account was not changed", error, "choose another one")
        }
        other => {
            Problem::caused(Exit::Internal, "the accounts could not be used", other, "report it")
        }
    }
}

/// A dead letter could not be worked with.
pub(crate) fn dead_letters(error: &LetterError) -> Problem {
    let advice = match error {
        LetterError::Bus(BusError::Database(error)) => return database(error),
        LetterError::Bus(BusError::NoSuchRow { .. }) => "`dead-letters list` prints what there is",
        LetterError::Bus(_) => "read it again with `dead-letters show`",
        LetterError::Unreadable(_) => "send the payload that `dead-letters show` prints, edited",
        LetterError::Elsewhere => "leave the session of the message as it is",
    };
    let what = "the dead letter could not be worked with";
    Problem::caused(Exit::Usage, what, error, advice)
}
