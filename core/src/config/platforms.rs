//! Connections to chat platforms.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::{BuiltInChat, PlatformId};

use super::problem::{Problem, unique};

/// The document `platforms`. The web chat is built in and not listed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PlatformsConfig {
    /// The platform instances.
    pub platform: Vec<PlatformEntry>,
}

/// One platform instance. What its adapter needs stands beside these keys.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlatformEntry {
    /// The operator's name for it; the first part of its session keys.
    pub id: String,
    /// The adapter.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it is started.
    #[serde(default = "yes")]
    pub enable: bool,
    /// The adapter's own keys. They may hold secrets.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl std::fmt::Debug for PlatformEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PlatformEntry({}, {}, enable: {})", self.id, self.kind, self.enable)
    }
}

fn yes() -> bool {
    true
}

impl PlatformsConfig {
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        let pointer = |index: usize| format!("/platform/{index}/id");
        for (index, entry) in self.platform.iter().enumerate() {
            match PlatformId::new(&entry.id) {
                Err(error) => problems.push(Problem::new(pointer(index), error.to_string())),
                Ok(id) if BuiltInChat::of_platform(id.as_str()).is_some() => {
                    let message = format!("{id} is built in; choose another id");
                    problems.push(Problem::new(pointer(index), message));
                }
                Ok(_) => {}
            }
        }
        unique(self.platform.iter().map(|entry| entry.id.as_str()), pointer, problems);
    }
}
