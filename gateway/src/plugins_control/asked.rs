//! What is asked.

use std::path::PathBuf;

use firstlight_runtime::plugins::{PackageError, PackageSource};
use firstlight_runtime::plugins_api::Capabilities;
use serde::{Deserialize, Serialize};

/// What is asked of the installed plugins.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum Asked {
    /// All of them: a list of [`Listed`](super::Listed).
    List,
    /// What a package is and asks for; nothing is installed: [`Looked`](super::Looked).
    Look { source: Source },
    /// Installs what was looked at: [`Changed`](super::Changed).
    Install {
        source: Source,
        /// What was looked at; something else is refused.
        digest: String,
        /// What it is allowed. `None`: what it was allowed before, or nothing.
        grants: Option<Capabilities>,
        /// Whether a package for other versions is taken.
        any_version: bool,
    },
    /// Removes one: [`Changed`](super::Changed).
    Remove { name: String, settings: bool, data: bool },
    /// Has one loaded: [`Changed`](super::Changed).
    Enable { name: String },
    /// Has one not loaded any more: [`Changed`](super::Changed).
    Disable { name: String },
    /// The last lines of a log: [`Log`](super::Log).
    Logs { name: String },
    /// What can be seen of each: a list of [`Doctored`](super::Doctored).
    Examine,
}

/// Where a package is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    /// A folder, as an absolute path.
    Folder(PathBuf),
    /// A zip archive, as an absolute path.
    Archive(PathBuf),
    /// A web address of an archive or a repository.
    Address { url: String, sha256: Option<String> },
}

impl Source {
    /// As it is taken in.
    pub(super) fn package(self) -> Result<PackageSource, PackageError> {
        Ok(match self {
            Self::Folder(path) => PackageSource::Folder { path },
            Self::Archive(path) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                PackageSource::Archive { path, name }
            }
            Self::Address { url, sha256 } => PackageSource::of_address(&url, sha256.as_deref())?,
        })
    }
}
