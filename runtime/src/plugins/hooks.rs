//! Hooks over a message. One that fails is logged and passed over, and what it changed is not
//! taken.

use std::sync::Arc;

use firstlight_core::model::{MessageChain, MessageEvent};
use firstlight_plugins_api::{self as api, Failure, HookKind, PluginError, Reply};
use futures_util::future::BoxFuture;

use super::call::PluginCallError;
use super::convert;
use super::dispatch::{Activated, Outcome, PluginScope};
use super::erased::ErasedPlugin;
use super::live::LivePlugin;
use super::registry::{HOOK_LIMIT, Plugins};
use crate::providers::{ChatRequest, Message};

type Change<T> = for<'a> fn(
    &'a dyn ErasedPlugin,
    &'a api::Event,
    &'a mut T,
) -> BoxFuture<'a, Result<Reply, PluginError>>;

impl Plugins {
    /// Before the conversation's lock is taken; a plugin may say "please wait".
    pub(crate) async fn on_waiting(&self, event: &MessageEvent, scope: &PluginScope) -> Outcome {
        let hooked = self.hooked(HookKind::WaitingForModel, scope);
        let run: Change<()> = |plugin, event, ()| plugin.waiting_for_model(event);
        run_all("waiting_for_model", &hooked, event, scope, &mut (), run).await
    }

    /// The request is assembled and may be changed.
    pub(crate) async fn on_model_request(
        &self,
        event: &MessageEvent,
        scope: &PluginScope,
        request: &mut ChatRequest,
    ) -> Outcome {
        let hooked = self.hooked(HookKind::ModelRequest, scope);
        if hooked.is_empty() {
            return Outcome::default();
        }
        let mut seen = convert::request(request);
        let run: Change<_> = |plugin, event, request| plugin.model_request(event, request);
        let outcome = run_all("model_request", &hooked, event, scope, &mut seen, run).await;
        convert::apply_request(seen, request);
        outcome
    }

    /// The model answered; the answer may be changed.
    pub(crate) async fn on_model_response(
        &self,
        event: &MessageEvent,
        scope: &PluginScope,
        response: &mut Message,
    ) -> Outcome {
        let hooked = self.hooked(HookKind::ModelResponse, scope);
        if hooked.is_empty() {
            return Outcome::default();
        }
        let mut seen = convert::model_message(response);
        let run: Change<_> = |plugin, event, response| plugin.model_response(event, response);
        let outcome = run_all("model_response", &hooked, event, scope, &mut seen, run).await;
        *response = convert::spoken(seen);
        outcome
    }

    /// Before an answer is sent; it may be changed.
    pub(crate) async fn on_decorating(
        &self,
        event: &MessageEvent,
        scope: &PluginScope,
        chain: &mut MessageChain,
    ) -> Outcome {
        let hooked = self.hooked(HookKind::Decorating, scope);
        if hooked.is_empty() {
            return Outcome::default();
        }
        let mut seen = convert::message(chain);
        let run: Change<_> = |plugin, event, message| plugin.decorating(event, message);
        let outcome = run_all("decorating", &hooked, event, scope, &mut seen, run).await;
        *chain = chain.derive(convert::chain(&seen).chain);
        outcome
    }

    /// The answers of a message are committed to the outbox.
    pub(crate) async fn after_sent(&self, event: &MessageEvent, scope: &PluginScope) {
        let hooked = self.hooked(HookKind::AfterSent, scope);
        if hooked.is_empty() {
            return;
        }
        let event = convert::event(event, scope.profile.language);
        for live in hooked {
            let call = live.plugin.after_sent(&event);
            if let Err(error) = live.call("after_sent", HOOK_LIMIT, call).await {
                tracing::warn!(plugin = %live.manifest.name, %error, "a hook failed");
            }
        }
    }

    /// A handler failed. These hooks hear of it whatever the profile allows (reference 1.9).
    pub(super) async fn error_hooks(
        &self,
        activated: &Activated,
        event: &MessageEvent,
        scope: &PluginScope,
        error: &PluginCallError,
    ) -> Outcome {
        let state = self.state();
        let mut failure = Failure {
            plugin: activated.plugin.clone(),
            handler: activated.handler.clone(),
            error: error.to_string(),
        };
        let run: Change<Failure> = |plugin, event, failure| plugin.plugin_error(event, failure);
        let hooked = state.hooked(HookKind::PluginError);
        run_all("plugin_error", hooked, event, scope, &mut failure, run).await
    }

    fn hooked(&self, kind: HookKind, scope: &PluginScope) -> Vec<Arc<LivePlugin>> {
        let state = self.state();
        let all = state.hooked(kind).iter();
        let admitted = |live: &&Arc<LivePlugin>| {
            state.admits(&live.manifest.name, &scope.profile, &scope.rule)
        };
        all.filter(admitted).cloned().collect()
    }
}

async fn run_all<T: Clone>(
    name: &'static str,
    hooked: &[Arc<LivePlugin>],
    event: &MessageEvent,
    scope: &PluginScope,
    value: &mut T,
    run: Change<T>,
) -> Outcome {
    let mut outcome = Outcome::default();
    if hooked.is_empty() {
        return outcome;
    }
    let event = convert::event(event, scope.profile.language);
    for live in hooked {
        let mut changed = value.clone();
        let call = run(live.plugin.as_ref(), &event, &mut changed);
        match live.call(name, HOOK_LIMIT, call).await {
            Ok(reply) => {
                *value = changed;
                outcome.absorb(reply);
            }
            Err(error) => {
                tracing::warn!(plugin = %live.manifest.name, hook = name, %error, "a hook failed");
            }
        }
        if outcome.stop {
            break;
        }
    }
    outcome
}
