//! The plugins that can be loaded, and what became of those that could not. Lives as long as the
//! process, so that the recovery rows work while no runtime exists.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use firstlight_core::db::{DbError, RemovedData};
use firstlight_plugins_api::matching::check;
use firstlight_plugins_api::{Host, Level, Manifest, Version};
use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::json;
use tokio_util::task::TaskTracker;

use super::call::{PluginCallError, bounded, declared};
use super::catalogue::{Catalogue, Entry};
use super::changes::ChangeError;
use super::erased::{Loaded, Origin, Registration};
use super::failed::{FailedPlugin, FailedPlugins};
use super::health::Health;
use super::host::{HostFoundation, PluginHost, Shared, Terms};
use super::installed::Installed;
use super::lanes::HostLine;
use super::live::{Farewell, LivePlugin};
use super::packages::{Market, PackageError, PackageStore, StoreOptions};
use super::progress::{Change, Progress};
use super::registry::ReloadError;

/// How long a plugin may take to load.
const LOAD_LIMIT: Duration = Duration::from_secs(30);
/// Where the names of plugins that the operator set aside are kept (reference 5.2).
const SET_ASIDE: (&str, &str, &str) = ("global", "global", "inactivated_plugins");

/// The plugins that can be loaded; cheap to clone.
#[derive(Clone)]
pub struct PluginSources(Arc<Inner>);

struct Inner {
    catalogue: Catalogue,
    packages: PackageStore,
    market: Market,
    progress: Progress,
    shared: Arc<Shared>,
    failed: FailedPlugins,
    set_aside: Mutex<BTreeSet<String>>,
}

/// Why a failed plugin could not be removed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveFailedError {
    /// It is not among the failed plugins.
    #[error("the plugin {name:?} is not among the failed ones")]
    NotFailed {
        /// The name as asked for.
        name: String,
    },
    /// It is part of the gateway.
    #[error("the plugin {name:?} is part of the gateway and cannot be removed")]
    Reserved {
        /// The plugin.
        name: String,
    },
    /// It could not be uninstalled.
    #[error(transparent)]
    Change(Box<ChangeError>),
    /// The decision could not be stored.
    #[error("the removal could not be stored")]
    Store(#[from] DbError),
}

impl PluginSources {
    /// Reads which plugins were set aside. What is installed is read later:
    /// [`Self::read_installed`].
    pub async fn open(
        registrations: Vec<Registration>,
        host: HostFoundation,
    ) -> Result<Self, DbError> {
        let (scope, scope_id, key) = SET_ASIDE;
        let stored = host.database.preferences().load(scope, scope_id, key).await?;
        for registration in &registrations {
            if let Some(schema) = &registration.settings_schema {
                host.config.set_plugin_schema(&registration.manifest.name, schema.clone());
            }
        }
        let names = stored.and_then(|value| serde_json::from_value(value).ok());
        let set_aside = names.unwrap_or_default();
        let (folder, database) = (host.folder.join("plugins"), host.database.clone());
        let options = StoreOptions::default();
        let packages = PackageStore::new(folder.clone(), database.clone(), options);
        let market = Market::new(folder.join(".market"), database, Vec::new(), Vec::new());
        Ok(Self(Arc::new(Inner {
            catalogue: Catalogue::new(registrations),
            packages,
            market,
            progress: Progress::default(),
            shared: Arc::new(Shared::open(host).await?),
            failed: FailedPlugins::default(),
            set_aside: Mutex::new(set_aside),
        })))
    }

    /// Clears away what a kill left of installing a plugin, and reads which are installed. For the
    /// start of a runtime: it reads files of others, which may be many.
    pub async fn read_installed(&self) -> Result<(), PackageError> {
        self.0.packages.sweep().await?;
        self.0.catalogue.clear();
        let packages = self.0.packages.list().await?;
        let read =
            tokio::task::spawn_blocking(|| packages.into_iter().map(Entry::of).collect::<Vec<_>>());
        let entries = read.await.map_err(|e| PackageError::Preparation(e.to_string()))?;
        for entry in entries {
            self.adopt(&entry);
            self.0.catalogue.put(entry);
        }
        Ok(())
    }

    /// Tells whoever saves and shows settings what those of a plugin look like.
    pub(super) fn adopt(&self, entry: &Entry) {
        let name = &entry.registration.manifest.name;
        // Of a plugin that says nothing of its settings, all of them are masked.
        if let Some(schema) = &entry.registration.settings_schema {
            self.0.shared.config().set_plugin_schema(name, schema.clone());
        }
        match &entry.form {
            Some(form) => self.0.shared.set_form(name, Arc::clone(form)),
            None => self.0.shared.forget_form(name),
        }
    }

