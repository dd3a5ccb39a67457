//! Connections to models: sources (where and with which key) and providers (which model).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::problem::{Problem, unique};
use super::secret::Secret;

/// The document `providers`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ProvidersConfig {
    /// Where models are reached, and with which keys.
    pub provider_sources: Vec<ProviderSource>,
    /// The models. Each is its source overlaid by its own keys.
    pub provider: Vec<ProviderEntry>,
}

/// Where models are reached. What one adapter alone needs stands beside these keys.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ProviderSource {
    /// The operator's name for it.
    pub id: String,
    /// The adapter.
    #[serde(rename = "type")]
    pub kind: String,
    /// The brand behind the address.
    pub provider: String,
    /// What it is for: `chat_completion`, `embedding` ...
    pub provider_type: String,
    /// The keys, used in turn.
    pub key: Vec<Secret>,
    /// The address of the API.
    pub api_base: String,
    /// A proxy for this source alone.
    pub proxy: String,
    /// Sent with each request. Values count as secret, because this is where keys of gateways go.
    pub custom_headers: BTreeMap<String, Secret>,
    /// The adapter's own keys. They may hold secrets.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// One model.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProviderEntry {
    /// The operator's name for it; what sessions and profiles choose by.
    pub id: String,
    /// The source, for those that have one.
    #[serde(default)]
    pub provider_source_id: String,
    /// The model to ask for.
    #[serde(default)]
    pub model: String,
    /// Whether it is loaded.
    #[serde(default = "yes")]
    pub enable: bool,
    /// What the model takes: `text`, `image`, `audio`, `tool_use`. Empty means everything.
    #[serde(default)]
    pub modalities: Vec<String>,
    /// The size of its context window. 0 means: look it up.
    #[serde(default)]
    pub max_context_tokens: u64,
    /// Laid over each request body.
    #[serde(default)]
    pub custom_extra_body: Map<String, Value>,
    /// The adapter's own keys, and those that overlay the source's. They may hold secrets.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl fmt::Debug for ProviderSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProviderSource({}, {}, {} keys)", self.id, self.kind, self.key.len())
    }
}

impl fmt::Debug for ProviderEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProviderEntry({}, {})", self.id, self.model)
    }
}

fn yes() -> bool {
    true
}

impl ProvidersConfig {
    /// What a first start finds: the built-in demo, so that it can be talked to without a key.
    pub(super) fn first() -> Value {
        json!({
            "provider_sources": [],
            "provider": [{
                "id": "demo",
                "type": "demo_chat_completion",
                "provider_type": "chat_completion",
                "model": "demo",
                "enable": true,
            }],
        })
    }

    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        let source_id = |index: usize| format!("/provider_sources/{index}/id");
        let provider_id = |index: usize| format!("/provider/{index}/id");
        let sources = || self.provider_sources.iter().map(|source| source.id.as_str());
        let providers = || self.provider.iter().map(|provider| provider.id.as_str());
        let missing = |(index, id): (usize, &str), pointer: &dyn Fn(usize) -> String| {
            id.trim().is_empty().then(|| Problem::new(pointer(index), "an id is missing"))
        };
        problems.extend(sources().enumerate().filter_map(|entry| missing(entry, &source_id)));
        problems.extend(providers().enumerate().filter_map(|entry| missing(entry, &provider_id)));
        unique(sources(), source_id, problems);
        unique(providers(), provider_id, problems);
        let known: BTreeSet<&str> = sources().collect();
        for (index, provider) in self.provider.iter().enumerate() {
            let wanted = provider.provider_source_id.as_str();
            if !wanted.is_empty() && !known.contains(wanted) {
                let pointer = format!("/provider/{index}/provider_source_id");
                problems.push(Problem::new(pointer, format!("there is no source {wanted:?}")));
            }
        }
    }
}
