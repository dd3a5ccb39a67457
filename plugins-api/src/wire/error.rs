//! Errors, as they cross the line.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{Capability, HostError, PluginError};

/// Why a call brought nothing. The kinds are those of [`HostError`] and [`PluginError`]; one that
/// the reader does not know counts as `failed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WireError {
    /// What kind of error, in one word.
    pub kind: String,
    /// The error for people.
    #[serde(default)]
    pub message: String,
    /// What else there is to tell, by kind.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub detail: Map<String, Value>,
}

impl WireError {
    /// An error without details.
    #[expect(clippy::needless_pass_by_value, reason = "errors and texts are both given")]
    pub fn new(kind: &str, message: impl ToString) -> Self {
        Self { kind: kind.to_owned(), message: message.to_string(), detail: Map::new() }
    }

    fn with(mut self, detail: Value) -> Self {
        if let Value::Object(detail) = detail {
            self.detail = detail;
        }
        self
    }

    fn text(&self, key: &str) -> String {
        self.detail.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

impl From<HostError> for WireError {
    fn from(error: HostError) -> Self {
        let new = |kind| Self::new(kind, &error);
        match &error {
            HostError::NotReady => new("not_ready"),
            HostError::Limit { what, limit } => {
                new("limit").with(json!({ "what": what, "limit": limit }))
            }
            HostError::Busy => new("busy"),
            HostError::Unknown { what, name } => {
                new("unknown").with(json!({ "what": what, "name": name }))
            }
            HostError::NotGranted { capability, reason } => {
                new("not_granted").with(json!({ "capability": capability, "reason": reason }))
            }
            HostError::Remote(_) => new("remote"),
            HostError::Failed(_) => new("failed"),
        }
    }
}

impl From<WireError> for HostError {
    fn from(error: WireError) -> Self {
        match error.kind.as_str() {
            "not_ready" => Self::NotReady,
            "busy" => Self::Busy,
            "remote" => Self::Remote(error.message),
            "limit" => {
                let limit = error.detail.get("limit").and_then(Value::as_u64).unwrap_or_default();
                Self::limit(error.text("what"), limit)
            }
            "unknown" => Self::unknown(error.text("what"), error.text("name")),
            "not_granted" => match Capability::named(&error.text("capability")) {
                Some(capability) => Self::NotGranted { capability, reason: error.text("reason") },
                None => Self::Failed(error.message),
            },
            _ => Self::Failed(error.message),
        }
    }
}

impl From<PluginError> for WireError {
    fn from(error: PluginError) -> Self {
        match error {
            PluginError::Settings(text) => Self::new("settings", text),
            PluginError::Unknown(text) => Self::new("unknown", text),
            PluginError::Arguments(text) => Self::new("arguments", text),
            PluginError::Fault(text) => Self::new("fault", text),
            PluginError::Failed(text) => Self::new("failed", text),
        }
    }
}

/// A plugin cannot say of itself that it is broken: the kind `fault` is the gateway's.
impl From<WireError> for PluginError {
    fn from(error: WireError) -> Self {
        match error.kind.as_str() {
            "settings" => Self::Settings(error.message),
            "unknown" => Self::Unknown(error.message),
            "arguments" => Self::Arguments(error.message),
            _ => Self::Failed(error.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_errors_of_the_host_are_the_same_at_the_other_end() {
        for error in [
            HostError::NotReady,
            HostError::limit("a value", 5),
            HostError::Busy,
            HostError::unknown("session", "x"),
            HostError::NotGranted { capability: Capability::Kv, reason: "load".into() },
            HostError::Remote("silence".into()),
            HostError::Failed("no".into()),
        ] {
            let written = serde_json::to_string(&WireError::from(error.clone())).unwrap();
            let read: WireError = serde_json::from_str(&written).unwrap();
            assert_eq!(HostError::from(read), error);
        }
        let newer = WireError::new("of_a_newer_host", "text");
        assert_eq!(HostError::from(newer), HostError::Failed("text".into()));
    }
}