    pub(super) fn catalogue(&self) -> &Catalogue {
        &self.0.catalogue
    }

    /// The installed packages.
    pub fn packages(&self) -> &PackageStore {
        &self.0.packages
    }

    /// Lists of plugins that can be had.
    pub fn market(&self) -> &Market {
        &self.0.market
    }

    pub(super) fn progress(&self) -> &Progress {
        &self.0.progress
    }

    /// How far changes of plugins have come, by plugin.
    pub fn changes(&self) -> BTreeMap<String, Change> {
        self.0.progress.list()
    }

    pub(super) fn forget_failure(&self, name: &str) {
        self.0.failed.forget(name);
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }

    /// The failed plugins, by name.
    pub fn failed(&self) -> BTreeMap<String, FailedPlugin> {
        self.0.failed.list()
    }

    /// Whether there is a plugin of that name, loaded or not.
    pub fn knows(&self, name: &str) -> bool {
        self.0.catalogue.find(name).is_some()
    }

    /// Tries a failed plugin again while no runtime exists: it is loaded, unloaded, and on success
    /// taken off the list, so that the next bootstrap loads it.
    pub async fn probe_failed(&self, name: &str) -> Result<(), ReloadError> {
        let registration = self.failed_registration(name)?;
        let live = self
            .load(&registration, &|name| self.registered(name))
            .await
            .map_err(|source| ReloadError::Load { name: name.to_owned(), source })?;
        live.unload(Farewell::AtOnce).await;
        Ok(())
    }

    /// The version of a plugin that would be loaded.
    fn registered(&self, name: &str) -> Option<Version> {
        self.registration(name).map(|registration| registration.manifest.version)
    }

    /// The registration of a plugin that is on the list of failed ones.
    pub(super) fn failed_registration(&self, name: &str) -> Result<Registration, ReloadError> {
        let unknown = || ReloadError::Unknown { name: name.to_owned() };
        self.0.failed.find(name).ok_or_else(unknown)?;
        self.registration(name).ok_or_else(unknown)
    }

    /// Takes a failed plugin off the list for good: the next bootstrap does not load it. A
    /// compiled-in plugin stays in the binary, so this is remembered in the database.
    pub async fn remove_failed(
        &self,
        name: &str,
        delete_data: bool,
    ) -> Result<(), RemoveFailedError> {
        let failed = self
            .0
            .failed
            .find(name)
            .ok_or_else(|| RemoveFailedError::NotFailed { name: name.to_owned() })?;
        if failed.manifest.reserved {
            return Err(RemoveFailedError::Reserved { name: name.to_owned() });
        }
        if self.0.catalogue.entry(name).is_some() {
            let data = if delete_data { RemovedData::Deleted } else { RemovedData::Kept };
            let removed = self.uninstall_idle(name, data).await;
            return removed.map_err(|error| RemoveFailedError::Change(Box::new(error)));
        }
        self.set_aside(name, true).await?;
        if delete_data {
            self.0.shared.database().plugin_values().forget_plugin(name).await?;
            self.0.shared.waits.forget_plugin(name);
        }
        self.0.failed.forget(name);
        tracing::info!(plugin = name, "failed plugin removed");
        Ok(())
    }

    /// Remembers whether a plugin is set aside: it is not loaded then.
    pub(super) async fn set_aside(&self, name: &str, aside: bool) -> Result<(), DbError> {
        let names = {
            let mut names = self.0.set_aside.lock().clone();
            let changed = if aside { names.insert(name.to_owned()) } else { names.remove(name) };
            if !changed {
                return Ok(());
            }
            names
        };
        let (scope, scope_id, key) = SET_ASIDE;
        let database = self.0.shared.database();
        database.preferences().store(scope, scope_id, key, json!(names)).await?;
        *self.0.set_aside.lock() = names;
        Ok(())
    }

    /// Whether a plugin is set aside.
    pub(super) fn is_aside(&self, name: &str) -> bool {
        self.0.set_aside.lock().contains(name)
    }

    /// The plugins that a bootstrap loads.
    pub(super) fn active(&self) -> Vec<Registration> {
        let set_aside = self.0.set_aside.lock().clone();
        let mut active = self.0.catalogue.all();
        active.retain(|registration| !set_aside.contains(&registration.manifest.name));
        active
    }

