//! A call of a handler, and what a plugin says about new settings.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Arguments, Event};

/// A message for one of a plugin's handlers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// The handler, by its name.
    pub handler: String,
    /// The message.
    pub event: Event,
    /// What a command was given.
    pub arguments: Arguments,
}

/// What a plugin does about new settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingsTaken {
    /// It goes on with them.
    Taken,
    /// It wants to be loaded again.
    LoadAgain,
}

/// The JSON Schema of a type, for [`Plugin::settings_schema`](crate::Plugin::settings_schema).
pub fn schema_of<T: JsonSchema>() -> Value {
    schemars::schema_for!(T).to_value()
}
