//! The form of a message that the web chat and the HTTP API speak.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How many parts a request may have.
pub const MAX_PARTS: usize = 64;
/// How many bytes the texts of a request may have together.
pub const MAX_TEXT: usize = 256 * 1024;

/// One part of a message, in requests and in the stored history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// Text.
    Plain {
        /// The text itself.
        text: String,
    },
    /// A quote of an earlier row of the history.
    Reply {
        /// The id of that row.
        message_id: Value,
        /// The passage that was marked, when not the whole.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        selected_text: String,
    },
    /// An uploaded picture.
    Image(MediaPart),
    /// An uploaded voice message.
    Record(MediaPart),
    /// An uploaded video.
    Video(MediaPart),
    /// Any other uploaded file.
    File(MediaPart),
    /// What the model thought; history only.
    Think {
        /// The thought.
        think: String,
    },
    /// Tools that the model called; history only.
    ToolCall {
        /// The calls.
        tool_calls: Vec<ToolCallRecord>,
    },
    /// A mention; history of groups only.
    At {
        /// Who.
        user_id: String,
        /// The name that was shown.
        #[serde(default)]
        name: String,
    },
}

/// A reference to an uploaded file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MediaPart {
    /// The upload's id.
    pub attachment_id: String,
    /// Its name, filled in when stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Its name on disk, where that differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored_filename: Option<String>,
}

/// One call of a tool, as the history keeps it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolCallRecord {
    /// The model's id of the call.
    pub id: String,
    /// The tool.
    pub name: String,
    /// What it was called with.
    #[serde(default)]
    pub args: Value,
    /// When it began, in Unix seconds.
    #[serde(default)]
    pub ts: f64,
    /// What it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// When it ended, in Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_ts: Option<f64>,
}

/// Why the message of a request was refused. Indexes count from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// Neither a text nor an array.
    #[error("message must be a text or an array of parts")]
    Shape,
    /// Nothing in it but quotes.
    #[error("message must hold something other than quotes")]
    Empty,
    /// Too many parts.
    #[error("message has {found} parts, at most {MAX_PARTS} are allowed")]
    TooMany {
        /// How many there were.
        found: usize,
    },
    /// Too much text.
    #[error("the texts of message have more than {MAX_TEXT} bytes")]
    TooLong,
    /// A part is no object with a `type`.
    #[error("message[{index}] must be an object with a `type`")]
    NotAPart {
        /// Which part.
        index: usize,
    },
    /// A part has a type that requests cannot have.
    #[error("message[{index}].type is {found:?}; allowed are {}", REQUEST_TYPES.join(", "))]
    UnknownType {
        /// Which part.
        index: usize,
        /// Its type, cut to a sensible length.
        found: String,
    },
    /// A field is missing or has the wrong type.
    #[error("message[{index}].{field} must be {expected}")]
    Field {
        /// Which part.
        index: usize,
        /// Which field.
        field: &'static str,
        /// What belongs there.
        expected: &'static str,
    },
}

const REQUEST_TYPES: &[&str] = &["plain", "reply", "image", "record", "video", "file"];

/// Reads the `message` of a request: a text, or an array of parts.
pub fn parse_request(message: &Value) -> Result<Vec<Part>, PartError> {
    let parts = match message {
        Value::String(text) => vec![Part::Plain { text: text.clone() }],
        Value::Array(items) if items.len() > MAX_PARTS => {
            return Err(PartError::TooMany { found: items.len() });
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| Fields::of(index, item)?.part())
            .collect::<Result<_, _>>()?,
        _ => return Err(PartError::Shape),
    };
    let text: usize = parts.iter().map(Part::text_len).sum();
    if text > MAX_TEXT {
        return Err(PartError::TooLong);
    }
    if parts.iter().any(Part::says_something) { Ok(parts) } else { Err(PartError::Empty) }
}

impl Part {
    /// A piece of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Plain { text: text.into() }
    }

    /// Reads a part of a stored row; older spellings of thoughts are understood.
    pub fn from_stored(value: &Value) -> Option<Self> {
        if value.get("type").and_then(Value::as_str) == Some("think") {
            let think = ["think", "reasoning", "text"].iter().find_map(|key| value.get(key))?;
            return Some(Self::Think { think: think.as_str()?.to_owned() });
        }
        serde_json::from_value(value.clone()).ok()
    }

    /// The upload it refers to.
    pub fn attachment_id(&self) -> Option<&str> {
        match self {
            Self::Image(media) | Self::Record(media) | Self::Video(media) | Self::File(media) => {
                Some(&media.attachment_id)
            }
            _ => None,
        }
    }

    fn says_something(&self) -> bool {
        match self {
            Self::Plain { text } => !text.trim().is_empty(),
            Self::Reply { .. } => false,
            _ => true,
        }
    }

    fn text_len(&self) -> usize {
        match self {
            Self::Plain { text } => text.len(),
            Self::Reply { selected_text, .. } => selected_text.len(),
            _ => 0,
        }
    }
}

