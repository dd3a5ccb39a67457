//! Plugins as values of one type, and the list of those that can be loaded.

use std::sync::Arc;

use firstlight_plugins_api::{
    Host, Manifest, Plugin, PluginError, Tool, WebRequest, WebResponse, WebRoute,
};
use futures_util::future::BoxFuture;
use serde_json::Value;

/// [`Plugin`] with boxed futures, so that different plugins fit one registry.
pub(super) trait ErasedPlugin: Send + Sync {
    fn loaded(&self) -> BoxFuture<'_, Result<(), PluginError>>;
    fn unload(&self) -> BoxFuture<'_, Result<(), PluginError>>;
    fn routes(&self) -> Vec<WebRoute>;
    fn web(&self, request: WebRequest) -> BoxFuture<'_, Result<WebResponse, PluginError>>;
    fn tools(&self) -> Vec<Tool>;
    fn call_tool<'a>(
        &'a self,
        name: &'a str,
        arguments: Value,
    ) -> BoxFuture<'a, Result<Value, PluginError>>;
}

impl<P: Plugin> ErasedPlugin for P {
    fn loaded(&self) -> BoxFuture<'_, Result<(), PluginError>> {
        Box::pin(Plugin::loaded(self))
    }

    fn unload(&self) -> BoxFuture<'_, Result<(), PluginError>> {
        Box::pin(Plugin::unload(self))
    }

    fn routes(&self) -> Vec<WebRoute> {
        Plugin::routes(self)
    }

    fn web(&self, request: WebRequest) -> BoxFuture<'_, Result<WebResponse, PluginError>> {
        Box::pin(Plugin::web(self, request))
    }

    fn tools(&self) -> Vec<Tool> {
        Plugin::tools(self)
    }

    fn call_tool<'a>(
        &'a self,
        name: &'a str,
        arguments: Value,
    ) -> BoxFuture<'a, Result<Value, PluginError>> {
        Box::pin(Plugin::call_tool(self, name, arguments))
    }
}

pub(super) type Loaded = Result<Arc<dyn ErasedPlugin>, PluginError>;

/// One plugin that can be loaded: who it is, and how to make it.
#[derive(Clone)]
pub struct Registration {
    pub(super) manifest: Manifest,
    pub(super) load: fn(Host) -> BoxFuture<'static, Loaded>,
}

impl Registration {
    /// The registration of a compiled-in plugin.
    pub fn of<P: Plugin>() -> Self {
        Self {
            manifest: P::manifest(),
            load: |host| {
                Box::pin(async move {
                    let plugin = P::load(host).await?;
                    Ok(Arc::new(plugin) as Arc<dyn ErasedPlugin>)
                })
            },
        }
    }

    /// Who the plugin is.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }
}
