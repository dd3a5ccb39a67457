//! A plugin in a lane, as the rest of the gateway calls it.

use std::sync::Arc;

use firstlight_plugins_api::wire::{
    Changed, Declarations, GuestCall, Introduction, SettingsAnswer,
};
use firstlight_plugins_api::{
    Answered, Call, Event, Failure, Handler, Hook, Manifest, Message, ModelMessage, ModelRequest,
    Outgoing, PluginError, Reply, SettingsTaken, Timer, Tool, Unanswered, WebRequest, WebResponse,
    WebRoute,
};
use futures_util::future::BoxFuture;
use parking_lot::RwLock;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Lane;
use crate::plugins::erased::ErasedPlugin;

/// A plugin over a line.
pub(in crate::plugins) struct RemotePlugin {
    lane: Arc<dyn Lane>,
    declared: RwLock<Declarations>,
}

impl RemotePlugin {
    /// Loads the plugin.
    pub(in crate::plugins) async fn load(
        lane: Arc<dyn Lane>,
        introduction: Introduction,
    ) -> Result<Self, PluginError> {
        let loaded = lane.call(&GuestCall::Load(introduction)).await?;
        let declared = RwLock::new(read("load", &loaded)?);
        Ok(Self { lane, declared })
    }

    /// Leaves out what it was not granted.
    pub(in crate::plugins) fn withhold(&self, change: impl FnOnce(&mut Declarations)) {
        change(&mut self.declared.write());
    }

    async fn ask<T: DeserializeOwned>(&self, call: GuestCall) -> Result<T, PluginError> {
        let answer = self.lane.call(&call).await?;
        read(call.method(), &answer)
    }

    async fn change<T: DeserializeOwned>(
        &self,
        call: GuestCall,
        value: &mut T,
    ) -> Result<Reply, PluginError> {
        let changed: Changed<T> = self.ask(call).await?;
        *value = changed.value;
        Ok(changed.reply)
    }
}

/// An answer that is not what it should be is the plugin's fault.
fn read<T: DeserializeOwned>(method: &str, answer: &str) -> Result<T, PluginError> {
    serde_json::from_str(answer).map_err(|error| {
        PluginError::Fault(format!("what it answered to `{method}` cannot be read: {error}"))
    })
}

fn boxed(event: &Event) -> Box<Event> {
    Box::new(event.clone())
}

impl ErasedPlugin for RemotePlugin {
    fn handlers(&self) -> Vec<Handler> {
        self.declared.read().handlers.clone()
    }

    fn hooks(&self) -> Vec<Hook> {
        self.declared.read().hooks.clone()
    }

    fn routes(&self) -> Vec<WebRoute> {
        self.declared.read().routes.clone()
    }

    fn tools(&self) -> Vec<Tool> {
        self.declared.read().tools.clone()
    }

    /// It cannot be asked without waiting: see `Plugins::ask_filters`.
    fn predicate(&self, _name: &str, _event: &Event) -> bool {
        false
    }

    fn loaded(&self) -> BoxFuture<'_, Result<(), PluginError>> {
        Box::pin(self.ask(GuestCall::Loaded))
    }

    fn unload(&self) -> BoxFuture<'_, Result<(), PluginError>> {
        Box::pin(self.ask(GuestCall::Unload))
    }

    fn settings_changed(
        &self,
        settings: Value,
    ) -> BoxFuture<'_, Result<SettingsTaken, PluginError>> {
        Box::pin(async move {
            let answer: SettingsAnswer = self.ask(GuestCall::SettingsChanged { settings }).await?;
            if !answer.taken {
                return Ok(SettingsTaken::LoadAgain);
            }
            self.lane.settings_taken();
            let mut declared = self.declared.write();
            declared.routes = answer.declarations.routes;
            declared.tools = answer.declarations.tools;
            Ok(SettingsTaken::Taken)
        })
    }

    fn handle(&self, call: Call) -> BoxFuture<'_, Result<Reply, PluginError>> {
        Box::pin(self.ask(GuestCall::Handle(Box::new(call))))
    }

    fn answered(&self, answered: Answered) -> BoxFuture<'_, Result<Reply, PluginError>> {
        Box::pin(self.ask(GuestCall::Answered(Box::new(answered))))
    }

    fn unanswered(
        &self,
        unanswered: Unanswered,
    ) -> BoxFuture<'_, Result<Vec<Outgoing>, PluginError>> {
        Box::pin(self.ask(GuestCall::Unanswered(unanswered)))
    }

    fn timer(&self, timer: Timer) -> BoxFuture<'_, Result<Vec<Outgoing>, PluginError>> {
        Box::pin(self.ask(GuestCall::Timer(timer)))
    }

    fn platforms_loaded(&self) -> BoxFuture<'_, Result<(), PluginError>> {
        Box::pin(self.ask(GuestCall::PlatformsLoaded))
    }

    fn plugin_loaded<'a>(
        &'a self,
        manifest: &'a Manifest,
    ) -> BoxFuture<'a, Result<(), PluginError>> {
        Box::pin(self.ask(GuestCall::PluginLoaded { manifest: Box::new(manifest.clone()) }))
    }

    fn plugin_unloaded<'a>(
        &'a self,
        manifest: &'a Manifest,
    ) -> BoxFuture<'a, Result<(), PluginError>> {
        Box::pin(self.ask(GuestCall::PluginUnloaded { manifest: Box::new(manifest.clone()) }))
    }

    fn plugin_error<'a>(
        &'a self,
        event: &'a Event,
        failure: &'a Failure,
    ) -> BoxFuture<'a, Result<Reply, PluginError>> {
        let failure = failure.clone();
        Box::pin(self.ask(GuestCall::PluginError { event: boxed(event), failure }))
    }

    fn waiting_for_model<'a>(
        &'a self,
        event: &'a Event,
    ) -> BoxFuture<'a, Result<Reply, PluginError>> {
        Box::pin(self.ask(GuestCall::WaitingForModel { event: boxed(event) }))
    }

    fn model_request<'a>(
        &'a self,
        event: &'a Event,
        request: &'a mut ModelRequest,
    ) -> BoxFuture<'a, Result<Reply, PluginError>> {
        let call = GuestCall::ModelRequest { event: boxed(event), value: request.clone() };
        Box::pin(self.change(call, request))
    }

    fn model_response<'a>(
        &'a self,
        event: &'a Event,
        response: &'a mut ModelMessage,
    ) -> BoxFuture<'a, Result<Reply, PluginError>> {
        let call = GuestCall::ModelResponse { event: boxed(event), value: response.clone() };
        Box::pin(self.change(call, response))
    }

    fn decorating<'a>(
        &'a self,
        event: &'a Event,
        message: &'a mut Message,
    ) -> BoxFuture<'a, Result<Reply, PluginError>> {
        let call = GuestCall::Decorating { event: boxed(event), value: message.clone() };
        Box::pin(self.change(call, message))
    }

    fn after_sent<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), PluginError>> {
        Box::pin(self.ask(GuestCall::AfterSent { event: boxed(event) }))
    }

    fn web(&self, request: WebRequest) -> BoxFuture<'_, Result<WebResponse, PluginError>> {
        Box::pin(self.ask(GuestCall::Web(Box::new(request))))
    }

    fn call_tool<'a>(
        &'a self,
        name: &'a str,
        arguments: Value,
    ) -> BoxFuture<'a, Result<Value, PluginError>> {
        Box::pin(self.ask(GuestCall::CallTool { name: name.to_owned(), arguments }))
    }
}
