//! What a plugin asks of the gateway.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Capability, Event, HttpRequest, Level, Message, ModelQuestion, NewTimer, Wait};

/// A call of a plugin to its host: `{"method": "load", "params": {"key": "seen"}}`. What each
/// answers is what the method of [`HostCalls`](crate::HostCalls) of that name does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", content = "params", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the method of `HostCalls` of the same name")]
pub enum HostCall {
    RuntimeStatus,
    Settings,
    Profile {
        event: Box<Event>,
    },
    Load {
        key: String,
    },
    Store {
        key: String,
        value: Value,
    },
    Forget {
        key: String,
    },
    Keys {
        beginning: String,
    },
    Schedule(NewTimer),
    Cancel {
        name: String,
    },
    WaitForReply(Box<Wait>),
    StopWaiting {
        number: i64,
    },
    Send {
        to: String,
        message: Message,
        #[serde(default)]
        key: Option<String>,
    },
    Commands {
        event: Box<Event>,
    },
    Conversation {
        session: String,
    },
    NewConversation {
        session: String,
    },
    ClearConversation {
        session: String,
    },
    SessionName {
        session: String,
    },
    NameSession {
        session: String,
        #[serde(default)]
        name: Option<String>,
    },
    Variables {
        session: String,
    },
    SetVariable {
        session: String,
        name: String,
        #[serde(default)]
        value: Option<String>,
    },
    Providers {
        event: Box<Event>,
    },
    ChooseProvider {
        session: String,
        id: String,
    },
    Log {
        level: Level,
        text: String,
    },
    Fetch(HttpRequest),
    OpenStream(HttpRequest),
    ReadStream {
        stream: u64,
    },
    CloseStream {
        stream: u64,
    },
    AskModel(ModelQuestion),
    Embed {
        #[serde(default)]
        provider: Option<String>,
        texts: Vec<String>,
    },
    ConversationMessages {
        session: String,
        limit: u32,
    },
    Personas,
    ReadFile {
        path: String,
    },
    WriteFile {
        path: String,
        #[serde(with = "crate::encoding::base64")]
        content: Vec<u8>,
    },
    ListFiles {
        #[serde(default)]
        folder: String,
    },
    RemoveFile {
        path: String,
    },
}

impl HostCall {
    /// What the plugin must be allowed for it; `None`: every plugin may.
    pub fn needs(&self) -> Option<Capability> {
        Some(match self {
            // What anybody may know, and what is the plugin's own.
            Self::RuntimeStatus
            | Self::Settings
            | Self::Profile { .. }
            | Self::Commands { .. }
            | Self::Log { .. } => return None,
            Self::Load { .. } | Self::Store { .. } | Self::Forget { .. } | Self::Keys { .. } => {
                Capability::Kv
            }
            Self::Schedule(_)
            | Self::Cancel { .. }
            | Self::WaitForReply(_)
            | Self::StopWaiting { .. } => Capability::Timers,
            Self::Send { .. } => Capability::Send,
            Self::Conversation { .. }
            | Self::NewConversation { .. }
            | Self::ClearConversation { .. }
            | Self::SessionName { .. }
            | Self::NameSession { .. }
            | Self::Variables { .. }
            | Self::SetVariable { .. }
            | Self::ConversationMessages { .. } => Capability::Conversations,
            Self::Providers { .. }
            | Self::ChooseProvider { .. }
            | Self::AskModel(_)
            | Self::Embed { .. } => Capability::Model,
            Self::Fetch(_)
            | Self::OpenStream(_)
            | Self::ReadStream { .. }
            | Self::CloseStream { .. } => Capability::Hosts,
            Self::Personas => Capability::Personas,
            Self::ReadFile { .. }
            | Self::WriteFile { .. }
            | Self::ListFiles { .. }
            | Self::RemoveFile { .. } => Capability::Files,
        })
    }

    /// Its name on the line.
    pub fn method(&self) -> &'static str {
        match self {
            Self::RuntimeStatus => "runtime_status",
            Self::Settings => "settings",
            Self::Profile { .. } => "profile",
            Self::Load { .. } => "load",
            Self::Store { .. } => "store",
            Self::Forget { .. } => "forget",
            Self::Keys { .. } => "keys",
            Self::Schedule(_) => "schedule",
            Self::Cancel { .. } => "cancel",
            Self::WaitForReply(_) => "wait_for_reply",
            Self::StopWaiting { .. } => "stop_waiting",
            Self::Send { .. } => "send",
            Self::Commands { .. } => "commands",
            Self::Conversation { .. } => "conversation",
            Self::NewConversation { .. } => "new_conversation",
            Self::ClearConversation { .. } => "clear_conversation",
            Self::SessionName { .. } => "session_name",
            Self::NameSession { .. } => "name_session",
            Self::Variables { .. } => "variables",
            Self::SetVariable { .. } => "set_variable",
            Self::Providers { .. } => "providers",
            Self::ChooseProvider { .. } => "choose_provider",
            Self::Log { .. } => "log",
            Self::Fetch(_) => "fetch",
            Self::OpenStream(_) => "open_stream",
            Self::ReadStream { .. } => "read_stream",
            Self::CloseStream { .. } => "close_stream",
            Self::AskModel(_) => "ask_model",
            Self::Embed { .. } => "embed",
            Self::ConversationMessages { .. } => "conversation_messages",
            Self::Personas => "personas",
            Self::ReadFile { .. } => "read_file",
            Self::WriteFile { .. } => "write_file",
            Self::ListFiles { .. } => "list_files",
            Self::RemoveFile { .. } => "remove_file",
        }
    }
}
