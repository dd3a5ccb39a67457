//! What can go wrong with the database, each case with its own name.

use std::any::Any;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// An error of the database.
///
/// It is `Clone`, because a failed group commit is the answer to every job that was in it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DbError {
    /// Another connection holds a lock and did not let go within the busy timeout.
    #[error("the database is locked by another process; end that process, then try again")]
    Locked(#[source] Arc<sqlx::Error>),
    /// The file, or the folder it is in, cannot be written to.
    #[error("the database or its folder is read-only; the gateway needs write access to both")]
    ReadOnly(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// There is no room left on the device.
    #[error("the disk is full; free some space, then try again")]
    Full(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The file is damaged, or is no SQLite database at all.
    #[error("the database file is corrupt or not a database; restore it from a backup")]
    Corrupt(#[source] Arc<sqlx::Error>),
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
        source: Arc<sqlx::Error>,
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
    Taken(#[source] Arc<sqlx::Error>),
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
    Statement(#[source] Arc<sqlx::Error>),
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
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::PoolClosed = error {
            return Self::Closed;
        }
        let Some(said) = error.as_database_error() else {
            return Self::Statement(Arc::new(error));
        };
        if said.is_unique_violation() {
            return Self::Taken(Arc::new(error));
        }
        // The low byte is the class, the rest says which of its cases.
        let class = said.code().and_then(|code| code.parse::<i32>().ok()).unwrap_or(0) & 0xff;
        match class {
            code::BUSY | code::LOCKED => Self::Locked(Arc::new(error)),
            code::READONLY => Self::ReadOnly(Arc::new(error)),
            code::FULL => Self::Full(Arc::new(error)),
            code::CORRUPT | code::NOT_A_DATABASE => Self::Corrupt(Arc::new(error)),
            _ => Self::Statement(Arc::new(error)),
        }
    }
}
