//! The plugins that can be loaded, and what became of those that could not. Lives as long as the
//! process, so that the recovery rows work while no runtime exists.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use firstlight_core::db::DbError;
use firstlight_plugins_api::matching::check;
use firstlight_plugins_api::{Host, Level, Version};
use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::json;
use tokio_util::task::TaskTracker;

use super::call::{PluginCallError, bounded, declared};
use super::erased::{Loaded, Origin, Registration};
use super::failed::{FailedPlugin, FailedPlugins};
use super::health::Health;
use super::host::{HostFoundation, PluginHost, Shared, Terms};
use super::installed::Installed;
use super::lanes::HostLine;
use super::live::{Farewell, LivePlugin};
use super::registry::ReloadError;

/// How long a plugin may take to load.
const LOAD_LIMIT: Duration = Duration::from_secs(30);
/// Where the names of plugins that the operator set aside are kept (reference 5.2).
const SET_ASIDE: (&str, &str, &str) = ("global", "global", "inactivated_plugins");

/// The plugins that can be loaded; cheap to clone.
#[derive(Clone)]
pub struct PluginSources(Arc<Inner>);

struct Inner {
    registrations: Vec<Registration>,
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
    /// The decision could not be stored.
    #[error("the removal could not be stored")]
    Store(#[from] DbError),
}

impl PluginSources {
    /// Reads which plugins were set aside, and holds the list of those that can be loaded.
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
        Ok(Self(Arc::new(Inner {
            registrations,
            shared: Arc::new(Shared::open(host).await?),
            failed: FailedPlugins::default(),
            set_aside: Mutex::new(set_aside),
        })))
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
        self.0.registrations.iter().any(|registration| registration.manifest.name == name)
    }

    /// Tries a failed plugin again while no runtime exists: it is loaded, unloaded, and on success
    /// taken off the list, so that the next bootstrap loads it.
    pub async fn probe_failed(&self, name: &str) -> Result<(), ReloadError> {
        let registration = self.failed_registration(name)?;
        let live = self
            .load(&registration)
            .await
            .map_err(|source| ReloadError::Load { name: name.to_owned(), source })?;
        live.unload(Farewell::AtOnce).await;
        Ok(())
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
        let names = {
            let mut names = self.0.set_aside.lock().clone();
            names.insert(name.to_owned());
            names
        };
        let (scope, scope_id, key) = SET_ASIDE;
        let database = self.0.shared.database();
        database.preferences().store(scope, scope_id, key, json!(names)).await?;
        if delete_data {
            database.plugin_values().forget_plugin(name).await?;
            self.0.shared.waits.forget_plugin(name);
        }
        *self.0.set_aside.lock() = names;
        self.0.failed.forget(name);
        tracing::info!(plugin = name, "failed plugin removed");
        Ok(())
    }

    /// The plugins that a bootstrap loads.
    pub(super) fn active(&self) -> Vec<Registration> {
        let set_aside = self.0.set_aside.lock();
        let is_active = |r: &&Registration| !set_aside.contains(&r.manifest.name);
        self.0.registrations.iter().filter(is_active).cloned().collect()
    }

    pub(super) fn registration(&self, name: &str) -> Option<Registration> {
        self.active().into_iter().find(|r| r.manifest.name == name)
    }

    /// Loads one plugin and keeps the record of failed ones true either way.
    pub(super) async fn load(
        &self,
        registration: &Registration,
    ) -> Result<LivePlugin, PluginCallError> {
        let loaded = self.try_load(registration).await;
        let name = &registration.manifest.name;
        match &loaded {
            Ok(_) => drop(self.0.failed.forget(name)),
            Err(error) => {
                tracing::warn!(plugin = %name, %error, "a plugin did not load");
                self.0.failed.record(&registration.manifest, error.to_string());
            }
        }
        loaded
    }

    async fn try_load(&self, registration: &Registration) -> Result<LivePlugin, PluginCallError> {
        let manifest = registration.manifest.clone();
        manifest.check(&running_version())?;
        let same_name = |r: &&Registration| r.manifest.name == manifest.name;
        if self.0.registrations.iter().filter(same_name).count() > 1 {
            return Err(PluginCallError::Duplicate { name: manifest.name });
        }
        let terms = registration.terms();
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
            Origin::Installed(installed) => installed,
        };
        let (name, settings) = (&registration.manifest.name, host.raw_settings());
        let line = HostLine::new(host, Arc::clone(terms));
        // Compiling has a limit of its own: it is done once, and may take longer than a start may.
        let lane = installed.open(name, &self.0.shared, line).await?;
        let granted = terms.granted();
        let load = Installed::load(Arc::clone(&lane), settings, &granted);
        let loaded = bounded("load", LOAD_LIMIT, load).await;
        if loaded.is_err() {
            lane.end().await;
        }
        loaded
    }
}

fn running_version() -> Version {
    // The package version is well-formed: Cargo refuses any other.
    Version::parse(env!("CARGO_PKG_VERSION")).unwrap_or_else(|_| Version::new(0, 0, 0))
}