    pub(super) fn registration(&self, name: &str) -> Option<Registration> {
        self.0.catalogue.find(name).filter(|_| !self.is_aside(name))
    }

    /// Loads one plugin and keeps the record of failed ones true either way.
    /// `loaded` are the plugins that it may need.
    pub(super) async fn load(
        &self,
        registration: &Registration,
        loaded: &(dyn Fn(&str) -> Option<Version> + Sync),
    ) -> Result<LivePlugin, PluginCallError> {
        let terms = registration.terms();
        let result = match needs(&registration.manifest, loaded) {
            Ok(()) => self.try_load(registration, Arc::clone(&terms)).await,
            Err(error) => Err(error),
        };
        let name = &registration.manifest.name;
        match &result {
            Ok(_) => drop(self.0.failed.forget(name)),
            Err(error) => {
                tracing::warn!(plugin = %name, %error, "a plugin did not load");
                let log = terms.log.tail().lines();
                self.0.failed.record(&registration.manifest, error, log);
            }
        }
        result
    }

    async fn try_load(
        &self,
        registration: &Registration,
        terms: Arc<Terms>,
    ) -> Result<LivePlugin, PluginCallError> {
        let manifest = registration.manifest.clone();
        manifest.check(&running_version())?;
        if self.0.catalogue.count(&manifest.name) > 1 {
            return Err(PluginCallError::Duplicate { name: manifest.name });
        }
        let shared = Arc::clone(&self.0.shared);
        let host = PluginHost::new(&manifest.name, shared, Arc::clone(&terms));
        let host = Host::new(Arc::new(host));
        let Loaded { plugin, lane, withheld } = self.bring_up(registration, host, &terms).await?;
        for route in declared("routes", || plugin.routes())? {
            let path = route.path;
            if !path.starts_with('/') || path.contains("..") || path.contains("//") {
                return Err(PluginCallError::Route { path });
            }
        }
        let handlers = declared("handlers", || plugin.handlers())?;
        check(&handlers)?;
        let hooks = declared("hooks", || plugin.hooks())?;
        for text in &withheld {
            terms.log.write(Level::Warn, text);
        }
        Ok(LivePlugin {
            health: Health::new(&manifest.name),
            loaded_at: Timestamp::now(),
            calls: TaskTracker::new(),
            manifest,
            plugin,
            handlers,
            hooks,
            terms,
            lane,
            withheld,
        })
    }

    async fn bring_up(
        &self,
        registration: &Registration,
        host: Host,
        terms: &Arc<Terms>,
    ) -> Result<Loaded, PluginCallError> {
        let installed = match &registration.origin {
            Origin::CompiledIn(load) => {
                let plugin = bounded("load", LOAD_LIMIT, load(host)).await?;
                return Ok(Loaded { plugin, lane: None, withheld: Vec::new() });
            }
            Origin::Unusable(reason) => {
                return Err(PluginCallError::Refused { reason: reason.clone() });
            }
            Origin::Installed(installed) => installed,
        };
        let (name, settings) = (&registration.manifest.name, host.raw_settings());
        let host = HostLine::new(host, Arc::clone(terms));
        // Compiling has a limit of its own: it is done once, and may take longer than a start may.
        let lane = installed.open(name, &self.0.shared, host).await?;
        let granted = terms.granted();
        let load = Installed::load(Arc::clone(&lane), settings, &granted);
        let loaded = bounded("load", LOAD_LIMIT, load).await;
        if loaded.is_err() {
            lane.end().await;
        }
        loaded
    }
}

/// Whether what a plugin needs is loaded, in a version that will do.
fn needs(
    manifest: &Manifest,
    loaded: &(dyn Fn(&str) -> Option<Version> + Sync),
) -> Result<(), PluginCallError> {
    for (name, wanted) in &manifest.dependencies {
        let reason = match loaded(name) {
            Some(version) if wanted.matches(&version) => continue,
            Some(version) => format!("it needs the plugin {name} {wanted}, {version} is loaded"),
            None => format!("it needs the plugin {name} {wanted}, which is not loaded"),
        };
        return Err(PluginCallError::Refused { reason });
    }
    Ok(())
}

pub(super) fn running_version() -> Version {
    // The package version is well-formed: Cargo refuses any other.
    Version::parse(env!("CARGO_PKG_VERSION")).unwrap_or_else(|_| Version::new(0, 0, 0))
}
