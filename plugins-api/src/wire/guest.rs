//! What the gateway asks of a plugin.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Answered, Call, Event, Failure, Handler, Hook, Manifest, Message, ModelMessage, ModelRequest,
    Reply, Timer, Tool, Unanswered, WebRequest, WebRoute,
};

/// A call into a plugin: `{"method": "handle", "params": {…}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", content = "params", rename_all = "snake_case")]
pub enum GuestCall {
    /// Who are you? Asked before anything else, and without any host: [`Description`].
    Describe,
    /// Begin: [`Declarations`]. Asked once of each instance.
    Load(Introduction),
    /// The whole gateway is ready: nothing.
    Loaded,
    /// End: nothing.
    Unload,
    /// The settings were saved: [`SettingsAnswer`].
    SettingsChanged {
        /// What they are now.
        settings: Value,
    },
    /// A message for one of its handlers: [`Reply`].
    Handle(Box<Call>),
    /// Whether a filter of its own holds: a truth.
    Predicate {
        /// The filter.
        name: String,
        /// The message.
        event: Box<Event>,
    },
    /// The message that it waited for: [`Reply`].
    Answered(Box<Answered>),
    /// Nobody answered: a list of [`Outgoing`](crate::Outgoing).
    Unanswered(Unanswered),
    /// A timer fires: a list of [`Outgoing`](crate::Outgoing).
    Timer(Timer),
    /// The platforms are up: nothing.
    PlatformsLoaded,
    /// A plugin came: nothing.
    PluginLoaded {
        /// Which.
        manifest: Box<Manifest>,
    },
    /// A plugin went: nothing.
    PluginUnloaded {
        /// Which.
        manifest: Box<Manifest>,
    },
    /// A handler failed: [`Reply`].
    PluginError {
        /// At which message.
        event: Box<Event>,
        /// How.
        failure: Failure,
    },
    /// The model is going to be asked: [`Reply`].
    WaitingForModel {
        /// For which message.
        event: Box<Event>,
    },
    /// A question to the model, to be changed: [`Changed`].
    ModelRequest {
        /// For which message.
        event: Box<Event>,
        /// The question.
        value: ModelRequest,
    },
    /// An answer of the model, to be changed: [`Changed`].
    ModelResponse {
        /// For which message.
        event: Box<Event>,
        /// The answer.
        value: ModelMessage,
    },
    /// An answer, to be changed before it is sent: [`Changed`].
    Decorating {
        /// For which message.
        event: Box<Event>,
        /// The answer.
        value: Message,
    },
    /// The answers are on their way: nothing.
    AfterSent {
        /// For which message.
        event: Box<Event>,
    },
    /// A request to one of its routes: [`WebResponse`](crate::WebResponse).
    Web(Box<WebRequest>),
    /// A call of one of its tools: any JSON.
    CallTool {
        /// The tool.
        name: String,
        /// Its arguments.
        arguments: Value,
    },
}

/// What a plugin is told when it begins.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Introduction {
    /// The version of the gateway's side, as [`API_VERSION`](super::API_VERSION).
    pub api: String,
    /// Its settings.
    pub settings: Value,
}

/// Who a plugin says it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The [`API_VERSION`](super::API_VERSION) that it was built by.
    pub api: String,
    /// Its name, which must be that of its `plugin.toml`.
    pub name: String,
    /// Its version, likewise.
    pub version: String,
    /// A JSON Schema of its settings, where it brings no `settings.json`.
    #[serde(default)]
    pub settings_schema: Option<Value>,
}

/// What a plugin takes and offers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Declarations {
    /// The messages.
    pub handlers: Vec<Handler>,
    /// The moments.
    pub hooks: Vec<Hook>,
    /// The web routes.
    pub routes: Vec<WebRoute>,
    /// The tools.
    pub tools: Vec<Tool>,
}

/// What a hook did to a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Changed<T> {
    /// What comes of it.
    #[serde(default)]
    pub reply: Reply,
    /// The value as it is now.
    pub value: T,
}

/// What a plugin did about new settings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SettingsAnswer {
    /// Whether it goes on with them; otherwise it is loaded again.
    pub taken: bool,
    /// What it takes and offers now.
    pub declarations: Declarations,
}

impl GuestCall {
    /// Its name on the line.
    pub fn method(&self) -> &'static str {
        match self {
            Self::Describe => "describe",
            Self::Load(_) => "load",
            Self::Loaded => "loaded",
            Self::Unload => "unload",
            Self::SettingsChanged { .. } => "settings_changed",
            Self::Handle(_) => "handle",
            Self::Predicate { .. } => "predicate",
            Self::Answered(_) => "answered",
            Self::Unanswered(_) => "unanswered",
            Self::Timer(_) => "timer",
            Self::PlatformsLoaded => "platforms_loaded",
            Self::PluginLoaded { .. } => "plugin_loaded",
            Self::PluginUnloaded { .. } => "plugin_unloaded",
            Self::PluginError { .. } => "plugin_error",
            Self::WaitingForModel { .. } => "waiting_for_model",
            Self::ModelRequest { .. } => "model_request",
            Self::ModelResponse { .. } => "model_response",
            Self::Decorating { .. } => "decorating",
            Self::AfterSent { .. } => "after_sent",
            Self::Web(_) => "web",
            Self::CallTool { .. } => "call_tool",
        }
    }
}
