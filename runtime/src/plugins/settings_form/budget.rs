//! How much may be filled in.
//!
//! An entry of a template list may be a few bytes and its defaults a hundred thousand: a small form
//! with many such entries would fill the memory.

use serde_json::Value;

/// What a value weighs beside its texts.
const NODE: usize = 16;

/// Bytes that may still be filled in, about. Once it does not suffice, it is used up.
#[derive(Debug)]
pub(super) struct Budget(Option<usize>);

impl Budget {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Some(bytes))
    }

    /// For settings that somebody saved.
    pub(super) fn of_settings() -> Self {
        Self::new(16 * 1024 * 1024)
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.0.is_none()
    }

    /// A copy of the value, if there is room for it.
    pub(super) fn copy(&mut self, value: &Value) -> Option<Value> {
        self.0 = self.0.and_then(|left| left.checked_sub(weight(value)));
        self.0.map(|_| value.clone())
    }
}

fn weight(value: &Value) -> usize {
    let inside = match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(members) => {
            members.iter().map(|(key, value)| key.len() + weight(value)).sum()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    NODE + inside
}
