//! Reading the segments of a message (OneBot v11, "Message segments").
//!
//! What a stranger sends names no place on this machine: of media only an `http(s)` address is
//! kept, inline data, or the client's own name for the file.

use firstlight_core::model::{ChainLimits, ChainRefused, Component, MessageChain};
use serde_json::{Map, Value, json};

use super::cq;
use super::event::id;

/// How long the client's own name of a file may be.
const LONGEST_NAME: usize = 1_024;
/// Keys of media that could name a place.
const PLACES: &[&str] = &["url", "file", "path", "cover", "thumb", "image", "audio"];

/// Reads a message in either form: segments, or a text with codes.
pub(super) fn read(message: &Value) -> Result<Vec<Component>, ChainRefused> {
    let segments = match message {
        Value::String(text) => cq::segments(text),
        Value::Array(segments) => segments.clone(),
        segment @ Value::Object(_) => vec![segment.clone()],
        _ => return Err(ChainRefused::Shape),
    };
    let segments = segments.into_iter().map(safe).collect();
    Ok(MessageChain::from_segments(Value::Array(segments), ChainLimits::default())?.chain)
}

/// The text of a message: without the first mention of the bot, other mentions by name.
pub(super) fn text(chain: &[Component], account: &str) -> String {
    let mut text = String::new();
    let mut addressed = false;
    for component in chain {
        match component {
            Component::Plain(plain) => text.push_str(&plain.text),
            Component::At(at) if at.is_all() => {}
            Component::At(at) if at.qq == account && !addressed => addressed = true,
            Component::At(at) if at.name.is_empty() => {
                text.push_str(" @");
                text.push_str(&at.qq);
                text.push(' ');
            }
            Component::At(at) => {
                text.push_str(" @");
                text.push_str(&at.name);
                text.push('(');
                text.push_str(&at.qq);
                text.push_str(") ");
            }
            _ => {}
        }
    }
    text.trim().to_owned()
}

/// A segment with nothing in it that points into this machine, in the shape of the model.
fn safe(segment: Value) -> Value {
    let Value::Object(mut map) = segment else { return segment };
    let kind = map.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if !map.get("data").is_some_and(Value::is_object) {
        map.insert("data".to_owned(), json!({}));
    }
    let Some(Value::Object(data)) = map.get_mut("data") else { return Value::Object(map) };
    match kind.as_str() {
        "file" => *data = file(data),
        // Markdown is text to us.
        "markdown" => {
            let content = data.get("content").and_then(Value::as_str).unwrap_or_default();
            return json!({ "type": "text", "data": { "text": content } });
        }
        // Quoted content is asked for by its id, not believed.
        "reply" => *data = data.get("id").map(|id| one("id", id.clone())).unwrap_or_default(),
        _ => harmless(data, 0),
    }
    Value::Object(map)
}

/// A file: each by its own id, which is what its address is asked for with.
fn file(data: &Map<String, Value>) -> Map<String, Value> {
    let text = |keys: &[&str]| keys.iter().find_map(|key| id(data, key));
    let name = text(&["file_name", "name", "file"]).unwrap_or_default();
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let own = text(&["file_id", "id"]).filter(|own| is_file_id(own));
    let url = text(&["url", "file"]).filter(|url| is_web(url));
    let mut safe = Map::new();
    safe.insert("name".to_owned(), name.into());
    safe.insert("file".to_owned(), own.unwrap_or_default().into());
    safe.insert("url".to_owned(), url.unwrap_or_default().into());
    safe
}

/// Removes what points into a machine, at any depth.
fn harmless(data: &mut Map<String, Value>, depth: usize) {
    places(data);
    if depth > ChainLimits::default().depth {
        // Too deep to be read anyway; refused by the limits.
        return;
    }
    for value in data.values_mut() {
        match value {
            Value::Object(inner) => harmless(inner, depth + 1),
            Value::Array(items) => {
                for inner in items.iter_mut().filter_map(Value::as_object_mut) {
                    harmless(inner, depth + 1);
                }
            }
            _ => {}
        }
    }
}

fn places(data: &mut Map<String, Value>) {
    for key in PLACES {
        let Some(value) = data.get(*key) else { continue };
        let keep = match value {
            Value::String(text) if *key == "file" => {
                is_web(text) || is_inline(text) || is_name(text)
            }
            Value::String(text) => is_web(text) || is_inline(text),
            _ => true,
        };
        if !keep {
            data.remove(*key);
        }
    }
}

pub(super) fn is_web(text: &str) -> bool {
    let begins = |scheme: &str| {
        text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    begins("http://") || begins("https://")
}

pub(super) fn is_inline(text: &str) -> bool {
    text.starts_with("base64://") || text.starts_with("data:")
}

/// Whether it is the client's own name for something: no path and no address.
pub(super) fn is_name(text: &str) -> bool {
    let fits = |c: char| !c.is_control() && !matches!(c, '/' | '\\' | ':');
    !text.is_empty() && text.len() <= LONGEST_NAME && text.chars().all(fits) && !text.contains("..")
}

/// Whether it is the client's own id of a file; those of group files begin with a slash.
pub(super) fn is_file_id(text: &str) -> bool {
    is_name(text.strip_prefix('/').unwrap_or(text))
}

fn one(key: &str, value: Value) -> Map<String, Value> {
    Map::from_iter([(key.to_owned(), value)])
}
