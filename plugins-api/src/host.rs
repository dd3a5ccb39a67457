//! What the gateway offers to a plugin.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    Capability, Event, HttpRequest, HttpResponse, HttpStream, Level, Message, ModelAnswer,
    ModelMessage, ModelQuestion, NewTimer, PersonaInfo, PluginError, Wait,
};

/// The plugin's line to the gateway; cheap to clone and to keep. Its calls are those of
/// [`HostCalls`].
#[derive(Clone)]
pub struct Host(Arc<dyn HostCalls>);

/// The calls of a [`Host`]. The gateway implements them for each plugin; tests have
/// [`testing`](crate::testing).
///
/// What a plugin stores is its own: no other plugin sees it.
#[async_trait]
pub trait HostCalls: Send + Sync {
    /// Where the gateway stands right now. Never waits.
    fn runtime_status(&self) -> RuntimeStatus;

    /// The plugin's settings as they are saved, an object; see [`Host::settings`].
    fn raw_settings(&self) -> Value;

    /// How the bot behaves where this message came from: the profile that handles it, secrets
    /// masked.
    async fn profile(&self, event: &Event) -> Result<Value, HostError>;

    /// A stored value.
    async fn load(&self, key: &str) -> Result<Option<Value>, HostError>;

    /// Stores a value: a key of 1 to 256 bytes, at most 256 KiB of JSON, at most 16 MiB and 10,000
    /// keys for each plugin.
    async fn store(&self, key: &str, value: Value) -> Result<(), HostError>;

    /// Forgets a value; says whether there was one.
    async fn forget(&self, key: &str) -> Result<bool, HostError>;

    /// The stored keys that begin so, sorted.
    async fn keys(&self, beginning: &str) -> Result<Vec<String>, HostError>;

    /// Keeps a timer, in place of one of the same name. At most 1,000 for each plugin.
    async fn schedule(&self, timer: NewTimer) -> Result<(), HostError>;

    /// Forgets a timer; says whether there was one.
    async fn cancel(&self, name: &str) -> Result<bool, HostError>;

    /// Waits for somebody's next message: [`Plugin::answered`](crate::Plugin::answered) gets it
    /// instead of everybody else. Of several that wait for the same person the latest is served
    /// first. At most 1,000 for each plugin. Answers the number to give to [`Self::stop_waiting`].
    ///
    /// A command is never taken for an answer, so nobody is caught in a dialogue.
    async fn wait_for_reply(&self, wait: Wait) -> Result<i64, HostError>;

    /// Waits no longer; says whether it still did.
    async fn stop_waiting(&self, number: i64) -> Result<bool, HostError>;

    /// Sends a message that answers nothing, to an [`Event::reply_to`]. It is stored before this returns, and sent also after
    /// a crash. With the same `key` it is sent once, however often this is called.
    async fn send(&self, to: &str, message: Message, key: Option<&str>) -> Result<(), HostError>;

    /// The commands that the sender of this message may use there.
    async fn commands(&self, event: &Event) -> Result<Vec<CommandInfo>, HostError>;

    /// The conversation that a session talks in, if it has one yet.
    async fn conversation(&self, session: &str) -> Result<Option<ConversationInfo>, HostError>;

    /// Begins a new conversation in a session, with the persona of the one before.
    async fn new_conversation(&self, session: &str) -> Result<(), HostError>;

    /// Forgets what was said in the session's conversation; says whether it had one.
    async fn clear_conversation(&self, session: &str) -> Result<bool, HostError>;

    /// What the operator calls a session.
    async fn session_name(&self, session: &str) -> Result<Option<String>, HostError>;

    /// Calls a session so; `None`: by nothing.
    async fn name_session(&self, session: &str, name: Option<&str>) -> Result<(), HostError>;

    /// The variables of a session. At most 100, with names and values of at most 4 KiB.
    async fn variables(&self, session: &str) -> Result<Map<String, Value>, HostError>;

    /// Sets a variable of a session, or forgets it; says whether it was set before.
    async fn set_variable(
        &self,
        session: &str,
        name: &str,
        value: Option<&str>,
    ) -> Result<bool, HostError>;

    /// The chat providers, in the order of the configuration, as they count for this message.
    async fn providers(&self, event: &Event) -> Result<Vec<ProviderInfo>, HostError>;

    /// Makes a session ask this provider.
    async fn choose_provider(&self, session: &str, id: &str) -> Result<(), HostError>;

    /// Writes a line to the gateway's log, in the plugin's name. Never waits. What goes beyond the
    /// plugin's rate is dropped and counted.
    fn log(&self, level: Level, text: &str);

    /// Sends a request and reads the whole answer, at most 8 MiB of it. Redirects are followed, ten
    /// at most, and each host on the way must be allowed.
    async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, HostError>;

    /// Sends a request and leaves the body of the answer to be read with [`Self::read_stream`]. At
    /// most 16 are open at the same time; one that is not read from for a minute is closed.
    async fn open_stream(&self, request: HttpRequest) -> Result<HttpStream, HostError>;

    /// The next part of a body, at most 256 KiB; `None` at its end, which closes it.
    async fn read_stream(&self, stream: u64) -> Result<Option<Vec<u8>>, HostError>;

    /// Closes a body before its end; says whether it was open.
    async fn close_stream(&self, stream: u64) -> Result<bool, HostError>;

    /// Asks a model and waits for the whole answer. Nothing of it is kept in a conversation.
    async fn ask_model(&self, question: ModelQuestion) -> Result<ModelAnswer, HostError>;

