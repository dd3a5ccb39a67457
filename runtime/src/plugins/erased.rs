//! Plugins as values of one type, and the list of those that can be loaded.

use std::sync::Arc;

use firstlight_plugins_api::{
    Answered, Call, Capabilities, Event, Failure, Handler, Hook, Host, Manifest, Message,
    ModelMessage, ModelRequest, Outgoing, Plugin, PluginError, Reply, SettingsTaken, Timer, Tool,
    Unanswered, WebRequest, WebResponse, WebRoute,
};
use futures_util::future::BoxFuture;
use serde_json::Value;

use super::host::Terms;
use super::installed::{Installed, usual_budgets};
use super::lanes::Lane;

/// Declares [`ErasedPlugin`], which is [`Plugin`] with boxed futures, so that different plugins fit
/// one registry.
macro_rules! erased {
    (
        $(fn $plain:ident(&self $(, $a:ident: $at:ty)*) -> $p:ty;)*
        $(async fn $call:ident(&self $(, $b:ident: $bt:ty)*) -> $c:ty;)*
    ) => {
        #[expect(clippy::elidable_lifetime_names, reason = "some of the arguments need the name")]
        pub(super) trait ErasedPlugin: Send + Sync {
            $(fn $plain(&self $(, $a: $at)*) -> $p;)*
            $(fn $call<'a>(&'a self $(, $b: $bt)*) -> BoxFuture<'a, Result<$c, PluginError>>;)*
        }

        #[expect(clippy::elidable_lifetime_names, reason = "some of the arguments need the name")]
        impl<P: Plugin> ErasedPlugin for P {
            $(fn $plain(&self $(, $a: $at)*) -> $p {
                Plugin::$plain(self $(, $a)*)
            })*
            $(fn $call<'a>(&'a self $(, $b: $bt)*) -> BoxFuture<'a, Result<$c, PluginError>> {
                Box::pin(Plugin::$call(self $(, $b)*))
            })*
        }
    };
}

erased! {
    fn handlers(&self) -> Vec<Handler>;
    fn hooks(&self) -> Vec<Hook>;
    fn routes(&self) -> Vec<WebRoute>;
    fn tools(&self) -> Vec<Tool>;
    fn predicate(&self, name: &str, event: &Event) -> bool;
    async fn loaded(&self) -> ();
    async fn unload(&self) -> ();
    async fn settings_changed(&self, settings: Value) -> SettingsTaken;
    async fn handle(&self, call: Call) -> Reply;
    async fn answered(&self, answered: Answered) -> Reply;
    async fn unanswered(&self, unanswered: Unanswered) -> Vec<Outgoing>;
    async fn timer(&self, timer: Timer) -> Vec<Outgoing>;
    async fn platforms_loaded(&self) -> ();
    async fn plugin_loaded(&self, manifest: &'a Manifest) -> ();
    async fn plugin_unloaded(&self, manifest: &'a Manifest) -> ();
    async fn plugin_error(&self, event: &'a Event, failure: &'a Failure) -> Reply;
    async fn waiting_for_model(&self, event: &'a Event) -> Reply;
    async fn model_request(&self, event: &'a Event, request: &'a mut ModelRequest) -> Reply;
    async fn model_response(&self, event: &'a Event, response: &'a mut ModelMessage) -> Reply;
    async fn decorating(&self, event: &'a Event, message: &'a mut Message) -> Reply;
    async fn after_sent(&self, event: &'a Event) -> ();
    async fn web(&self, request: WebRequest) -> WebResponse;
    async fn call_tool(&self, name: &'a str, arguments: Value) -> Value;
}

/// A plugin that was made, and where it lives when it is not part of this program.
pub(super) struct Loaded {
    pub(super) plugin: Arc<dyn ErasedPlugin>,
    pub(super) lane: Option<Arc<dyn Lane>>,
    /// What it declared and was not granted.
    pub(super) withheld: Vec<String>,
}

/// One plugin that can be loaded: who it is, and how to make it.
#[derive(Clone)]
pub struct Registration {
    pub(super) manifest: Manifest,
    pub(super) settings_schema: Option<Value>,
    pub(super) origin: Origin,
}

/// Makes a compiled-in plugin.
type Make = fn(Host) -> BoxFuture<'static, Result<Arc<dyn ErasedPlugin>, PluginError>>;

/// Where a plugin comes from.
#[derive(Clone)]
pub(super) enum Origin {
    /// It is part of this program.
    CompiledIn(Make),
    /// It was installed.
    Installed(Arc<Installed>),
    /// It was installed and cannot be used, for this reason.
    Unusable(String),
}

impl Registration {
    /// The registration of a compiled-in plugin.
    pub fn of<P: Plugin>() -> Self {
        Self {
            manifest: P::manifest(),
            settings_schema: P::settings_schema(),
            origin: Origin::CompiledIn(|host| {
                Box::pin(async move {
                    let plugin = P::load(host).await?;
                    Ok(Arc::new(plugin) as Arc<dyn ErasedPlugin>)
                })
            }),
        }
    }

    /// On what terms it is loaded now.
    pub(super) fn terms(&self) -> Arc<Terms> {
        let name = &self.manifest.name;
        match &self.origin {
            // It is part of the program, and could do everything by itself.
            Origin::CompiledIn(_) | Origin::Unusable(_) => {
                Terms::new(name, Capabilities::all(), usual_budgets(), None)
            }
            Origin::Installed(installed) => installed.terms(name),
        }
    }

    /// Who the plugin is.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }
}
