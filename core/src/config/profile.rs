//! How the bot behaves. Only the keys that are used today are typed; all others are kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::messages::Language;
use crate::model::UserKey;

use super::problem::{Problem, unique};

/// A document `profile:<id>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Profile {
    /// How messages are received and answered.
    pub platform_settings: PlatformSettings,
    /// How models are asked.
    pub provider_settings: ProviderSettings,
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
    /// The language of what the gateway itself says in a chat.
    pub language: Language,
    /// The plugins that may take messages; `*` stands for all. Those of the gateway always may.
    pub plugin_set: Vec<String>,
    /// Whether the commands that come with the gateway are switched off.
    pub disable_builtin_commands: bool,
}

/// How messages are received and answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PlatformSettings {
    /// Whether a private message, too, must begin with a wake prefix.
    pub friend_message_needs_wake_prefix: bool,
    /// Whether what the bot itself sent is passed over.
    pub ignore_bot_self_message: bool,
    /// Whether a mention of everyone does not address the bot.
    pub ignore_at_all: bool,
    /// What every answer begins with.
    pub reply_prefix: String,
    /// Whether each member of a group has a conversation of their own.
    pub unique_session: bool,
    /// Whether somebody who may not run a command is told so.
    pub no_permission_reply: bool,
    /// Whether a message that only mentions the bot makes it wait for the next one.
    pub empty_mention_waiting: bool,
    /// Whether the bot says something while it waits so.
    pub empty_mention_waiting_need_reply: bool,
}

/// How models are asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ProviderSettings {
    /// Whether models are asked at all.
    pub enable: bool,
    /// The provider to ask when neither message nor session names one. Empty: the first one loaded.
    pub default_provider_id: String,
    /// How often one request is tried in all.
    #[schemars(range(min = 1, max = 100))]
    pub request_max_retries: u32,
    /// What a message must begin with, after the wake prefix, for a model to be asked.
    pub wake_prefix: String,
    /// Whether the model's thoughts are sent, too.
    pub display_reasoning_text: bool,
    /// The name of the persona to play when nothing else decides.
    pub default_personality: String,
    /// What the user's text is put into, at `{{prompt}}`.
    pub prompt_prefix: String,
    /// Whether answers are streamed to platforms that can show it.
    pub streaming_response: bool,
    /// How many tokens of history the model is given, at most.
    #[schemars(range(min = 256))]
    pub history_max_tokens: u32,
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
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            platform_settings: PlatformSettings::default(),
            provider_settings: ProviderSettings::default(),
            admins_id: Vec::new(),
            wake_prefix: vec!["/".to_owned()],
            persona: Vec::new(),
            http_proxy: String::new(),
            no_proxy: ["localhost", "127.0.0.1", "::1", "10.*", "192.168.*"]
                .map(str::to_owned)
                .to_vec(),
            trace_enable: false,
            language: Language::default(),
            plugin_set: vec!["*".to_owned()],
            disable_builtin_commands: false,
        }
    }
}

impl Default for PlatformSettings {
    fn default() -> Self {
        Self {
            friend_message_needs_wake_prefix: false,
            ignore_bot_self_message: false,
            ignore_at_all: false,
            reply_prefix: String::new(),
            unique_session: false,
            no_permission_reply: true,
            empty_mention_waiting: true,
            empty_mention_waiting_need_reply: true,
        }
    }
}

impl Default for ProviderSettings {
    fn default() -> Self {
        Self {
            enable: true,
            default_provider_id: String::new(),
            request_max_retries: 5,
            wake_prefix: String::new(),
            display_reasoning_text: false,
            default_personality: "default".to_owned(),
            prompt_prefix: "{{prompt}}".to_owned(),
            streaming_response: true,
            history_max_tokens: 16_000,
        }
    }
}

impl Profile {
    /// The persona of that name.
    pub fn persona(&self, name: &str) -> Option<&Persona> {
        self.persona.iter().find(|persona| persona.name == name)
    }

    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
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
