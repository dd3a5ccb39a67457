//! One piece of a message, and its OneBot-style JSON: `{"type": "image", "data": {"file": "…"}}`.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::discord::{DiscordButton, DiscordEmbed, DiscordReference, DiscordView};
use super::segments::{
    At, Contact, Face, File, Forward, Image, Json, Location, Marker, Music, Node, Nodes, Plain,
    Poke, Record, Reply, Share, Video,
};
use super::shortened::write_shortened;

/// One piece of a message.
///
/// A kind that is not known, or whose data does not have the expected shape, is kept as
/// [`Component::Unknown`] and written back as it came.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub enum Component {
    /// Text.
    #[serde(rename = "text", alias = "plain", alias = "Plain")]
    Plain(Plain),
    /// A picture.
    Image(Image),
    /// A voice message.
    Record(Record),
    /// A video.
    Video(Video),
    /// Any other file.
    File(File),
    /// A platform emoji.
    Face(Face),
    /// A mention of one person or of everyone.
    At(At),
    /// A quote.
    Reply(Reply),
    /// A received bundle of forwarded messages.
    Forward(Forward),
    /// One message of a bundle to be sent.
    Node(Node),
    /// A bundle to be sent.
    Nodes(Nodes),
    /// A nudge.
    Poke(Poke),
    /// A card.
    Json(Json),
    /// A shared link.
    Share(Share),
    /// Music.
    Music(Music),
    /// A place.
    Location(Location),
    /// A recommended person or group.
    Contact(Contact),
    /// Rock, paper, scissors.
    Rps(Marker),
    /// A die.
    Dice(Marker),
    /// A shaken window.
    Shake(Marker),
    /// A Discord embed, outbound only.
    DiscordEmbed(DiscordEmbed),
    /// A Discord button, outbound only.
    DiscordButton(DiscordButton),
    /// A Discord message reference, outbound only.
    DiscordReference(DiscordReference),
    /// A set of Discord controls, outbound only.
    DiscordView(DiscordView),
    /// Anything else, as it came.
    #[serde(untagged)]
    Unknown(Unknown),
}

/// A component that this version cannot read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Unknown {
    /// What it calls itself.
    #[serde(rename = "type", default)]
    pub kind: Value,
    /// What it carries, and whatever else stood beside it.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Component {
    /// A piece of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Plain(Plain { text: text.into(), convert: true })
    }

    /// Its text, where it is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Plain(plain) => Some(&plain.text),
            _ => None,
        }
    }

    /// A short stand-in for logs, titles and the outline of a message.
    pub fn outline(&self) -> String {
        match self {
            Self::Plain(plain) => plain.text.clone(),
            Self::Image(_) => "[image]".to_owned(),
            Self::Record(_) => "[voice]".to_owned(),
            Self::Video(_) => "[video]".to_owned(),
            Self::File(file) => format!("[file:{}]", file.name),
            Self::Face(face) => format!("[face:{}]", face.id),
            Self::At(at) if at.name.is_empty() => format!("@{}", at.qq),
            Self::At(at) => format!("@{}", at.name),
            Self::Reply(reply) => format!("[reply:{}]", reply.id),
            Self::Forward(_) | Self::Node(_) | Self::Nodes(_) => "[forward]".to_owned(),
            Self::Share(share) => format!("[link:{}]", share.title),
            other => format!("[{}]", other.kind()),
        }
    }

    /// The `type` of its JSON form.
    pub fn kind(&self) -> String {
        if let Self::Unknown(unknown) = self {
            return unknown.kind.as_str().unwrap_or("unknown").to_owned();
        }
        match serde_json::to_value(self) {
            Ok(value) => value.get("type").and_then(Value::as_str).unwrap_or_default().to_owned(),
            Err(_) => String::new(),
        }
    }
}

impl fmt::Debug for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_shortened(self, f)
    }
}

#[cfg(test)]
mod tests;
