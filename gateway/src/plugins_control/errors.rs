//! What an error means to who typed the command.

use firstlight_core::config::ConfigError;
use firstlight_runtime::plugins::{ChangeError, PackageError, PackageErrorKind};

use crate::exit::{Exit, Problem};
use crate::problems;

/// A plugin could not be changed.
pub(super) fn change(error: &ChangeError) -> Problem {
    let advice = match error {
        ChangeError::Package(error) => return package(error),
        ChangeError::Store(error) => return problems::database(error),
        ChangeError::Load(_) => {
            let what = "the plugin does not load";
            let advice = "`firstlight plugin list` and `firstlight plugin logs` say more";
            return Problem::caused(Exit::Plugin, what, error, advice);
        }
        ChangeError::Unknown { .. } => "`firstlight plugin list` prints what there is",
        ChangeError::Reserved { .. } => "leave it as it is",
        ChangeError::Needed { .. } => "disable or remove those first",
        ChangeError::NoOrigin { .. } => "install the new version over it",
    };
    Problem::new(Exit::Usage, error.to_string(), advice)
}

/// A package could not be taken in.
pub(crate) fn package(error: &PackageError) -> Problem {
    let (exit, advice) = match error.kind() {
        PackageErrorKind::Address => (Exit::Usage, "correct the address"),
        PackageErrorKind::Unreachable => (Exit::InputOutput, "try again later"),
        PackageErrorKind::GitMissing => (Exit::InputOutput, "install git, or give a zip archive"),
        PackageErrorKind::Checksum => {
            (Exit::Plugin, "ask its author which is right; do not install it unpinned")
        }
        PackageErrorKind::Invalid => (Exit::Plugin, "correct it, or tell its author"),
        PackageErrorKind::Incompatible => {
            (Exit::Plugin, "update Firstlight or the plugin, or give --ignore-version-check")
        }
        PackageErrorKind::Unknown => (Exit::Usage, "`firstlight plugin list` prints what there is"),
        PackageErrorKind::Storage => (Exit::InputOutput, "check the disk and who may write to it"),
    };
    Problem::new(exit, crate::exit::chain(error), advice)
}

/// The settings of a plugin could not be removed.
pub(super) fn settings(error: &ConfigError) -> Problem {
    match error {
        ConfigError::Database(error) => problems::database(error),
        other => {
            let advice = "remove them in the dashboard";
            let what = "the plugin is removed, its settings are not";
            Problem::caused(Exit::Configuration, what, other, advice)
        }
    }
}
