//! How the bot behaves. Only the keys that are used today are typed; all others are kept.
//!
//! | module | which keys |
//! |---|---|
//! | here | those at the top, and personas |
//! | `platform` | `platform_settings`: who is heard, how often, how answers are sent |
//! | `segments` | `platform_settings.segmented_reply` |
//! | `safety` | `content_safety` |
//! | `provider` | `provider_settings`: how models are asked |
//! | `acknowledgement` | `platform_specific` |
//! | `patterns` | the regular expressions of operators, compiled within limits |

mod acknowledgement;
mod patterns;
mod platform;
mod provider;
mod safety;
mod segments;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::messages::Language;
use crate::model::UserKey;

use super::problem::{Problem, unique};
pub use acknowledgement::{PlatformSpecific, PreAcknowledgement, PreAcknowledgementEmoji};
pub use patterns::{Pattern, PatternError, Patterns};
pub use platform::{PlatformSettings, RateLimit, RateLimitStrategy};
pub use provider::{ProviderSettings, QuotedMessageParser};
pub use safety::{ContentSafety, InternalKeywords, Moderation, WhenDown};
pub use segments::{IntervalMethod, SegmentedReply, SplitMode};

/// A document `profile:<id>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Profile {
    /// How messages are received and answered.
    pub platform_settings: PlatformSettings,
    /// How models are asked.
    pub provider_settings: ProviderSettings,
    /// What is not said, and not heard.
    pub content_safety: ContentSafety,
    /// What single platforms can do beside messages.
    pub platform_specific: PlatformSpecific,
    /// The plugins of this profile by name; `*` stands for all. Reserved plugins are always there.
    pub plugin_set: Vec<String>,
    /// Whether the commands that are built in are switched off.
    pub disable_builtin_commands: bool,
    /// The language of what chat users are told by the gateway itself.
    pub language: Language,
    /// Who is an admin, each as `platform:user`.
    pub admins_id: Vec<UserKey>,
    /// What a message must begin with to address the bot in a group.
    pub wake_prefix: Vec<String>,
    /// The characters the bot can play.
    pub persona: Vec<Persona>,
    /// The proxy for calls to models. Read from the default profile only.
    pub http_proxy: String,
    /// What is reached without the proxy. Read from the default profile only.
    pub no_proxy: Vec<String>,
    /// Whether the steps of each turn are recorded. Read from the default profile only.
    pub trace_enable: bool,
}

/// A character the bot can play.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Persona {
    /// What it is chosen by.
    pub name: String,
    /// The system prompt.
    pub prompt: String,
    /// Lines of a conversation before the first, user and bot in turn. Sent and not stored.
    pub begin_dialogs: Vec<String>,
    /// What is said when an answer failed, instead of what went wrong. Empty: what went wrong.
    pub custom_error_message: String,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            platform_settings: PlatformSettings::default(),
            provider_settings: ProviderSettings::default(),
            content_safety: ContentSafety::default(),
            platform_specific: PlatformSpecific::default(),
            plugin_set: vec!["*".to_owned()],
            disable_builtin_commands: false,
            language: Language::default(),
            admins_id: Vec::new(),
            wake_prefix: vec!["/".to_owned()],
            persona: Vec::new(),
            http_proxy: String::new(),
            no_proxy: ["localhost", "127.0.0.1", "::1", "10.*", "192.168.*"]
                .map(str::to_owned)
                .to_vec(),
            trace_enable: false,
        }
    }
}

impl Profile {
    /// The persona of that name.
    pub fn persona(&self, name: &str) -> Option<&Persona> {
        self.persona.iter().find(|persona| persona.name == name)
    }

    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        self.platform_settings.check(problems);
        self.content_safety.check(problems);
        let names = self.persona.iter().map(|persona| persona.name.as_str());
        unique(names, |index| format!("/persona/{index}/name"), problems);
        for (index, persona) in self.persona.iter().enumerate() {
            if persona.begin_dialogs.len() % 2 != 0 {
                let pointer = format!("/persona/{index}/begin_dialogs");
                let message = "lines come in pairs: the user's, then the bot's";
                problems.push(Problem::new(pointer, message));
            }
        }
    }
}
