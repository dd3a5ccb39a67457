//! Settings as a tree of JSON values whose leaves have dotted names.

use serde_json::{Map, Value};

use super::values::Settings;

/// A dotted name and the value there.
pub(super) type Leaf = (String, Value);

/// The default settings as a tree. An optional setting is a `null` leaf, so every key is there.
pub(super) fn defaults() -> Value {
    serde_json::to_value(Settings::default()).unwrap_or_default()
}

/// All leaves: whatever is not a table.
pub(super) fn leaves(tree: &Value) -> Vec<Leaf> {
    let mut found = Vec::new();
    collect(tree, "", &mut found);
    found
}

fn collect(value: &Value, at: &str, found: &mut Vec<Leaf>) {
    match value {
        Value::Object(table) => {
            for (key, value) in table {
                let name = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                collect(value, &name, found);
            }
        }
        leaf => found.push((at.to_owned(), leaf.clone())),
    }
}

/// Replaces the leaf of that name.
pub(super) fn replace(tree: &mut Value, name: &str, value: Value) {
    let mut at = tree;
    for key in name.split('.') {
        let Value::Object(table) = at else { return };
        at = table.entry(key).or_insert_with(|| Value::Object(Map::new()));
    }
    *at = value;
}

/// The environment variable of a setting.
pub(super) fn variable_of(name: &str) -> String {
    format!("FIRSTLIGHT_{}", name.replace('.', "_").to_uppercase())
}

/// A text from a variable or a flag, read as the kind of value that stands there by default.
pub(super) fn typed(text: &str, default: &Value) -> Result<Value, String> {
    match default {
        Value::Bool(_) => match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(Value::Bool(true)),
            "0" | "false" | "no" | "off" => Ok(Value::Bool(false)),
            _ => Err(format!("{text:?} is neither true nor false")),
        },
        Value::Number(_) => match text.trim().parse::<u64>() {
            Ok(number) => Ok(number.into()),
            Err(_) => Err(format!("{text:?} is not a whole number")),
        },
        Value::Array(_) => Ok(text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(Value::from)
            .collect()),
        Value::Null if text.is_empty() => Ok(Value::Null),
        _ => Ok(Value::from(text)),
    }
}

/// The known name that looks most like the given one, if any does.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    known
        .map(|candidate| {
            let whole = strsim::normalized_damerau_levenshtein(name, candidate);
            let tail = strsim::normalized_damerau_levenshtein(&last(name), &last(candidate));
            (whole.max(tail * 0.95), candidate)
        })
        .filter(|(likeness, _)| *likeness > 0.6)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate.to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_settings_share_a_variable() {
        let leaves = leaves(&defaults());
        let variables: BTreeSet<String> =
            leaves.iter().map(|(name, _)| variable_of(name)).collect();
        assert_eq!(variables.len(), leaves.len());
        assert!(variables.contains("FIRSTLIGHT_DATA_DIR"), "{variables:?}");
        assert!(variables.contains("FIRSTLIGHT_LISTEN"), "{variables:?}");
        assert!(variables.contains("FIRSTLIGHT_MODEL_METADATA_URL"), "{variables:?}");
    }

    #[test]
    fn the_defaults_come_back_unchanged() {
        let back: Settings = serde_json::from_value(defaults()).unwrap();
        assert_eq!(back, Settings::default());
    }
}
