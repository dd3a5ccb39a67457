//! What can go wrong with the database, each case with its own name.

use std::any::Any;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// What the library or the system said.
type Source = Arc<dyn std::error::Error + Send + Sync>;

/// An error of the database.
///
/// It is `Clone`, because a failed group commit is the answer to every job that was in it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DbError {
    /// Another connection holds a lock and did not let go within the busy timeout.
    #[error("the database is locked by another process; end that process, then try again")]
    Locked(#[source] Source),
    /// The file, or the folder it is in, cannot be written to.
    #[error("the database or its folder is read-only; the gateway needs write access to both")]
    ReadOnly(#[source] Source),
    /// There is no room left on the device.
    #[error("the disk is full; free some space, then try again")]
    Full(#[source] Source),
    /// The file is damaged, or is no SQLite database at all.
    #[error("the database file is corrupt or not a database; restore it from a backup")]
    Corrupt(#[source] Source),
    /// The file is an SQLite database of some other program.
    #[error("the file is a database of another program")]
    Foreign,
    /// The file was written by a newer version of the gateway.
    #[error(
        "the database has schema {found}, this version knows up to {known}; \
         start a newer version, or restore a backup from before the upgrade"
    )]
    NewerSchema {
        /// The schema of the file.
        found: i64,
        /// The newest schema of this program.
        known: i64,
    },
    /// A step of the schema did not apply. The file is as it was before.
    #[error("migration {version} ({name}) did not apply")]
    Migration {
        /// Its number.
        version: i64,
        /// Its name.
        name: &'static str,
        /// What the database said.
        #[source]
        source: Source,
    },
    /// The data folder could not be made or read.
    #[error("the folder {} is not usable", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Arc<io::Error>,
    },
    /// A file beside the database could not be read or written.
    #[error("the file {} is not usable", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Arc<io::Error>,
    },
    /// A value that must be unique is there already.
    #[error("there is already a row with this value: {0}")]
    Taken(#[source] Source),
    /// A row that the statement depends on is not there.
    #[error("no such {what}")]
    Missing {
        /// What was looked for, in plain words.
        what: &'static str,
    },
    /// A stored value is not what this program writes.
    #[error("the stored {what} cannot be read")]
    Stored {
        /// What was read, in plain words.
        what: &'static str,
        /// Why it cannot be read.
        #[source]
        source: Arc<serde_json::Error>,
    },
    /// The job panicked. Nothing of it was written.
    #[error("a database job panicked: {message}")]
    JobPanicked {
        /// What the panic said.
        message: String,
    },
    /// The database has been closed, or is closing.
    #[error("the database is closed")]
    Closed,
    /// Anything else that the database said.
    #[error("the database refused a statement: {0}")]
    Statement(#[source] Source),
}

impl DbError {
    /// An error of the file system, by what the operator can do about it.
    pub(super) fn from_io(path: PathBuf, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly(Arc::new(source))
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Full(Arc::new(source))
            }
            _ => Self::File { path, source: Arc::new(source) },
        }
    }

    pub(super) fn from_panic(panic: &(dyn Any + Send)) -> Self {
        let message = panic
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_owned());
        Self::JobPanicked { message }
    }
}

/// Result codes of SQLite, see <https://sqlite.org/rescode.html>.
mod code {
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const READONLY: i32 = 8;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const FULL: i32 = 13;
    pub(super) const NOT_A_DATABASE: i32 = 26;
    pub(super) const PRIMARY_KEY: i32 = 1_555;
    pub(super) const UNIQUE: i32 = 2_067;
}

/// The case of a result code; the low byte is its class.
fn of_code(result: i32, said: Source) -> DbError {
    match (result, result & 0xff) {
        (code::PRIMARY_KEY | code::UNIQUE, _) => DbError::Taken(said),
        (_, code::BUSY | code::LOCKED) => DbError::Locked(said),
        (_, code::READONLY) => DbError::ReadOnly(said),
        (_, code::FULL) => DbError::Full(said),
        (_, code::CORRUPT | code::NOT_A_DATABASE) => DbError::Corrupt(said),
        _ => DbError::Statement(said),
    }
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::PoolClosed = error {
            return Self::Closed;
        }
        let code = error.as_database_error().and_then(|said| said.code()?.parse().ok());
        of_code(code.unwrap_or(0), Arc::new(error))
    }
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error().map_or(0, |said| said.extended_code);
        of_code(code, Arc::new(error))
    }
}
