//! `platform_specific`: a reaction to a message that is for the bot, before work on it begins.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What single platforms can do beside messages, by the type of the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PlatformSpecific {
    /// Telegram.
    pub telegram: PreAcknowledgement,
    /// Lark, Feishu.
    pub lark: PreAcknowledgement,
    /// Discord.
    pub discord: PreAcknowledgement,
}

/// The keys of one platform.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PreAcknowledgement {
    /// The reaction.
    pub pre_ack_emoji: PreAcknowledgementEmoji,
}

/// A reaction to a message that is for the bot, before work on it begins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PreAcknowledgementEmoji {
    /// Whether there is one.
    pub enable: bool,
    /// One of these, by chance.
    pub emojis: Vec<String>,
}

impl Default for PlatformSpecific {
    fn default() -> Self {
        let reacting = |emoji: &str| PreAcknowledgement {
            pre_ack_emoji: PreAcknowledgementEmoji {
                enable: false,
                emojis: vec![emoji.to_owned()],
            },
        };
        Self { telegram: reacting("✍️"), lark: reacting("Typing"), discord: reacting("🤔") }
    }
}

impl PlatformSpecific {
    /// The reactions to choose from on a platform of that type; none when it is switched off.
    pub fn reactions(&self, platform_type: &str) -> &[String] {
        let platform = match platform_type {
            "telegram" => &self.telegram,
            "lark" => &self.lark,
            "discord" => &self.discord,
            _ => return &[],
        };
        if platform.pre_ack_emoji.enable { &platform.pre_ack_emoji.emojis } else { &[] }
    }
}
