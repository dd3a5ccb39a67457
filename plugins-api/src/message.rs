//! What is said: pieces in order.
//!
//! The JSON form of a piece is the OneBot one, `{"type": "text", "data": {"text": "…"}}`. Fields
//! that this crate does not name are kept in `more`, so a piece that passes through a plugin is
//! what it was.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A message: its pieces in order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Message {
    /// The pieces.
    pub pieces: Vec<Piece>,
}

/// One piece of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub enum Piece {
    /// Text.
    Text {
        /// The text itself.
        text: String,
        /// Further fields.
        #[serde(flatten)]
        more: Map<String, Value>,
    },
    /// A mention of one person, or of everyone when the id is `all`.
    At {
        /// The platform's id of the person.
        qq: String,
        /// The name to show.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        name: String,
    },
    /// A picture.
    Image(Media),
    /// A voice message.
    Record(Media),
    /// A video.
    Video(Media),
    /// Any other file.
    File(Media),
    /// A quote of an earlier message.
    Reply(Quote),
    /// Anything else, in its JSON form.
    #[serde(untagged)]
    Other(Value),
}

/// Where a picture, voice, video or file is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Media {
    /// A media reference: `http(s)://`, `base64://`, `data:` or the gateway's own.
    pub file: String,
    /// Where it can be fetched; wins over `file`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// The file's name to show.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Further fields.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// A quote.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quote {
    /// The id of the quoted message.
    pub id: String,
    /// Who wrote it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sender_id: String,
    /// Its plain text, where the platform tells.
    #[serde(rename = "message_str", skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Further fields.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Piece {
    /// A piece of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), more: Map::new() }
    }

    /// A mention of one person.
    pub fn mention(id: impl Into<String>) -> Self {
        Self::At { qq: id.into(), name: String::new() }
    }

    /// A picture by its address.
    pub fn image(url: impl Into<String>) -> Self {
        Self::Image(Media { file: url.into(), ..Media::default() })
    }

    /// Its text, where it is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text { text, .. } => Some(text),
            _ => None,
        }
    }
}

impl Message {
    /// A message of one text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { pieces: vec![Piece::text(text)] }
    }

    /// The same with one piece more.
    #[must_use]
    pub fn and(mut self, piece: Piece) -> Self {
        self.pieces.push(piece);
        self
    }

    /// All its text, pieces joined by a space.
    pub fn plain_text(&self) -> String {
        self.pieces.iter().filter_map(Piece::as_text).collect::<Vec<_>>().join(" ")
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_named_here_survives_a_plugin() {
        let sent = json!([
            {"type": "text", "data": {"text": "hi", "convert": false}},
            {"type": "at", "data": {"qq": "42"}},
            {"type": "image", "data": {"file": "a.png", "url": "http://x/a.png", "sub": 1}},
            {"type": "reply", "data": {"id": "7", "message_str": "before", "time": 5}},
            {"type": "poke", "data": {"id": "1"}},
        ]);
        let message: Message = serde_json::from_value(sent.clone()).unwrap();
        assert!(matches!(message.pieces.last(), Some(Piece::Other(_))));
        assert_eq!(serde_json::to_value(&message).unwrap(), sent);
    }
}
