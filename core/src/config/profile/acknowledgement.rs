//! `platform_specific`: a reaction to a message that is for the bot, before work on it begins.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What single platforms can do beside messages, by the type of the platform.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// One of these, by chance. None: the one that is usual on the platform.
    pub emojis: Vec<String>,
}

impl PlatformSpecific {
    /// The reactions to choose from on a platform of that type; none when it is switched off.
    pub fn reactions(&self, platform_type: &str) -> Vec<String> {
        let (platform, usual) = match platform_type {
            "telegram" => (&self.telegram, "✍️"),
            "lark" => (&self.lark, "Typing"),
            "discord" => (&self.discord, "🤔"),
            _ => return Vec::new(),
        };
        let PreAcknowledgementEmoji { enable, emojis } = &platform.pre_ack_emoji;
        match (enable, emojis.as_slice()) {
            (false, _) => Vec::new(),
            (true, []) => vec![usual.to_owned()],
            (true, chosen) => chosen.to_vec(),
        }
    }
}