    /// The vectors of at most 256 texts, by the provider of that id or the first that can.
    async fn embed(
        &self,
        provider: Option<&str>,
        texts: Vec<String>,
    ) -> Result<Vec<Vec<f32>>, HostError>;

    /// What was said last in the session's conversation, oldest first, at most 200 messages.
    async fn conversation_messages(
        &self,
        session: &str,
        limit: u32,
    ) -> Result<Vec<ModelMessage>, HostError>;

    /// The personas.
    async fn personas(&self) -> Result<Vec<PersonaInfo>, HostError>;

    /// A file of the plugin's own folder, by its path below it; `None`: there is none.
    async fn read_file(&self, path: &str) -> Result<Option<Vec<u8>>, HostError>;

    /// Writes a file whole, with the folders above it: at most 16 MiB, at most 256 MiB and 10,000
    /// files for each plugin. A crash leaves the file as it was before.
    async fn write_file(&self, path: &str, content: Vec<u8>) -> Result<(), HostError>;

    /// The files below a folder of the plugin's own, sorted; an empty path means all.
    async fn list_files(&self, folder: &str) -> Result<Vec<String>, HostError>;

    /// Removes a file; says whether there was one.
    async fn remove_file(&self, path: &str) -> Result<bool, HostError>;
}

/// Why the gateway did not do what a plugin asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The runtime is not up yet, or is going down.
    #[error("the gateway is not ready")]
    NotReady,
    /// A bound is reached.
    #[error("{what} is limited to {limit}")]
    Limit {
        /// What is limited.
        what: Cow<'static, str>,
        /// The limit.
        limit: u64,
    },
    /// Too many messages wait for the platform; nothing was stored.
    #[error("too many messages wait for the platform")]
    Busy,
    /// There is no such thing, or its name has the wrong form.
    #[error("there is no {what} {name:?}")]
    Unknown {
        /// What kind of thing.
        what: Cow<'static, str>,
        /// As it was asked for.
        name: String,
    },
    /// The operator did not allow it.
    #[error("the plugin is not allowed {capability}: {reason}")]
    NotGranted {
        /// What it would need.
        capability: Capability,
        /// What it tried.
        reason: String,
    },
    /// A far side did not do what it should, such as a web server that does not answer.
    #[error("{0}")]
    Remote(String),
    /// The gateway failed; the text is for the operator.
    #[error("{0}")]
    Failed(String),
}

/// Where the gateway stands, as [`HostCalls::runtime_status`] answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuntimeStatus {
    /// `created`, `core_ready`, `runtime_ready` or `runtime_failed`.
    pub state: String,
    /// Whether requests that need the runtime are served.
    pub ready: bool,
    /// When the runtime became ready, in milliseconds since 1970 UTC.
    pub ready_since_ms: Option<i64>,
    /// Seconds since then; 0 while it is not ready.
    pub uptime_seconds: u64,
    /// The components of the last bootstrap, in start order.
    pub components: Vec<ComponentStatus>,
    /// The names of the loaded plugins, sorted.
    pub plugins: Vec<String>,
    /// Messages handled since the process started.
    pub messages: u64,
    /// When the last of them came in, in milliseconds since 1970 UTC.
    pub last_message_ms: Option<i64>,
}

/// One component of the bootstrap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComponentStatus {
    /// Its name in the timeline, such as `providers`.
    pub name: String,
    /// `pending`, `starting`, `ready`, `failed` or `stopped`.
    pub state: String,
}

/// A command, as the help shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandInfo {
    /// Whose it is.
    pub plugin: String,
    /// Its words, without the wake prefix.
    pub path: String,
    /// How it is written, with the wake prefix.
    pub usage: String,
    /// What it does.
    pub about: String,
    /// What it takes: how each argument is called, and what it is for.
    pub arguments: Vec<(String, String)>,
    /// Whether it is a group of others.
    pub group: bool,
    /// Whether it belongs to the gateway itself.
    pub reserved: bool,
}

/// A conversation with a model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationInfo {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub title: Option<String>,
    /// Tokens that models read in it without help of a cache, as far as providers told.
    pub input_tokens: u64,
    /// Tokens that models read in it from a cache.
    pub cached_tokens: u64,
    /// Tokens that models wrote in it.
    pub output_tokens: u64,
}

/// A chat provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderInfo {
    /// Its id.
    pub id: String,
    /// The model that it asks.
    pub model: String,
    /// Whether it can be asked.
    pub usable: bool,
    /// Whether it is the one that answers in the session now.
    pub current: bool,
}

impl HostError {
    /// A bound that is reached.
    pub fn limit(what: impl Into<Cow<'static, str>>, limit: u64) -> Self {
        Self::Limit { what: what.into(), limit }
    }

    /// Something that is not there.
    pub fn unknown(what: impl Into<Cow<'static, str>>, name: impl Into<String>) -> Self {
        Self::Unknown { what: what.into(), name: name.into() }
    }
}

impl Host {
    /// Wraps an implementation of the calls.
    pub fn new(calls: Arc<dyn HostCalls>) -> Self {
        Self(calls)
    }

    /// The plugin's settings, typed. What is not saved is the default of the type, so it should be
    /// `#[serde(default)]`.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, PluginError> {
        serde_json::from_value(self.raw_settings())
            .map_err(|error| PluginError::Settings(error.to_string()))
    }
}

impl Deref for Host {
    type Target = dyn HostCalls;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref()
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Host")
    }
}
