//! What is said when a package is installed, and what is answered.

use std::path::PathBuf;

use firstlight_core::db::{InstalledPlugin, NewInstalledPlugin};
use firstlight_plugins_api::Capabilities;
use serde_json::{Value, json};

use super::address::PackageOrigin;
use super::error::PackageError;
use super::folders::package_folder;
use super::manifest::PackageManifest;
use super::staging::Staged;
use crate::plugins::budgets::LaneKind;

/// The member of a row's source that says so: see [`version_is_waived`].
const WAIVED: &str = "version-waived";

/// Under which terms a package is installed.
#[derive(Debug, Clone)]
pub struct InstallTerms {
    /// What the operator allows it. For an update this counts nothing: what the operator allowed
    /// before stays, and nothing is added.
    pub grants: Capabilities,
    /// Where it came from; usually [`Staged::origin`].
    pub source: PackageOrigin,
    /// Whether the range of versions that it says counts.
    pub version_check: VersionCheck,
}

/// Whether the range of Firstlight versions of a package counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionCheck {
    /// A package for other versions is refused.
    Required,
    /// The operator wants it all the same.
    Waived,
}

/// A package that was installed.
#[derive(Debug, Clone, PartialEq)]
pub struct Installed {
    /// Its row.
    pub row: InstalledPlugin,
    /// The folder that holds it.
    pub folder: PathBuf,
    /// What it took the place of.
    pub former: Option<InstalledPlugin>,
    /// What it asks for and was not granted. After an update that is also what is new in it.
    pub not_granted: Capabilities,
}

/// A package that a row names.
#[derive(Debug)]
pub struct InstalledPackage {
    /// The row.
    pub row: InstalledPlugin,
    /// The folder that holds it, or should.
    pub folder: PathBuf,
    /// What is in the folder.
    pub content: PackageContent,
}

/// What is in the folder of an installed package.
#[derive(Debug)]
pub enum PackageContent {
    /// The package.
    Whole(Box<PackageManifest>),
    /// Nothing: there is no such folder.
    Missing,
    /// Something that cannot be read.
    Broken(PackageError),
}

/// What a row says is granted; nothing when it says nothing that is understood.
pub(super) fn granted(grants: &Value) -> Capabilities {
    serde_json::from_value(grants.clone()).unwrap_or_default()
}

/// Where it came from, and that the operator wants it in spite of the versions that it says.
fn source(terms: &InstallTerms) -> Value {
    let mut source = json!(terms.source);
    if let (VersionCheck::Waived, Some(members)) = (terms.version_check, source.as_object_mut()) {
        members.insert(WAIVED.to_owned(), Value::Bool(true));
    }
    source
}

/// Whether the operator wants a plugin in spite of the versions that it says.
pub(in crate::plugins) fn version_is_waived(source: &Value) -> bool {
    source.get(WAIVED).and_then(Value::as_bool).unwrap_or_default()
}

pub(super) fn new_row(staged: &Staged, terms: &InstallTerms) -> NewInstalledPlugin {
    let manifest = staged.manifest();
    let lane = match manifest.lane_kind() {
        LaneKind::Component => "component",
        LaneKind::Process => "process",
    };
    NewInstalledPlugin {
        name: manifest.name.clone(),
        folder: package_folder(&manifest.name, staged.digest()),
        version: manifest.version.to_string(),
        lane: lane.to_owned(),
        digest: staged.digest().to_owned(),
        source: source(terms),
    }
}
