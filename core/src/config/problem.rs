//! A place in a document that does not fit, and the check against the schema.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

const MOST: usize = 50;

/// A place in a document that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// The place, as a JSON pointer; empty for the whole document.
    pub pointer: String,
    /// What is wrong there, without quoting the value.
    pub message: String,
}

impl Problem {
    /// A problem at that place.
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.as_str() {
            "" => f.write_str(&self.message),
            pointer => write!(f, "{pointer}: {}", self.message),
        }
    }
}

/// Appends a key to a JSON pointer.
pub(super) fn join(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// Everything in which the value differs from the schema.
///
/// A schema that is itself broken (a plugin may bring one) is a problem of the whole document.
pub(super) fn against_schema(value: &Value, schema: &Value) -> Vec<Problem> {
    let validator = match jsonschema::validator_for(schema) {
        Ok(validator) => validator,
        Err(error) => return vec![Problem::new("", format!("the schema is broken: {error}"))],
    };
    validator
        .iter_errors(value)
        .take(MOST)
        .map(|error| Problem::new(error.instance_path().as_str(), error.masked().to_string()))
        .collect()
}

/// Adds a problem for each value that occurs twice.
pub(super) fn unique<'a>(
    values: impl Iterator<Item = &'a str>,
    pointer: impl Fn(usize) -> String,
    problems: &mut Vec<Problem>,
) {
    let mut seen = std::collections::BTreeSet::new();
    for (index, value) in values.enumerate() {
        if !seen.insert(value) {
            problems.push(Problem::new(pointer(index), format!("{value:?} is there twice")));
        }
    }
}
