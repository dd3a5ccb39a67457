//! Moments at which a plugin may look at, or change, what happens to a message.

use serde::{Deserialize, Serialize};

use crate::Message;

/// One declared hook. A plugin's hook method is called only when the hook is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// The moment.
    pub kind: HookKind,
    /// Higher goes first.
    #[serde(default)]
    pub priority: i32,
}

/// A moment. Each call has a deadline of ten seconds. A hook that
/// fails is logged and passed over, and what it changed is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookKind {
    /// The platforms have been started: [`Plugin::platforms_loaded`](crate::Plugin::platforms_loaded).
    PlatformsLoaded,
    /// A plugin was loaded: [`Plugin::plugin_loaded`](crate::Plugin::plugin_loaded).
    PluginLoaded,
    /// A plugin was unloaded: [`Plugin::plugin_unloaded`](crate::Plugin::plugin_unloaded).
    PluginUnloaded,
    /// A handler failed: [`Plugin::plugin_error`](crate::Plugin::plugin_error).
    PluginError,
    /// The model is going to be asked: [`Plugin::waiting_for_model`](crate::Plugin::waiting_for_model).
    WaitingForModel,
    /// The request is assembled: [`Plugin::model_request`](crate::Plugin::model_request).
    ModelRequest,
    /// The model answered: [`Plugin::model_response`](crate::Plugin::model_response).
    ModelResponse,
    /// An answer is going to be sent: [`Plugin::decorating`](crate::Plugin::decorating).
    Decorating,
    /// The answers are on their way: [`Plugin::after_sent`](crate::Plugin::after_sent).
    AfterSent,
}

impl Hook {
    /// A hook of priority 0.
    pub fn new(kind: HookKind) -> Self {
        Self { kind, priority: 0 }
    }

    /// Goes before hooks of a lower priority.
    #[must_use]
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }
}

/// A handler that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Whose.
    pub plugin: String,
    /// Which.
    pub handler: String,
    /// Why, for the operator.
    pub error: String,
}

/// A question to the model, as it is about to be asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelRequest {
    /// What the model is told first.
    #[serde(default)]
    pub system_prompt: Option<String>,
    /// The conversation, oldest first, ending with what is asked now.
    pub messages: Vec<ModelMessage>,
    /// The model to ask, instead of the provider's own.
    #[serde(default)]
    pub model: Option<String>,
}

/// A message of a conversation with a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelMessage {
    /// Who says it.
    pub speaker: Speaker,
    /// What is said.
    pub parts: Vec<ModelPart>,
    /// What the model thought before it said it.
    #[serde(default)]
    pub reasoning: Option<String>,
}

/// Who speaks in a conversation with a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The operator.
    System,
    /// The person.
    User,
    /// The model.
    Model,
}

/// A part of a message to or from a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelPart {
    /// Text.
    Text(String),
    /// A picture, by a `data:` address or one that the provider can reach.
    Image(String),
}

impl ModelMessage {
    /// Text of the person.
    pub fn user(text: impl Into<String>) -> Self {
        let parts = vec![ModelPart::Text(text.into())];
        Self { speaker: Speaker::User, parts, reasoning: None }
    }

    /// Text of the model.
    pub fn model(text: impl Into<String>) -> Self {
        let parts = vec![ModelPart::Text(text.into())];
        Self { speaker: Speaker::Model, parts, reasoning: None }
    }

    /// All its text, the parts joined by line breaks.
    pub fn text(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match part {
            ModelPart::Text(text) => Some(text.as_str()),
            ModelPart::Image(_) => None,
        });
        texts.collect::<Vec<_>>().join("\n")
    }

    /// Says this instead.
    pub fn set_text(&mut self, text: impl Into<String>) {
        self.parts.retain(|part| matches!(part, ModelPart::Image(_)));
        self.parts.insert(0, ModelPart::Text(text.into()));
    }
}

/// A message that is sent, where nothing was received that it could be an answer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outgoing {
    /// Where it goes, such as an [`Event::reply_to`](crate::Event::reply_to).
    pub to: String,
    /// The message.
    pub message: Message,
}

impl Outgoing {
    /// A message that goes there.
    pub fn new(to: impl Into<String>, message: impl Into<Message>) -> Self {
        Self { to: to.into(), message: message.into() }
    }
}