struct Fields<'a> {
    index: usize,
    kind: &'a str,
    map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    fn of(index: usize, item: &'a Value) -> Result<Self, PartError> {
        let map = item.as_object().ok_or(PartError::NotAPart { index })?;
        let kind = map.get("type").and_then(Value::as_str).ok_or(PartError::NotAPart { index })?;
        Ok(Self { index, kind, map })
    }

    fn part(&self) -> Result<Part, PartError> {
        match self.kind {
            "plain" => Ok(Part::Plain { text: self.text("text")? }),
            "reply" => Ok(Part::Reply {
                message_id: self.row_id()?,
                selected_text: match self.map.get("selected_text") {
                    None | Some(Value::Null) => String::new(),
                    Some(_) => self.text("selected_text")?,
                },
            }),
            "image" => self.media().map(Part::Image),
            "record" => self.media().map(Part::Record),
            "video" => self.media().map(Part::Video),
            "file" => self.media().map(Part::File),
            other => Err(PartError::UnknownType {
                index: self.index,
                found: other.chars().take(32).collect(),
            }),
        }
    }

    fn text(&self, field: &'static str) -> Result<String, PartError> {
        match self.map.get(field) {
            Some(Value::String(text)) => Ok(text.clone()),
            _ => Err(self.wrong(field, "a text")),
        }
    }

    fn row_id(&self) -> Result<Value, PartError> {
        match self.map.get("message_id") {
            Some(id @ Value::Number(_)) => Ok(id.clone()),
            Some(Value::String(id)) if !id.is_empty() => Ok(Value::String(id.clone())),
            _ => Err(self.wrong("message_id", "the id of a message")),
        }
    }

    fn media(&self) -> Result<MediaPart, PartError> {
        let attachment_id = self.text("attachment_id")?;
        if attachment_id.is_empty() {
            return Err(self.wrong("attachment_id", "the id of an upload"));
        }
        Ok(MediaPart { attachment_id, filename: None, stored_filename: None })
    }

    fn wrong(&self, field: &'static str, expected: &'static str) -> PartError {
        PartError::Field { index: self.index, field, expected }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_is_one_plain_part() {
        assert_eq!(parse_request(&json!("hi")), Ok(vec![Part::text("hi")]));
    }

    #[test]
    fn every_request_form_is_read() {
        let parts = parse_request(&json!([
            {"type": "reply", "message_id": 7, "selected_text": "that"},
            {"type": "plain", "text": "look"},
            {"type": "image", "attachment_id": "a", "path": "/etc/passwd", "filename": "x"},
        ]))
        .unwrap();
        let media = MediaPart { attachment_id: "a".into(), ..MediaPart::default() };
        assert_eq!(
            parts,
            vec![
                Part::Reply { message_id: 7.into(), selected_text: "that".into() },
                Part::text("look"),
                Part::Image(media),
            ]
        );
    }

    #[test]
    fn wrong_messages_say_which_part_and_why() {
        let check = |message: Value, expected: PartError| {
            assert_eq!(parse_request(&message), Err(expected), "{message}");
        };
        check(json!(7), PartError::Shape);
        check(json!(""), PartError::Empty);
        check(json!([]), PartError::Empty);
        check(json!([{"type": "reply", "message_id": "1"}]), PartError::Empty);
        check(json!([{"text": "hi"}]), PartError::NotAPart { index: 0 });
        check(json!(["hi", {"type": "plain", "text": 1}]), PartError::NotAPart { index: 0 });
        check(
            json!([{"type": "plain", "text": 1}]),
            PartError::Field { index: 0, field: "text", expected: "a text" },
        );
        check(
            json!([{"type": "think", "think": "hm"}]),
            PartError::UnknownType { index: 0, found: "think".into() },
        );
        check(
            json!([{"type": "file", "attachment_id": ""}]),
            PartError::Field { index: 0, field: "attachment_id", expected: "the id of an upload" },
        );
        check(json!(vec!["x"; 65]), PartError::TooMany { found: 65 });
        check(json!("x".repeat(MAX_TEXT + 1)), PartError::TooLong);
    }

    #[test]
    fn stored_parts_survive_and_old_thoughts_are_understood() {
        let stored = json!({"type": "tool_call", "tool_calls": [{"id": "1", "name": "t", "args": {}, "ts": 1.0}]});
        let part = Part::from_stored(&stored).unwrap();
        assert_eq!(serde_json::to_value(part).unwrap(), stored);
        assert_eq!(
            Part::from_stored(&json!({"type": "think", "reasoning": "hm"})),
            Some(Part::Think { think: "hm".into() })
        );
    }
}
