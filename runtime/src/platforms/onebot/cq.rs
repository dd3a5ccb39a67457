//! Messages in their text form (OneBot v11, "Message format: string"): `hi [CQ:at,qq=1]`.

use serde_json::{Map, Value, json};

/// How many segments a text may have; the rest stays text.
const MOST: usize = 2_000;

/// Reads a text into segments. Whatever is no well-formed code is text.
pub(super) fn segments(text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut plain = String::new();
    while let Some((before, after)) = rest.split_once("[CQ:") {
        let code = after.split_once(']').filter(|(code, _)| !code.contains('['));
        if found.len() >= MOST {
            break;
        }
        plain.push_str(before);
        if let Some((segment, tail)) = code.and_then(|(code, tail)| Some((segment(code)?, tail))) {
            push_text(&mut found, &mut plain);
            found.push(segment);
            rest = tail;
        } else {
            plain.push_str("[CQ:");
            rest = after;
        }
    }
    plain.push_str(rest);
    push_text(&mut found, &mut plain);
    found
}

fn push_text(found: &mut Vec<Value>, plain: &mut String) {
    if !plain.is_empty() {
        found.push(json!({ "type": "text", "data": { "text": unescaped(plain, false) } }));
        plain.clear();
    }
}

fn segment(code: &str) -> Option<Value> {
    let mut pieces = code.split(',');
    let kind = pieces.next()?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if kind.is_empty() || !kind.chars().all(fits) {
        return None;
    }
    let data: Map<String, Value> = pieces
        .filter_map(|piece| piece.split_once('='))
        .map(|(key, value)| (key.trim().to_owned(), Value::from(unescaped(value, true))))
        .collect();
    Some(json!({ "type": kind, "data": data }))
}

/// The entities of the format; a comma is one within a code only. `&amp;` goes last.
fn unescaped(text: &str, in_code: bool) -> String {
    let text = text.replace("&#91;", "[").replace("&#93;", "]");
    let text = if in_code { text.replace("&#44;", ",") } else { text };
    text.replace("&amp;", "&")
}
