//! How components look in logs: long texts are cut and inline media is left out.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

const SHOWN: usize = 64;

pub(super) fn write_shortened(value: &impl Serialize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match serde_json::to_value(value) {
        Ok(value) => write!(f, "{}", shortened(value)),
        Err(error) => write!(f, "<{error}>"),
    }
}

fn shortened(value: Value) -> Value {
    match value {
        Value::String(text) if text.starts_with("base64://") || text.starts_with("data:") => {
            Value::String(format!("<inline media, {} bytes>", text.len()))
        }
        Value::String(mut text) => {
            if let Some((end, _)) = text.char_indices().nth(SHOWN) {
                text.truncate(end);
                text.push('…');
            }
            Value::String(text)
        }
        Value::Array(items) => items.into_iter().map(shortened).collect(),
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(key, value)| (key, shortened(value))).collect())
        }
        other => other,
    }
}
