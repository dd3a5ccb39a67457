//! Lists of entries with ids, as the documents hold them.
//!
//! They are read as plain JSON, so that one broken entry can be repaired beside the others.

use firstlight_core::config::is_masked;
use serde_json::{Map, Value, json};

use super::saving::no_such;
use crate::http::{ApiError, Code};

/// An entry as it was sent.
pub(in crate::api) type Entry = Map<String, Value>;

/// The list under that key, to be changed.
pub(super) fn list_mut<'v>(
    document: &'v mut Value,
    key: &str,
) -> Result<&'v mut Vec<Value>, ApiError> {
    let list = document.as_object_mut().map(|map| map.entry(key).or_insert_with(|| json!([])));
    list.and_then(Value::as_array_mut).ok_or_else(|| {
        let text = format!("{key} is not a list; repair the document as a whole first.");
        ApiError::with(Code::Invalid, text)
    })
}

/// The list under that key; empty when there is none.
pub(super) fn list<'v>(document: &'v Value, key: &str) -> &'v [Value] {
    document.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The id of an entry.
pub(super) fn id(entry: &Value) -> &str {
    text(entry, "id")
}

/// A text of an entry; empty when it has none.
pub(super) fn text<'v>(entry: &'v Value, key: &str) -> &'v str {
    entry.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The entry with that id.
pub(super) fn find<'v>(list: &'v [Value], wanted: &str) -> Option<&'v Value> {
    list.iter().find(|entry| id(entry) == wanted)
}

/// Adds an entry whose id is not taken.
pub(super) fn add(list: &mut Vec<Value>, thing: &str, entry: &Entry) -> Result<(), ApiError> {
    let entry = Value::Object(entry.clone());
    refuse_taken(list, thing, id(&entry))?;
    list.push(entry);
    Ok(())
}

/// Puts an entry in the place of the one with that id. Another id must not be taken.
pub(super) fn replace(
    list: &mut [Value],
    thing: &str,
    old: &str,
    entry: &Entry,
) -> Result<(), ApiError> {
    let entry = Value::Object(entry.clone());
    if id(&entry) != old {
        refuse_taken(list, thing, id(&entry))?;
    }
    let place = list.iter_mut().find(|entry| id(entry) == old);
    *place.ok_or_else(|| no_such(thing, old))? = entry;
    Ok(())
}

/// Takes the entry with that id out.
pub(super) fn remove(list: &mut Vec<Value>, thing: &str, wanted: &str) -> Result<(), ApiError> {
    let before = list.len();
    list.retain(|entry| id(entry) != wanted);
    if list.len() == before { Err(no_such(thing, wanted)) } else { Ok(()) }
}

fn refuse_taken(list: &[Value], thing: &str, id: &str) -> Result<(), ApiError> {
    if find(list, id).is_some() {
        let text = format!("There is a {thing} {id:?} already.");
        return Err(ApiError::with(Code::Conflict, text));
    }
    Ok(())
}

/// Refuses masks that do not come from what was shown of this very entry.
///
/// A mask is unique within one revision. Without the revision it came from, one that now belongs
/// to another entry would quietly send that entry's secret to this one's address.
pub(in crate::api) fn own_masks<'v>(
    entry: &Entry,
    shown: impl Iterator<Item = &'v Value>,
) -> Result<(), ApiError> {
    let mut known = Vec::new();
    shown.for_each(|value| collect(value, &mut known));
    let mut sent = Vec::new();
    entry.values().for_each(|value| collect(value, &mut sent));
    if sent.iter().all(|mask| known.contains(mask)) {
        return Ok(());
    }
    let text = "A masked value is not one of this entry's. Read it again, or enter the secret.";
    Err(ApiError::with(Code::Conflict, text))
}

fn collect<'v>(value: &'v Value, masks: &mut Vec<&'v str>) {
    match value {
        Value::String(text) if is_masked(text) => masks.push(text),
        Value::Array(items) => items.iter().for_each(|item| collect(item, masks)),
        Value::Object(map) => map.values().for_each(|item| collect(item, masks)),
        _ => {}
    }
}
