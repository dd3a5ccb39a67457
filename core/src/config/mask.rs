//! Hiding secrets in what is read, and finding them again in what is saved.
//!
//! A masked value is [`MASK`], then the last four characters of a long secret, then `·N` when the
//! document has several that would look alike. No stored value may begin with [`MASK`], so a
//! masked value can be told from any other; and within one revision each stands for one secret.

use std::collections::BTreeMap;

use serde_json::Value;

use super::problem::{Problem, join};
use super::schema::Place;
use super::secret::is_reference;

/// How every masked value begins.
pub const MASK: &str = "••••";
/// A secret shorter than this shows nothing of itself.
const LONG: usize = 16;
const SHOWN: usize = 4;

/// Whether a value stands for a secret.
pub fn is_masked(text: &str) -> bool {
    text.starts_with(MASK)
}

/// The value with every secret replaced by its mask.
pub fn mask(value: &Value, schema: &Value) -> Value {
    let mut masks = Masks::default();
    masks.hide(value, &Place::root(schema))
}

/// The masks of one value, in the order of the document.
#[derive(Default)]
struct Masks {
    used: BTreeMap<String, usize>,
    originals: BTreeMap<String, Original>,
}

struct Original {
    value: Value,
    /// Secret by its content, so it may stand anywhere and will be masked there again.
    by_content: bool,
}

impl Masks {
    fn hide(&mut self, value: &Value, place: &Place<'_>) -> Value {
        match value {
            Value::Object(map) => map
                .iter()
                .map(|(key, value)| (key.clone(), self.hide(value, &place.member(key))))
                .collect(),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| self.hide(item, &place.item(index)))
                .collect(),
            Value::String(text) => match secret_by(text, place) {
                Some(by_content) => self.replace(text, value, by_content),
                None => value.clone(),
            },
            Value::Number(number) if place.is_marked() => {
                self.replace(&number.to_string(), value, false)
            }
            other => other.clone(),
        }
    }

    fn replace(&mut self, text: &str, value: &Value, by_content: bool) -> Value {
        let length = text.chars().count();
        let hidden = if length < LONG { length } else { length - SHOWN };
        let tail: String = text.chars().skip(hidden).collect();
        let base = format!("{MASK}{tail}");
        let count = self.used.entry(base.clone()).or_default();
        *count += 1;
        let name = if *count == 1 { base } else { format!("{base}·{count}") };
        self.originals.insert(name.clone(), Original { value: value.clone(), by_content });
        Value::String(name)
    }
}

/// Whether a text is secret where it stands, and if so whether by its content alone.
fn secret_by(text: &str, place: &Place<'_>) -> Option<bool> {
    if text.is_empty() || is_reference(text) {
        None
    } else if place.is_secret() {
        Some(false)
    } else {
        holds_password(text).then_some(true)
    }
}

/// Whether the text is an address with a password in it: `scheme://user:password@host`.
pub(crate) fn holds_password(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}

/// The value with every mask replaced by the secret of `stored` that it stands for.
///
/// A mask that stands for nothing, or that has been moved to where it would be shown, is refused.
pub(super) fn unmask(
    value: Value,
    stored: Option<&Value>,
    schema: &Value,
) -> Result<Value, Vec<Problem>> {
    let mut masks = Masks::default();
    if let Some(stored) = stored {
        masks.hide(stored, &Place::root(schema));
    }
    let mut problems = Vec::new();
    let value = restore(value, &Place::root(schema), "", &masks, &mut problems);
    if problems.is_empty() { Ok(value) } else { Err(problems) }
}

fn restore(
    value: Value,
    place: &Place<'_>,
    pointer: &str,
    masks: &Masks,
    problems: &mut Vec<Problem>,
) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| {
                let at = join(pointer, &key);
                let value = restore(value, &place.member(&key), &at, masks, problems);
                (key, value)
            })
            .collect(),
        Value::Array(items) => items
            .into_iter()
            .enumerate()
            .map(|(index, item)| {
                let at = join(pointer, &index.to_string());
                restore(item, &place.item(index), &at, masks, problems)
            })
            .collect(),
        Value::String(text) if is_masked(&text) => match masks.originals.get(&text) {
            Some(original) if original.by_content || place.is_secret() => original.value.clone(),
            Some(_) => {
                problems.push(Problem::new(pointer, "a secret must not be moved to here"));
                Value::String(text)
            }
            None => {
                let message = "this masked value stands for no stored secret; enter the secret";
                problems.push(Problem::new(pointer, message));
                Value::String(text)
            }
        },
        other => other,
    }
}

#[cfg(test)]
mod tests;
