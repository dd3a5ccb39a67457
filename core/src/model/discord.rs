//! The data of components that only Discord shows.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::component::Component;
use super::lenient::text_or_number;
use super::segments::segments;
use super::shortened::write_shortened;

segments! {
    /// A Discord embed.
    DiscordEmbed {
        /// Its title.
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        /// Its text.
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// The colour of its edge, as 0xRRGGBB.
        #[serde(skip_serializing_if = "Option::is_none")]
        color: Option<u32>,
        /// Where its title leads.
        #[serde(skip_serializing_if = "Option::is_none")]
        url: Option<String>,
        /// A small picture.
        #[serde(skip_serializing_if = "Option::is_none")]
        thumbnail: Option<String>,
        /// A large picture.
        #[serde(skip_serializing_if = "Option::is_none")]
        image: Option<String>,
        /// The small print.
        #[serde(skip_serializing_if = "Option::is_none")]
        footer: Option<String>,
        /// Its table.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        fields: Vec<EmbedField>,
    }
    /// A row of a Discord embed's table.
    EmbedField {
        /// The heading.
        name: String,
        /// The text.
        value: String,
        /// Whether it may share a line.
        inline: bool,
    }
    /// A Discord button.
    DiscordButton {
        /// What it says.
        label: String,
        /// What is sent back when it is pressed.
        #[serde(skip_serializing_if = "Option::is_none")]
        custom_id: Option<String>,
        /// Its look; `primary` when empty.
        #[serde(skip_serializing_if = "String::is_empty")]
        style: String,
        /// Its emoji.
        #[serde(skip_serializing_if = "Option::is_none")]
        emoji: Option<String>,
        /// Where it leads.
        #[serde(skip_serializing_if = "Option::is_none")]
        url: Option<String>,
        /// Whether it is greyed out.
        disabled: bool,
    }
    /// A Discord message reference.
    DiscordReference {
        /// The message.
        #[serde(deserialize_with = "text_or_number")]
        message_id: String,
        /// Its channel.
        #[serde(deserialize_with = "text_or_number")]
        channel_id: String,
    }
    /// A set of Discord controls.
    DiscordView {
        /// The controls.
        components: Vec<Component>,
        /// After how many seconds they stop working.
        #[serde(skip_serializing_if = "Option::is_none")]
        timeout: Option<f64>,
    }
}
