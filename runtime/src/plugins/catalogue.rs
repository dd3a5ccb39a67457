//! The plugins that can be loaded: those of the program, and those that are installed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use firstlight_plugins_api::{Level, Manifest, Version};
use parking_lot::RwLock;
use serde_json::Value;

use super::budgets::AskedBudgets;
use super::erased::{Origin, Registration};
use super::installed::{Installed, Place};
use super::packages::{
    InstalledPackage, Lane, PackageContent, PackageDocuments, PackageManifest, version_is_waived,
};
use super::settings_form::SettingsForm;

/// What a plugin says of its settings when it brings no form: a JSON Schema, kept beside its code
/// when it was installed.
pub(super) const SCHEMA_FILE: &str = ".settings.schema.json";

/// The plugins that can be loaded, by name.
pub(super) struct Catalogue {
    compiled_in: Vec<Registration>,
    installed: RwLock<BTreeMap<String, Entry>>,
}

/// An installed plugin, as far as it can be read.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) registration: Registration,
    pub(super) form: Option<Arc<SettingsForm>>,
    /// Its row and, where its package is whole, its manifest.
    pub(super) package: Arc<Package>,
}

/// What is known of an installed package.
pub(super) struct Package {
    pub(super) row: firstlight_core::db::InstalledPlugin,
    pub(super) folder: std::path::PathBuf,
    pub(super) manifest: Option<PackageManifest>,
    pub(super) documents: PackageDocuments,
}

impl Catalogue {
    pub(super) fn new(compiled_in: Vec<Registration>) -> Self {
        Self { compiled_in, installed: RwLock::default() }
    }

    /// All of them. One of the program goes before an installed one of its name.
    pub(super) fn all(&self) -> Vec<Registration> {
        let installed = self.installed.read();
        let installed = installed.values().map(|entry| entry.registration.clone());
        self.compiled_in.iter().cloned().chain(installed).collect()
    }

    pub(super) fn find(&self, name: &str) -> Option<Registration> {
        let own = self.compiled_in.iter().find(|own| own.manifest.name == name);
        own.cloned().or_else(|| self.entry(name).map(|entry| entry.registration))
    }

    /// How many have that name.
    pub(super) fn count(&self, name: &str) -> usize {
        let own = self.compiled_in.iter().filter(|own| own.manifest.name == name).count();
        own + usize::from(self.installed.read().contains_key(name))
    }

    pub(super) fn is_compiled_in(&self, name: &str) -> bool {
        self.compiled_in.iter().any(|own| own.manifest.name == name)
    }

    pub(super) fn entry(&self, name: &str) -> Option<Entry> {
        self.installed.read().get(name).cloned()
    }

    /// Forgets what is installed.
    pub(super) fn clear(&self) {
        self.installed.write().clear();
    }

    pub(super) fn put(&self, entry: Entry) {
        self.installed.write().insert(entry.registration.manifest.name.clone(), entry);
    }

    /// Whether anything that is installed was read.
    pub(super) fn has_installed(&self) -> bool {
        !self.installed.read().is_empty()
    }

    pub(super) fn put_if_absent(&self, entry: Entry) {
        let name = entry.registration.manifest.name.clone();
        self.installed.write().entry(name).or_insert(entry);
    }

    pub(super) fn remove(&self, name: &str) {
        self.installed.write().remove(name);
    }
}

impl Entry {
    /// Reads an installed package. Blocks. One that cannot be used is an entry all the same, which
    /// fails when it is loaded and can be uninstalled.
    pub(super) fn of(package: InstalledPackage) -> Self {
        let InstalledPackage { row, folder, content } = package;
        let documents = PackageDocuments::read(&folder);
        let manifest = match content {
            PackageContent::Whole(manifest) => *manifest,
            PackageContent::Missing => {
                return Self::unusable(row, folder, "the folder of its package is gone".to_owned());
            }
            PackageContent::Broken(error) => {
                return Self::unusable(row, folder, error.to_string());
            }
        };
        let form = match form_of(&documents) {
            Ok(form) => form.map(Arc::new),
            Err(reason) => return Self::unusable(row, folder, reason),
        };
        let settings_schema =
            form.as_ref().map_or_else(|| said_schema(&folder), |form| Some(form.schema()));
        let lane = manifest.lane_kind();
        let given: AskedBudgets = serde_json::from_value(row.budgets.clone()).unwrap_or_default();
        let installed = Installed {
            place: match &manifest.lane {
                Lane::Component { file } => Place::Component(file.below(&folder)),
                Lane::Process { command } => Place::Process(command.clone()),
            },
            // What cannot be read grants nothing.
            grants: serde_json::from_value(row.grants.clone()).unwrap_or_default(),
            budgets: manifest.budgets.with(&given, lane),
            level: row.log_level.as_deref().and_then(level),
            folder: folder.clone(),
        };
        let mut known = manifest.manifest();
        if version_is_waived(&row.source) {
            known.firstlight = None;
        }
        let registration = Registration {
            manifest: known,
            settings_schema,
            origin: Origin::Installed(Arc::new(installed)),
        };
        let package = Package { row, folder, manifest: Some(manifest), documents };
        Self { registration, form, package: Arc::new(package) }
    }

