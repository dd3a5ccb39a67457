//! The trait that every plugin implements.

use std::future::Future;

use serde_json::Value;

use crate::{
    Answered, Call, Event, Failure, Handler, Hook, Host, Manifest, Message, ModelMessage,
    ModelRequest, Outgoing, PluginError, Reply, SettingsTaken, Timer, Tool, Unanswered, WebRequest,
    WebResponse, WebRoute,
};

/// A plugin. Only [`Plugin::manifest`] and [`Plugin::load`] must be written.
///
/// Every call has a deadline set by the gateway, and a panic is caught and counts as a failure of
/// that call alone.
pub trait Plugin: Sized + Send + Sync + 'static {
    /// Who the plugin is. Called before anything else, and without a running gateway.
    fn manifest() -> Manifest;

    /// A JSON Schema of its settings, from which the form, the check of a save and the masking of
    /// secrets (`"x-secret": true`) follow. `None`: any object is accepted, and all of it is
    /// masked. For a type that derives `JsonSchema`, use [`schema_of`](crate::schema_of).
    fn settings_schema() -> Option<Value> {
        None
    }

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

    /// Told when its settings were saved. Unless it takes them over itself, it is loaded again.
    fn settings_changed(
        &self,
        _settings: Value,
    ) -> impl Future<Output = Result<SettingsTaken, PluginError>> + Send {
        async { Ok(SettingsTaken::LoadAgain) }
    }

    /// The messages it takes. Read once, when it is loaded.
    fn handlers(&self) -> Vec<Handler> {
        Vec::new()
    }

    /// Handles a message for one of its handlers. An error is answered to the sender.
    fn handle(&self, call: Call) -> impl Future<Output = Result<Reply, PluginError>> + Send {
        let error = PluginError::Unknown(format!("there is no handler called {}", call.handler));
        async move { Err(error) }
    }

    /// Whether its [`Filter::Custom`](crate::Filter::Custom) of that name holds. It must answer at
    /// once: it is asked while it is decided what becomes of a message.
    fn predicate(&self, _name: &str, _event: &Event) -> bool {
        false
    }

    /// The message came that it waited for, see
    /// [`wait_for_reply`](crate::HostCalls::wait_for_reply). After a crash it may come again.
    fn answered(
        &self,
        _answered: Answered,
    ) -> impl Future<Output = Result<Reply, PluginError>> + Send {
        async { Ok(Reply::nothing()) }
    }

    /// Nobody answered in time. What it returns is sent, once, even when it is called again after
    /// a crash.
    fn unanswered(
        &self,
        _unanswered: Unanswered,
    ) -> impl Future<Output = Result<Vec<Outgoing>, PluginError>> + Send {
        async { Ok(Vec::new()) }
    }

    /// A timer fires. What it returns is sent, once, even when it is called again after a crash.
    /// One that fails is tried again, three times in all.
    fn timer(
        &self,
        _timer: Timer,
    ) -> impl Future<Output = Result<Vec<Outgoing>, PluginError>> + Send {
        async { Ok(Vec::new()) }
    }

    /// The moments it wants to hear of. Read once, when it is loaded.
    fn hooks(&self) -> Vec<Hook> {
        Vec::new()
    }

    /// The platforms have been started; comes before [`Plugin::loaded`].
    fn platforms_loaded(&self) -> impl Future<Output = Result<(), PluginError>> + Send {
        async { Ok(()) }
    }

    /// A plugin was loaded, perhaps this one.
    fn plugin_loaded(
        &self,
        _manifest: &Manifest,
    ) -> impl Future<Output = Result<(), PluginError>> + Send {
        async { Ok(()) }
    }

    /// Another plugin was unloaded.
    fn plugin_unloaded(
        &self,
        _manifest: &Manifest,
    ) -> impl Future<Output = Result<(), PluginError>> + Send {
        async { Ok(()) }
    }

    /// A handler failed. With [`Reply::stop`] the sender is not told so by the gateway.
    fn plugin_error(
        &self,
        _event: &Event,
        _failure: &Failure,
    ) -> impl Future<Output = Result<Reply, PluginError>> + Send {
        async { Ok(Reply::nothing()) }
    }

    /// The model is going to be asked, perhaps after a wait.
    fn waiting_for_model(
        &self,
        _event: &Event,
    ) -> impl Future<Output = Result<Reply, PluginError>> + Send {
        async { Ok(Reply::nothing()) }
    }

    /// The request to the model is assembled and may be changed.
    fn model_request(
        &self,
        _event: &Event,
        _request: &mut ModelRequest,
    ) -> impl Future<Output = Result<Reply, PluginError>> + Send {
        async { Ok(Reply::nothing()) }
    }

    /// The model answered; the answer may be changed. What was streamed has been shown already.
    fn model_response(
        &self,
        _event: &Event,
        _response: &mut ModelMessage,
    ) -> impl Future<Output = Result<Reply, PluginError>> + Send {
        async { Ok(Reply::nothing()) }
    }

    /// An answer is going to be sent and may be changed.
    fn decorating(
        &self,
        _event: &Event,
        _message: &mut Message,
    ) -> impl Future<Output = Result<Reply, PluginError>> + Send {
        async { Ok(Reply::nothing()) }
    }

    /// The answers to a message are on their way.
    fn after_sent(&self, _event: &Event) -> impl Future<Output = Result<(), PluginError>> + Send {
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
