//! What the pipeline asks of the plugins: who takes a message, and what comes of it.

use std::sync::Arc;

use firstlight_core::config::Profile;
use firstlight_core::db::SessionRule;
use firstlight_core::model::{MessageChain, MessageEvent};

use super::registry::Plugins;
use crate::providers::{ChatRequest, Message};

/// What decides which plugins a message may reach.
#[derive(Clone)]
pub(crate) struct PluginScope {
    /// The profile that handles the message.
    pub(crate) profile: Arc<Profile>,
    /// The rules of its session.
    pub(crate) rule: Arc<SessionRule>,
}

/// One handler that takes the message, with its arguments parsed.
#[derive(Debug, Clone)]
pub(crate) struct Activated {
    /// The plugin.
    pub(crate) plugin: String,
    /// The handler within the plugin.
    pub(crate) handler: String,
    /// Higher goes first.
    pub(crate) priority: i32,
    /// Whether it wakes the bot: a command or a filter that names this message. A listener that
    /// takes everything does not, so it costs the message neither a download nor a rate limit.
    pub(crate) wakes: bool,
    /// Whether it acts on the answer that is being made in the session right now, as `/stop` does:
    /// that answer is ended as soon as the message is accepted, before its own turn comes.
    pub(crate) interrupts: bool,
    /// The parsed arguments of a command, as the plugin gets them.
    pub(crate) arguments: serde_json::Value,
}

/// Who takes a message.
#[derive(Debug, Clone)]
pub(crate) enum Match {
    /// These handlers, highest priority first; often none.
    Handlers(Vec<Activated>),
    /// A command was meant that cannot run: wrong arguments, or not allowed. The text, if any, is
    /// the answer, and the message ends here.
    Refused {
        /// What the sender is told.
        text: Option<String>,
    },
}

/// What a handler, or a hook over a message, brought about.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Messages for the session it came from, in order.
    pub(crate) replies: Vec<MessageChain>,
    /// No further handler, and no model.
    pub(crate) stop: bool,
    /// Further handlers may follow, but the model is not asked by default.
    pub(crate) no_model: bool,
    /// Ask the model this.
    pub(crate) ask: Option<ModelRequest>,
}

/// A model request that a plugin makes in the name of the message.
#[derive(Debug, Clone, Default)]
pub(crate) struct ModelRequest {
    /// What the user is taken to have said.
    pub(crate) prompt: String,
    /// The system prompt, instead of the persona's.
    pub(crate) system_prompt: Option<String>,
}

impl Plugins {
    /// Who takes this message. Reads declarations only: no plugin code that waits runs here.
    pub(crate) fn matching(&self, _event: &MessageEvent, _scope: &PluginScope) -> Match {
        Match::Handlers(Vec::new())
    }

    /// Runs one handler. A failure is answered and logged as the plugin's, never the turn's.
    pub(crate) async fn handle(
        &self,
        _activated: &Activated,
        _event: &MessageEvent,
        _scope: &PluginScope,
    ) -> Outcome {
        Outcome::default()
    }

    /// Before the conversation's lock is taken; a plugin may say "please wait".
    pub(crate) async fn on_waiting(&self, _event: &MessageEvent, _scope: &PluginScope) -> Outcome {
        Outcome::default()
    }

    /// The request is assembled and may be changed.
    pub(crate) async fn on_model_request(
        &self,
        _event: &MessageEvent,
        _scope: &PluginScope,
        _request: &mut ChatRequest,
    ) -> Outcome {
        Outcome::default()
    }

    /// The model answered; the answer may be changed.
    pub(crate) async fn on_model_response(
        &self,
        _event: &MessageEvent,
        _scope: &PluginScope,
        _response: &mut Message,
    ) -> Outcome {
        Outcome::default()
    }

    /// Before an answer is sent; it may be changed.
    pub(crate) async fn on_decorating(
        &self,
        _event: &MessageEvent,
        _scope: &PluginScope,
        _chain: &mut MessageChain,
    ) -> Outcome {
        Outcome::default()
    }

    /// The answers of a message are committed to the outbox.
    pub(crate) async fn after_sent(&self, _event: &MessageEvent, _scope: &PluginScope) {}
}
