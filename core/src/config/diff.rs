//! What changed between two revisions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::mask::mask;
use super::problem::join;

/// One place that differs. Secrets are masked; that they differ is still seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The place, as a JSON pointer.
    pub pointer: String,
    /// What was there; absent when it was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What is there now; absent when it was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// Every place in which the two differ, in the order of the document.
pub(super) fn changes(before: &Value, after: &Value, schema: &Value) -> Vec<Change> {
    let mut pointers = Vec::new();
    compare(Some(before), Some(after), "", &mut pointers);
    let (before, after) = (mask(before, schema), mask(after, schema));
    let at = |value: &Value, pointer: &str| value.pointer(pointer).cloned();
    pointers
        .into_iter()
        .map(|pointer| Change {
            before: at(&before, &pointer),
            after: at(&after, &pointer),
            pointer,
        })
        .collect()
}

fn compare(before: Option<&Value>, after: Option<&Value>, at: &str, found: &mut Vec<String>) {
    match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            for (key, value) in before {
                compare(Some(value), after.get(key), &join(at, key), found);
            }
            for (key, value) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
                compare(None, Some(value), &join(at, key), found);
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) => {
            for index in 0..before.len().max(after.len()) {
                let at = join(at, &index.to_string());
                compare(before.get(index), after.get(index), &at, found);
            }
        }
        (before, after) if before == after => {}
        _ => found.push(at.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::schema;
    use super::*;

    #[test]
    fn every_difference_is_named_and_no_secret_is_shown() {
        let before = json!({
            "provider_sources": [{"id": "a", "key": ["old"], "gone": 1}],
            "a/b": true,
        });
        let after = json!({
            "provider_sources": [{"id": "a", "key": ["new", "env:X"]}],
            "a/b": false,
        });
        let found = changes(&before, &after, &schema::PROVIDERS);
        let change = |pointer: &str, before: Option<Value>, after: Option<Value>| Change {
            pointer: pointer.into(),
            before,
            after,
        };
        assert_eq!(
            found,
            [
                change("/a~1b", Some(json!(true)), Some(json!(false))),
                change("/provider_sources/0/gone", Some(json!(1)), None),
                change("/provider_sources/0/key/0", Some(json!("••••")), Some(json!("••••"))),
                change("/provider_sources/0/key/1", None, Some(json!("env:X"))),
            ]
        );
    }
}
