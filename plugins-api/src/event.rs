//! A received message, as a plugin sees it.

use serde::{Deserialize, Serialize};

use crate::Message;

/// What kind of conversation a message was sent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// Several people.
    Group,
    /// One person.
    Private,
    /// Neither, such as a system notice.
    Other,
}

/// What the sender of a message may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Anyone.
    #[default]
    Member,
    /// Listed as an admin in the profile that handles the message.
    Admin,
}

/// A language that the gateway speaks; a plugin's texts should follow it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Chinese.
    #[serde(rename = "zh")]
    Chinese,
}

/// Somebody on a platform.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The platform's id of the person.
    pub id: String,
    /// The name that the platform shows; empty where it tells none.
    #[serde(default)]
    pub name: String,
}

/// The group a message was sent in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupChat {
    /// The platform's id of the group.
    pub id: String,
    /// Its name; empty where the platform tells none.
    #[serde(default)]
    pub name: String,
}

/// One received message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Whose conversation it is: conversations, names, variables and waits go by it. One opaque
    /// text.
    pub session: String,
    /// Where it came from: what is sent unasked goes there. The same as the session, except in a
    /// group whose members have sessions of their own.
    pub reply_to: String,
    /// The kind of conversation.
    pub kind: MessageKind,
    /// The operator's name of the platform instance.
    pub platform: String,
    /// The platform's type, such as `webchat`.
    pub platform_type: String,
    /// The platform's id of the message.
    pub message_id: String,
    /// The bot's own id on that platform; empty where it has none.
    #[serde(default)]
    pub self_id: String,
    /// Who sent it.
    pub sender: Person,
    /// The group, when it was sent in one.
    #[serde(default)]
    pub group: Option<GroupChat>,
    /// What was sent.
    pub message: Message,
    /// Its plain text without the wake prefix.
    pub text: String,
    /// When it was sent, in milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// What the sender may do.
    #[serde(default)]
    pub role: Role,
    /// Whether the bot was addressed: by prefix, mention, quote, or in private.
    #[serde(default)]
    pub addressed: bool,
    /// The language of the chat.
    #[serde(default)]
    pub language: Language,
}

impl Event {
    /// Whether an admin sent it.
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }

    /// The one of two texts that fits the language of the chat.
    pub fn say(&self, english: &str, chinese: &str) -> String {
        match self.language {
            Language::English => english.to_owned(),
            Language::Chinese => chinese.to_owned(),
        }
    }
}
