//! Packages of plugins by others: where they come from, what is let in, and how one takes the place
//! of another.
//!
//! | module | what it holds |
//! |---|---|
//! | `manifest`, `manifest_tables` | `plugin.toml`, read and checked |
//! | `paths` | paths within a package, which never lead out of it |
//! | `intake` | what all ways into a package have in common: its bounds |
//! | `unpacking`, `folder`, `git`, `download` | the ways: a zip, a folder, a repository, an address |
//! | `address` | which of them an address that somebody typed means |
//! | `web` | requests to public addresses only |
//! | `program` | a program that is ended when it takes too long or too much |
//! | `upload` | an archive that is being sent |
//! | `staging` | a package on its way in, beside those that are installed |
//! | `digest`, `documents` | what is known of a package's content |
//! | `store`, `terms` | installing, updating, removing |
//! | `folders`, `files` | what folders are called, and how they survive a crash |
//! | `locks` | one change at a time for each plugin |
//! | `sweep` | what a kill left behind, cleared at the next start |
//! | `market` | lists of plugins that can be had |
//!
//! **Invariant.** A row of `installed_plugins` is the switch. A package is complete and on the disk
//! before its row names it, and the folder of a row is removed only after the row has gone or names
//! another. So a kill at any moment leaves the old plugin whole or the new one whole.

mod address;
mod digest;
mod documents;
mod download;
mod error;
mod files;
mod folder;
mod folders;
#[cfg(any(fuzzing, test))]
pub mod fuzzed;
mod git;
mod intake;
mod locks;
mod manifest;
mod manifest_tables;
mod market;
mod market_cache;
#[cfg(test)]
mod market_tests;
mod paths;
mod program;
mod staging;
mod store;
#[cfg(test)]
mod store_tests;
mod sweep;
mod terms;
#[cfg(test)]
pub(in crate::plugins) mod test_server;
mod unpacking;
#[cfg(test)]
mod unpacking_tests;
mod upload;
mod web;

pub use address::{PackageOrigin, PackageSource};
pub use documents::PackageDocuments;
pub use error::{PackageError, PackageErrorKind};
pub use git::{GitError, Repositories};
pub use intake::IntakeError;
pub use manifest::{Lane, MANIFEST_FILE, ManifestProblem, PackageManifest, PackagePage};
pub use market::{Compatibility, Market, MarketAnswer, MarketError, MarketState, compatibility};
pub use paths::{PackagePath, PathProblem};
pub use staging::Staged;
pub(in crate::plugins) use staging::look_at;
pub use store::{PackageStore, StoreOptions};
pub use sweep::Swept;
pub(super) use terms::version_is_waived;
pub use terms::{InstallTerms, Installed, InstalledPackage, PackageContent, VersionCheck};
pub use upload::Upload;
pub use web::WebError;
