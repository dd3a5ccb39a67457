//! The live registry: the plugins that are loaded now.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use firstlight_core::lifecycle::StepCx;
use firstlight_plugins_api::{
    Call, Handler, HookKind, Manifest, Method, Reply, SettingsTaken, Tool, Trigger, WebRequest,
    WebResponse,
};
use jiff::Timestamp;
use parking_lot::RwLock;
use serde_json::Value;

use super::call::{PluginCallError, declared};
use super::erased::Registration;
use super::host::Shared;
use super::live::{Farewell, LivePlugin};
use super::sources::PluginSources;
use super::state::State;
use crate::platforms::Adapters;
use crate::providers::Registry;

/// How long a web route of a plugin may take.
const WEB_LIMIT: Duration = Duration::from_mins(1);
/// How long a tool call may take (the ancestor's `tool_call_timeout`).
const TOOL_LIMIT: Duration = Duration::from_mins(2);
/// How long a hook may take; a hanging one must not keep the gateway from being ready.
pub(super) const HOOK_LIMIT: Duration = Duration::from_secs(10);

/// The plugins that are loaded now; cheap to clone.
#[derive(Clone)]
pub struct Plugins {
    sources: PluginSources,
    live: Arc<RwLock<BTreeMap<String, Arc<LivePlugin>>>>,
    /// Where the plugins are items of the timeline; `None` in tests.
    cx: Option<StepCx>,
    /// Reloads of the same plugin, and changes of commands, must not overlap.
    changing: Arc<tokio::sync::Mutex<()>>,
}

/// One loaded plugin as the plugin list shows it.
#[derive(Debug, Clone)]
pub struct PluginInformation {
    /// Who it is.
    pub manifest: Manifest,
    /// When it was loaded.
    pub loaded_at: Timestamp,
    /// The names of its tools.
    pub tools: Vec<String>,
    /// Its web routes, as `METHOD /path`.
    pub routes: Vec<String>,
    /// Its handlers: what kind, name, what it does.
    pub handlers: Vec<(&'static str, String, String)>,
    /// The moments that it hears of.
    pub hooks: Vec<HookKind>,
}

/// Why a plugin could not be reloaded.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// No plugin of that name is loaded, failed or compiled in.
    #[error("there is no plugin called {name:?}")]
    Unknown {
        /// The name as asked for.
        name: String,
    },
    /// It did not load; the plugin that ran before, if any, still runs.
    #[error("the plugin {name:?} did not load: {source}")]
    Load {
        /// The plugin.
        name: String,
        /// Why.
        #[source]
        source: PluginCallError,
    },
}

impl Plugins {
    pub(super) fn new(sources: PluginSources, cx: Option<StepCx>) -> Self {
        Self { sources, live: Arc::default(), cx, changing: Arc::default() }
    }

    /// The plugins that could be loaded and the records of those that failed.
    pub fn sources(&self) -> &PluginSources {
        &self.sources
    }

    /// The loaded plugins, by name.
    pub fn list(&self) -> Vec<PluginInformation> {
        self.snapshot().iter().map(|live| live.information()).collect()
    }

    /// The names of the loaded plugins, sorted.
    pub fn names(&self) -> Vec<String> {
        self.live.read().keys().cloned().collect()
    }

    /// All tools of the loaded plugins, with the plugin that offers each.
    pub fn tools(&self) -> Vec<(String, Tool)> {
        let tools_of = |live: &Arc<LivePlugin>| {
            let name = live.manifest.name.clone();
            let tools = declared("tools", || live.plugin.tools()).unwrap_or_default();
            tools.into_iter().map(move |tool| (name.clone(), tool)).collect::<Vec<_>>()
        };
        self.snapshot().iter().flat_map(tools_of).collect()
    }

    /// Calls a tool of a loaded plugin; `None` when that plugin is not loaded.
    pub async fn call_tool(
        &self,
        plugin: &str,
        tool: &str,
        arguments: Value,
    ) -> Option<Result<Value, PluginCallError>> {
        let live = self.find(plugin)?;
        Some(live.call("call_tool", TOOL_LIMIT, live.plugin.call_tool(tool, arguments)).await)
    }

    /// Calls a handler of a loaded plugin as the pipeline does, whatever its declarations say of the
    /// message; `None` when that plugin is not loaded. For benches.
    pub async fn call_handler(
        &self,
        plugin: &str,
        call: Call,
    ) -> Option<Result<Reply, PluginCallError>> {
        let live = self.find(plugin)?;
        Some(live.call("handle", TOOL_LIMIT, live.plugin.handle(call)).await)
    }

    /// Routes a web request to the plugin that declares `/<plugin><path>` right now; `None` when
    /// none does. `path` is what follows `/api/plug`.
    pub async fn web(
        &self,
        path: &str,
        mut request: WebRequest,
    ) -> Option<Result<WebResponse, PluginCallError>> {
        let (name, rest) = path.strip_prefix('/')?.split_once('/')?;
        let live = self.find(name)?;
        let rest = format!("/{rest}");
        let routes = match declared("routes", || live.plugin.routes()) {
            Ok(routes) => routes,
            Err(error) => return Some(Err(error)),
        };
        routes.iter().find(|route| route.method == request.method && route.path == rest)?;
        request.path = rest;
        Some(live.call("web", WEB_LIMIT, live.plugin.web(request)).await)
    }

