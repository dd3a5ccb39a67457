//! What all hosts work from.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use firstlight_core::bus::Bus;
use firstlight_core::config::{ConfigStore, DocumentId, Secret};
use firstlight_core::db::{Database, DbError};
use firstlight_plugins_api::HostError;
use parking_lot::RwLock;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};
use tokio::sync::Notify;

use super::outbound::Clients;
use crate::platforms::Adapters;
use crate::plugins::commands::Commands;
use crate::plugins::lanes::component::{Code, Compiler, Components};
use crate::plugins::lanes::process::Watch;
use crate::plugins::runtime_status::StatusBoard;
use crate::plugins::settings_form::SettingsForm;
use crate::plugins::state::Current;
use crate::plugins::waits::Waits;
use crate::providers::Registry;

/// What the hosts of plugins are made from.
pub struct HostFoundation {
    /// Where plugins keep what they store.
    pub database: Database,
    /// Where their settings and the profiles are.
    pub config: ConfigStore,
    /// Where what they send goes.
    pub bus: Bus,
    /// Where the state of the gateway is read.
    pub status: StatusBoard,
    /// The data folder, from which relative paths of secrets are taken.
    pub folder: PathBuf,
    /// Who compiles components.
    pub compiler: Compiler,
}

/// What all hosts work from; one for the process.
pub(crate) struct Shared {
    pub(super) database: Database,
    pub(super) config: ConfigStore,
    pub(super) bus: Bus,
    pub(super) status: StatusBoard,
    folder: PathBuf,
    /// What the operator changed about commands.
    pub(in crate::plugins) commands: Commands,
    /// The replies that are waited for.
    pub(in crate::plugins) waits: Waits,
    /// The declarations of the loaded plugins.
    pub(in crate::plugins) current: Current,
    /// A timer or a wait was added.
    pub(in crate::plugins) later: Notify,
    /// The forms of settings, by plugin.
    forms: RwLock<BTreeMap<String, Arc<SettingsForm>>>,
    /// What all components share.
    pub(in crate::plugins) components: Components,
    /// Who looks after the processes of plugins.
    pub(in crate::plugins) watch: Watch,
    /// How plugins reach web servers.
    pub(super) clients: Clients,
    /// The providers of the runtime that is up. Held weakly: the runtime owns them.
    providers: RwLock<Weak<Registry>>,
    /// The platforms of the runtime that is up.
    adapters: RwLock<Option<Adapters>>,
}

impl Shared {
    pub(in crate::plugins) async fn open(from: HostFoundation) -> Result<Self, DbError> {
        let HostFoundation { database, config, bus, status, folder, compiler } = from;
        let cache = folder.join("plugins").join(".compiled");
        let code = Code::new(cache, compiler, database.clone());
        Ok(Self {
            commands: Commands::open(database.clone()).await?,
            waits: Waits::open(database.clone()).await?,
            current: Current::default(),
            later: Notify::new(),
            clients: Clients::default(),
            forms: RwLock::default(),
            components: Components::new(code),
            watch: Watch::default(),
            providers: RwLock::default(),
            adapters: RwLock::default(),
            database,
            config,
            bus,
            status,
            folder,
        })
    }

    /// The folder that a plugin keeps its files in; it need not be there.
    pub(in crate::plugins) fn data_folder(&self, plugin: &str) -> PathBuf {
        self.folder.join("plugin_data").join(plugin)
    }

    /// Tells what the settings of a plugin are made of.
    pub(in crate::plugins) fn set_form(&self, plugin: &str, form: Arc<SettingsForm>) {
        self.forms.write().insert(plugin.to_owned(), form);
    }

    /// The plugin has no form, or is gone.
    pub(in crate::plugins) fn forget_form(&self, plugin: &str) {
        self.forms.write().remove(plugin);
    }

    pub(in crate::plugins) fn config(&self) -> &ConfigStore {
        &self.config
    }

    pub(in crate::plugins) fn database(&self) -> &Database {
        &self.database
    }

    pub(in crate::plugins) fn connect(&self, providers: &Arc<Registry>, adapters: Adapters) {
        *self.providers.write() = Arc::downgrade(providers);
        *self.adapters.write() = Some(adapters);
    }

    pub(in crate::plugins) fn disconnect(&self) {
        *self.providers.write() = Weak::new();
        *self.adapters.write() = None;
    }

    pub(super) fn adapters(&self) -> Option<Adapters> {
        self.adapters.read().clone()
    }

    pub(super) fn providers(&self) -> Result<Arc<Registry>, HostError> {
        self.providers.read().upgrade().ok_or(HostError::NotReady)
    }

    /// The settings of a plugin, with secrets that are references followed. One that leads nowhere
    /// is left out, so that the plugin sees it as not set.
    pub(in crate::plugins) fn settings(&self, plugin: &str) -> Value {
        let id = DocumentId::Plugin(plugin.to_owned());
        let snapshot = self.config.snapshot();
        let saved = snapshot.document(&id).map(|document| document.value.clone());
        let mut value = saved.unwrap_or_else(|| json!({}));
        self.follow(plugin, &mut value, &self.config.schema(&id));
        // After references were followed: one that leads nowhere is as if it had not been set.
        if let Some(form) = self.forms.read().get(plugin) {
            value = form.complete(&value);
        }
        value
    }

    fn follow(&self, plugin: &str, value: &mut Value, schema: &Value) {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
        let Some(object) = value.as_object_mut() else { return };
        for (key, schema) in properties {
            self.follow_member(plugin, object, key, schema);
        }
    }

    fn follow_member(
        &self,
        plugin: &str,
        object: &mut Map<String, Value>,
        key: &str,
        schema: &Value,
    ) {
        let Some(member) = object.get_mut(key) else { return };
        if schema.get("x-secret") != Some(&Value::Bool(true)) {
            return self.follow(plugin, member, schema);
        }
        let Some(text) = member.as_str() else { return };
        match Secret::from(text.to_owned()).resolve(&self.folder) {
            Ok(secret) => *member = Value::String(secret.expose_secret().to_owned()),
            Err(error) => {
                tracing::warn!(plugin, key, %error, "a secret of a plugin's settings is not there");
                object.remove(key);
            }
        }
    }
}

/// An error of the database, as a plugin is told.
pub(super) fn failed(error: &DbError) -> HostError {
    HostError::Failed(error.to_string())
}
