//! The trait that every plugin implements.

use std::future::Future;

use serde_json::Value;

use crate::{Host, Manifest, PluginError, Tool, WebRequest, WebResponse, WebRoute};

/// A plugin. Only [`Plugin::manifest`] and [`Plugin::load`] must be written.
///
/// Every call has a deadline set by the gateway, and a panic is caught and counts as a failure of
/// that call alone.
pub trait Plugin: Sized + Send + Sync + 'static {
    /// Who the plugin is. Called before anything else, and without a running gateway.
    fn manifest() -> Manifest;

    /// Makes the plugin. It may do I/O. What it has begun must end when the value is dropped.
    fn load(host: Host) -> impl Future<Output = Result<Self, PluginError>> + Send;

    /// Told once, when the whole gateway is ready to serve.
    fn loaded(&self) -> impl Future<Output = Result<(), PluginError>> + Send {
        async { Ok(()) }
    }

    /// Told once, before the plugin is dropped. An error is logged and changes nothing.
    fn unload(&self) -> impl Future<Output = Result<(), PluginError>> + Send {
        async { Ok(()) }
    }

    /// The web routes it serves, below `/api/plug/<name>/`.
    fn routes(&self) -> Vec<WebRoute> {
        Vec::new()
    }

    /// Answers a request to one of its routes; called only for a route that [`Plugin::routes`]
    /// declares at that moment.
    fn web(
        &self,
        request: WebRequest,
    ) -> impl Future<Output = Result<WebResponse, PluginError>> + Send {
        async move { Err(PluginError::Unknown(format!("no answer for {}", request.path))) }
    }

    /// The tools it offers to the model.
    fn tools(&self) -> Vec<Tool> {
        Vec::new()
    }

    /// Calls one of its tools.
    fn call_tool(
        &self,
        name: &str,
        arguments: Value,
    ) -> impl Future<Output = Result<Value, PluginError>> + Send {
        let error = PluginError::unknown_tool(name);
        drop(arguments);
        async move { Err(error) }
    }
}