    fn unusable(
        row: firstlight_core::db::InstalledPlugin,
        folder: std::path::PathBuf,
        reason: String,
    ) -> Self {
        let version = Version::parse(&row.version).unwrap_or_else(|_| Version::new(0, 0, 0));
        let registration = Registration {
            manifest: Manifest::new(&row.name, version),
            settings_schema: None,
            origin: Origin::Unusable(reason),
        };
        let documents = PackageDocuments::default();
        let package = Package { row, folder, manifest: None, documents };
        Self { registration, form: None, package: Arc::new(package) }
    }
}

/// The form that a package brings. Blocks.
pub(super) fn form_of(documents: &PackageDocuments) -> Result<Option<SettingsForm>, String> {
    let Some(path) = &documents.settings else { return Ok(None) };
    let text = std::fs::read_to_string(path).map_err(|error| format!("settings.json: {error}"))?;
    SettingsForm::parse(&text).map(Some).map_err(|error| format!("settings.json: {error}"))
}

fn said_schema(folder: &Path) -> Option<Value> {
    serde_json::from_slice(&std::fs::read(folder.join(SCHEMA_FILE)).ok()?).ok()
}

/// A level by its name in the database.
pub(super) fn level(name: &str) -> Option<Level> {
    serde_json::from_value(Value::String(name.to_owned())).ok()
}

/// In which order plugins are loaded: each wave needs only what the waves before it hold. Those that
/// need each other, or something that is not there, come last, and say so when they are loaded.
pub(super) fn waves(registrations: Vec<Registration>) -> Vec<Vec<Registration>> {
    let (mut waves, mut left, mut loaded) = (Vec::new(), registrations, BTreeSet::new());
    while !left.is_empty() {
        let (ready, waiting): (Vec<_>, Vec<_>) = left.into_iter().partition(|registration| {
            let mut needed = registration.manifest.dependencies.keys();
            needed.all(|name| loaded.contains(name))
        });
        if ready.is_empty() {
            waves.push(waiting);
            break;
        }
        loaded.extend(ready.iter().map(|registration| registration.manifest.name.clone()));
        waves.push(ready);
        left = waiting;
    }
    waves
}

#[cfg(test)]
mod tests {
    use firstlight_plugins_api::VersionReq;

    use super::*;

    fn registration(name: &str, needs: &[&str]) -> Registration {
        let mut manifest = Manifest::new(name, Version::new(1, 0, 0));
        manifest.dependencies =
            needs.iter().map(|need| ((*need).to_owned(), VersionReq::STAR)).collect();
        let origin = Origin::Unusable(String::new());
        Registration { manifest, settings_schema: None, origin }
    }

    fn names(waves: &[Vec<Registration>]) -> Vec<Vec<&str>> {
        let name = |registration: &Registration| registration.manifest.name.clone();
        let wave = |wave: &Vec<Registration>| wave.iter().map(name).collect::<Vec<_>>();
        let waves: Vec<Vec<String>> = waves.iter().map(wave).collect();
        waves.into_iter().map(|wave| wave.into_iter().map(|n| &*n.leak()).collect()).collect()
    }

    #[test]
    fn what_is_needed_is_loaded_before_and_a_circle_comes_last() {
        let all = vec![
            registration("c", &["b", "a"]),
            registration("b", &["a"]),
            registration("a", &[]),
            registration("x", &["y"]),
            registration("y", &["x"]),
            registration("z", &["nowhere"]),
        ];
        let expected = vec![vec!["a"], vec!["b"], vec!["c"], vec!["x", "y", "z"]];
        assert_eq!(names(&waves(all)), expected);
        assert!(waves(Vec::new()).is_empty());
    }
}
