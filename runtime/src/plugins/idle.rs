//! What can be done with installed plugins while there is no runtime, besides installing them, and
//! what is seen of each then.

use std::path::PathBuf;

use firstlight_plugins_api::Capabilities;

use super::budgets::LaneKind;
use super::changes::ChangeError;
use super::packages::{Lane, PackageContent, PackageError, PackageManifest};
use super::sources::PluginSources;

/// How what is on the disk of an installed plugin is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The package is whole.
    Whole,
    /// It is not, for that reason.
    Broken(String),
}

/// What is seen of an installed plugin without running it.
#[derive(Debug, Clone)]
pub struct PluginCondition {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub folder: PathBuf,
    /// How its package is.
    pub condition: Condition,
    /// What it may, of what it asks for.
    pub granted: Capabilities,
    /// Its manifest, where it can be read.
    pub manifest: Option<PackageManifest>,
    /// Whether it is to be loaded.
    pub active: bool,
    /// Whether its component is compiled already; `None`: it is none, or cannot be read.
    pub compiled: Option<bool>,
}

impl PluginSources {
    /// Has a plugin loaded by the next start.
    pub async fn enable_idle(&self, name: &str) -> Result<(), ChangeError> {
        self.known(name)?;
        Ok(self.set_aside(name, false).await?)
    }

    /// Has a plugin not loaded any more.
    pub async fn disable_idle(&self, name: &str) -> Result<(), ChangeError> {
        if self.known(name)? {
            return Err(ChangeError::Reserved { name: name.to_owned() });
        }
        let needs =
            |other: &&super::erased::Registration| other.manifest().dependencies.contains_key(name);
        let by: Vec<String> =
            self.active().iter().filter(needs).map(|other| other.manifest().name.clone()).collect();
        if !by.is_empty() {
            return Err(ChangeError::Needed { name: name.to_owned(), by });
        }
        self.set_aside(name, true).await?;
        self.forget_failure(name);
        Ok(())
    }

    /// Whether a plugin that there is must not be disabled.
    fn known(&self, name: &str) -> Result<bool, ChangeError> {
        let found = self.catalogue().find(name);
        let found = found.ok_or_else(|| ChangeError::Unknown { name: name.to_owned() })?;
        Ok(found.manifest().reserved)
    }

    /// All installed plugins as they are on the disk, by name.
    pub async fn conditions(&self) -> Result<Vec<PluginCondition>, ChangeError> {
        let packages = self.packages().list().await?;
        let compiled = self.shared().database().plugin_code().all().await?;
        let keys: Vec<String> = compiled.into_iter().map(|code| code.key).collect();
        let look = move || {
            packages.into_iter().map(|package| PluginCondition::of(package, &keys)).collect()
        };
        let looked: Vec<PluginCondition> = tokio::task::spawn_blocking(look)
            .await
            .map_err(|error| PackageError::Preparation(error.to_string()))?;
        let with_activity = |condition: PluginCondition| PluginCondition {
            active: !self.is_aside(&condition.name),
            ..condition
        };
        Ok(looked.into_iter().map(with_activity).collect())
    }
}

impl PluginCondition {
    /// Blocks.
    fn of(package: super::packages::InstalledPackage, compiled: &[String]) -> Self {
        let (manifest, condition) = match package.content {
            PackageContent::Whole(manifest) => (Some(*manifest), Condition::Whole),
            PackageContent::Missing => {
                (None, Condition::Broken("the folder of its package is gone".to_owned()))
            }
            PackageContent::Broken(error) => (None, Condition::Broken(error.to_string())),
        };
        let file = manifest.as_ref().and_then(|manifest| match &manifest.lane {
            Lane::Component { file } => Some(file.below(&package.folder)),
            Lane::Process { .. } => None,
        });
        let digest = file.and_then(|file| {
            let mut hasher = blake3::Hasher::new();
            hasher.update_reader(std::fs::File::open(file).ok()?).ok()?;
            Some(hasher.finalize().to_hex().to_string())
        });
        Self {
            name: package.row.name,
            folder: package.folder,
            condition,
            granted: serde_json::from_value(package.row.grants).unwrap_or_default(),
            manifest,
            active: true,
            // The key of what is compiled begins with the digest of what it was compiled from.
            compiled: digest.map(|digest| compiled.iter().any(|key| key.starts_with(&digest))),
        }
    }

    /// What it asks for and was not granted.
    pub fn not_granted(&self) -> Capabilities {
        let asked = self.manifest.as_ref().map(|manifest| manifest.capabilities.clone());
        asked.unwrap_or_default().without(&self.granted)
    }

    /// In which lane it lives.
    pub fn lane(&self) -> Option<LaneKind> {
        self.manifest.as_ref().map(PackageManifest::lane_kind)
    }
}
