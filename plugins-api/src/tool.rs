//! Tools that a plugin offers to the model.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A function the model may call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// Its name, unique within the plugin.
    pub name: String,
    /// What it does, written for the model.
    pub description: String,
    /// A JSON Schema of the arguments; always of type `object`.
    pub parameters: Value,
}

impl Tool {
    /// A tool without arguments.
    pub fn without_arguments(name: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: description.into(),
            parameters: json!({ "type": "object", "properties": {}, "additionalProperties": false }),
        }
    }

    /// A tool whose arguments are the fields of `A`.
    pub fn with_arguments<A: JsonSchema>(
        name: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            description: description.into(),
            parameters: schemars::schema_for!(A).to_value(),
        }
    }
}
