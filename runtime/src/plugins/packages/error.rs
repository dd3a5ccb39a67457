//! Why a package is not installed, updated or removed.

use std::io;
use std::path::PathBuf;

use firstlight_core::db::DbError;
use firstlight_plugins_api::ManifestError;

use super::git::GitError;
use super::intake::IntakeError;
use super::manifest::{MANIFEST_FILE, ManifestProblem};
use super::web::WebError;

/// Why a package is not installed, updated or removed.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The address is none that a package can be taken from.
    #[error("the address is refused: {reason}")]
    Address {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// It could not be downloaded.
    #[error("the package could not be downloaded: {0}")]
    Download(#[from] WebError),
    /// The repository could not be cloned.
    #[error("the repository could not be cloned: {0}")]
    Git(#[from] GitError),
    /// It is not the archive that was meant.
    #[error("the archive has the SHA-256 {actual}, not the {expected} that was asked for")]
    Checksum {
        /// What was asked for.
        expected: String,
        /// What came.
        actual: String,
    },
    /// Its content is not let in.
    #[error("the package is refused: {0}")]
    Content(#[from] IntakeError),
    /// It has no manifest.
    #[error("there is no {MANIFEST_FILE} in the package")]
    NoManifest,
    /// Its manifest is wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestProblem),
    /// A file that its manifest names is not there.
    #[error("{path} is named in {MANIFEST_FILE}, and not in the package")]
    NoFile {
        /// Which.
        path: String,
    },
    /// It is for another version of Firstlight. The operator may go on all the same.
    #[error(transparent)]
    Incompatible(ManifestError),
    /// It cannot be made ready to run.
    #[error("the plugin cannot be made ready: {0}")]
    Preparation(String),
    /// No plugin of that name is installed.
    #[error("the plugin {name:?} is not installed")]
    Unknown {
        /// The name as asked for.
        name: String,
    },
    /// A file or folder of the gateway's own could not be changed.
    #[error("{} is not usable: {source}", path.display())]
    Files {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The database said no.
    #[error(transparent)]
    Store(#[from] DbError),
}

/// The kinds of [`PackageError`], by what can be done about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageErrorKind {
    /// The address is to be corrected.
    Address,
    /// The far side failed; later may be better.
    Unreachable,
    /// Git is to be installed on the gateway's machine.
    GitMissing,
    /// The archive is another one than was meant.
    Checksum,
    /// The author is to repair the package.
    Invalid,
    /// Another version of the gateway or the plugin is needed.
    Incompatible,
    /// There is no such plugin.
    Unknown,
    /// The gateway's disk or database failed.
    Storage,
}

impl PackageError {
    /// What kind it is.
    pub fn kind(&self) -> PackageErrorKind {
        match self {
            Self::Address { .. } | Self::Download(WebError::Address | WebError::Private) => {
                PackageErrorKind::Address
            }
            Self::Git(GitError::Address | GitError::Private) => PackageErrorKind::Address,
            Self::Git(GitError::Missing) => PackageErrorKind::GitMissing,
            Self::Download(_) | Self::Git(_) => PackageErrorKind::Unreachable,
            Self::Checksum { .. } => PackageErrorKind::Checksum,
            Self::Content(IntakeError::Write { .. }) | Self::Files { .. } | Self::Store(_) => {
                PackageErrorKind::Storage
            }
            Self::Content(_)
            | Self::NoManifest
            | Self::Manifest(_)
            | Self::NoFile { .. }
            | Self::Preparation(_) => PackageErrorKind::Invalid,
            Self::Incompatible(_) => PackageErrorKind::Incompatible,
            Self::Unknown { .. } => PackageErrorKind::Unknown,
        }
    }
}