    /// Loads a plugin again: the new one is up before the old one is told to go.
    pub async fn reload(&self, name: &str) -> Result<(), ReloadError> {
        let _one_at_a_time = self.changing.lock().await;
        let registration = self
            .sources
            .registration(name)
            .ok_or_else(|| ReloadError::Unknown { name: name.to_owned() })?;
        let live = self
            .load(&registration)
            .await
            .map_err(|source| ReloadError::Load { name: name.to_owned(), source })?;
        if let Err(error) = live.call("loaded", HOOK_LIMIT, live.plugin.loaded()).await {
            tracing::warn!(plugin = name, %error, "the loaded-hook of a plugin failed");
        }
        let old = self.live.write().insert(name.to_owned(), Arc::new(live));
        self.rebuild();
        if let Some(old) = old {
            old.unload(Farewell::Drain).await;
            self.tell_unloaded(&old.manifest).await;
        }
        self.tell_loaded(registration.manifest()).await;
        tracing::info!(plugin = name, "plugin reloaded");
        Ok(())
    }

    /// Tries a plugin that failed again, and puts it to work when it loads.
    pub async fn reload_failed(&self, name: &str) -> Result<(), ReloadError> {
        self.sources.failed_registration(name)?;
        self.reload(name).await
    }

    /// Reloads every plugin that can be loaded; the first error is returned after all were tried.
    pub async fn reload_all(&self) -> Result<(), ReloadError> {
        let mut outcome = Ok(());
        for registration in self.sources.active() {
            let reloaded = self.reload(&registration.manifest().name).await;
            if let (Ok(()), Err(error)) = (&outcome, reloaded) {
                outcome = Err(error);
            }
        }
        outcome
    }

    /// Tells a plugin that its settings were saved. Unless it takes them over, it is loaded again.
    pub async fn settings_changed(&self, name: &str) -> Result<(), ReloadError> {
        if let Some(live) = self.find(name) {
            let call = live.plugin.settings_changed(self.shared().settings(name));
            match live.call("settings_changed", HOOK_LIMIT, call).await {
                Ok(SettingsTaken::Taken) => return Ok(()),
                Ok(SettingsTaken::LoadAgain) => {}
                Err(error) => {
                    tracing::warn!(plugin = name, %error, "a plugin did not take its new settings");
                }
            }
        }
        self.reload(name).await
    }

    /// Connects the hosts with the rest of this runtime.
    pub(crate) fn connect(&self, providers: &Arc<Registry>, adapters: Adapters) {
        self.shared().connect(providers, adapters);
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        self.sources.shared()
    }

    pub(super) fn state(&self) -> Arc<State> {
        self.shared().current.state()
    }

    pub(super) fn changing(&self) -> &tokio::sync::Mutex<()> {
        &self.changing
    }

    /// Puts the declarations together anew.
    pub(super) fn rebuild(&self) {
        let live = self.live.read().clone();
        self.shared().current.replace(State::new(live, &self.shared().commands));
        // A plugin that came may have timers that are due.
        self.shared().later.notify_one();
    }

    /// Loads one plugin, when what it needs is loaded.
    pub(super) async fn load(
        &self,
        registration: &Registration,
    ) -> Result<LivePlugin, PluginCallError> {
        let version = |name: &str| self.find(name).map(|live| live.manifest.version.clone());
        let name = &registration.manifest().name;
        // The one before still runs while this one is tried.
        let item = self.cx.as_ref().map(|cx| cx.item(name));
        if let Some(item) = &item {
            item.start();
        }
        let loaded = self.sources.load(registration, &version).await;
        if let Some(item) = item {
            match &loaded {
                Ok(live) => {
                    item.finish();
                    live.health.shown_by(item);
                }
                // The one before still runs.
                Err(_) if self.find(name).is_some() => item.finish(),
                Err(error) => item.fail(error),
            }
        }
        loaded
    }

    /// The plugin is no part of the gateway any more.
    pub(super) fn forget_item(&self, name: &str) {
        if let Some(cx) = &self.cx {
            cx.item(name).remove();
        }
    }

    /// Takes a plugin out; what it declares counts until the declarations are put together anew.
    pub(super) fn remove(&self, name: &str) -> Option<Arc<LivePlugin>> {
        self.live.write().remove(name)
    }

    pub(super) fn insert(&self, live: LivePlugin) {
        self.live.write().insert(live.manifest.name.clone(), Arc::new(live));
    }

    /// Unloads every plugin, over a snapshot, so that none is skipped.
    pub(super) async fn unload_all(&self) {
        self.shared().disconnect();
        let all = std::mem::take(&mut *self.live.write());
        self.rebuild();
        futures_util::future::join_all(all.values().map(|live| live.unload(Farewell::AtOnce)))
            .await;
    }

    pub(super) fn snapshot(&self) -> Vec<Arc<LivePlugin>> {
        self.live.read().values().cloned().collect()
    }

    pub(super) fn find(&self, name: &str) -> Option<Arc<LivePlugin>> {
        self.live.read().get(name).cloned()
    }
}

impl LivePlugin {
    pub(super) fn information(&self) -> PluginInformation {
        let tools = declared("tools", || self.plugin.tools()).unwrap_or_default();
        let routes = declared("routes", || self.plugin.routes()).unwrap_or_default();
        let method = |method| match method {
            Method::Get => "GET",
            Method::Post => "POST",
        };
        PluginInformation {
            manifest: self.manifest.clone(),
            loaded_at: self.loaded_at,
            tools: tools.into_iter().map(|tool| tool.name).collect(),
            routes: routes.iter().map(|r| format!("{} {}", method(r.method), r.path)).collect(),
            handlers: self.handlers.iter().map(described).collect(),
            hooks: self.hooks.iter().map(|hook| hook.kind).collect(),
        }
    }
}

fn described(handler: &Handler) -> (&'static str, String, String) {
    let kind = match &handler.trigger {
        Trigger::Command { .. } => "command",
        Trigger::Group { .. } => "command_group",
        Trigger::Message => "message",
    };
    (kind, handler.name.clone(), handler.about.clone())
}
