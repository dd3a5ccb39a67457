//! What is known about models.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::providers::ProviderMeta;

/// The context window of a model of which nothing is known.
const FALLBACK_CONTEXT: u64 = 128_000;

/// What is known about models. Clones are the same; it outlives the runtime, so that the rows that
/// repair a configuration can use it too.
#[derive(Debug, Clone, Default)]
pub struct Metadata {
    current: Arc<RwLock<Arc<Catalogue>>>,
}

/// All that one fetch brought.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Catalogue {
    /// When it was fetched.
    pub(super) fetched_at: Timestamp,
    /// By `brand/model` and by `model` alone, in lower case.
    pub(super) models: BTreeMap<String, ModelInfo>,
}

/// What is known about one model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Tokens that fit into its context; 0 if unknown.
    pub context: u64,
    /// Tokens that it answers at most; 0 if unknown.
    pub output: u64,
    /// What it takes.
    pub input: Vec<Modality>,
    /// Whether it asks for tools.
    pub tool_call: bool,
    /// Whether it thinks before it answers.
    pub reasoning: bool,
}

/// A kind of input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Modality {
    /// Text.
    Text,
    /// Images.
    Image,
    /// Sound.
    Audio,
    /// Moving images.
    Video,
    /// PDF documents.
    Pdf,
    /// Something that this version does not know.
    #[serde(other)]
    Other,
}

impl Metadata {
    /// The size of a provider's context window: as configured, else as known, else a guess.
    pub fn context_limit(&self, provider: &ProviderMeta) -> u64 {
        let configured = Some(provider.max_context_tokens).filter(|limit| *limit > 0);
        let known = || self.model(&provider.brand, &provider.model).map(|model| model.context);
        configured.or_else(known).filter(|limit| *limit > 0).unwrap_or(FALLBACK_CONTEXT)
    }

    /// What is known about a brand's model. Names are compared without their case; a model that is
    /// named with its maker (`openai/gpt-4o`) is also found without it.
    pub fn model(&self, brand: &str, model: &str) -> Option<ModelInfo> {
        let (brand, model) = (brand.to_lowercase(), model.to_lowercase());
        let bare = model.rsplit('/').next().unwrap_or_default();
        let catalogue = self.catalogue();
        let names = [format!("{brand}/{model}"), model.clone(), bare.to_owned()];
        names.iter().find_map(|name| catalogue.models.get(name)).cloned()
    }

    /// What is known about each of these models, in the form of the dashboard.
    pub fn described(&self, brand: &str, models: &[String]) -> Map<String, Value> {
        let known = models.iter().filter_map(|id| Some((id, self.model(brand, id)?)));
        known.map(|(id, model)| (id.clone(), model.described(id))).collect()
    }

    /// When what is known was fetched, if anything is known.
    pub fn fetched_at(&self) -> Option<Timestamp> {
        let catalogue = self.catalogue();
        (!catalogue.models.is_empty()).then_some(catalogue.fetched_at)
    }

    pub(super) fn replace(&self, catalogue: Catalogue) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(catalogue);
    }

    fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ModelInfo {
    fn described(&self, id: &str) -> Value {
        json!({
            "id": id,
            "limit": {"context": self.context, "output": self.output},
            "modalities": {"input": self.input},
            "tool_call": self.tool_call,
            "reasoning": self.reasoning,
        })
    }
}

impl Catalogue {
    /// Reads what was fetched: `{brand: {models: {model: {limit, modalities, …}}}}`. A model that
    /// cannot be read is passed over; an answer with none is an error.
    pub(super) fn parse(bytes: &[u8], fetched_at: Timestamp) -> Result<Self, String> {
        let brands: BTreeMap<String, Value> = serde_json::from_slice(bytes)
            .map_err(|error| format!("it is no catalogue: {error}"))?;
        let mut models: BTreeMap<String, ModelInfo> = BTreeMap::new();
        for (brand, listed) in &brands {
            let listed = listed.get("models").and_then(Value::as_object).into_iter().flatten();
            for (id, wire) in listed {
                let Ok(wire) = Wire::deserialize(wire) else { continue };
                let (brand, id, model) = (brand.to_lowercase(), id.to_lowercase(), wire.model());
                // Brands disagree about the same model: believe the one that promises least.
                let alone = models.entry(id.clone()).or_insert_with(|| model.clone());
                if model.context > 0 && (alone.context == 0 || model.context < alone.context) {
                    *alone = model.clone();
                }
                models.insert(format!("{brand}/{id}"), model);
            }
        }
        if models.is_empty() {
            Err("it lists no models".to_owned())
        } else {
            Ok(Self { fetched_at, models })
        }
    }
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Wire {
    limit: Limit,
    modalities: Modalities,
    tool_call: bool,
    reasoning: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Limit {
    context: f64,
    output: f64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Modalities {
    input: Vec<Modality>,
}

impl Wire {
    fn model(self) -> ModelInfo {
        let mut input = self.modalities.input;
        input.sort_unstable();
        input.dedup();
        ModelInfo {
            context: count(self.limit.context),
            output: count(self.limit.output),
            input,
            tool_call: self.tool_call,
            reasoning: self.reasoning,
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and what is below zero counts as unknown"
)]
fn count(number: f64) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const FETCHED: &str = r#"{
        "openai": {"models": {
            "gpt-x": {"limit": {"context": 128000, "output": 4096},
                "modalities": {"input": ["text", "image", "smell"]}, "tool_call": true},
            "broken": {"limit": 7}}},
        "other": {"name": "Other", "models": {"GPT-X": {"limit": {"context": 64000}}}},
        "empty": {}
    }"#;

    fn metadata() -> Metadata {
        let metadata = Metadata::default();
        metadata.replace(Catalogue::parse(FETCHED.as_bytes(), Timestamp::UNIX_EPOCH).unwrap());
        metadata
    }

    #[test]
    fn a_model_is_found_by_brand_and_name_by_name_and_without_its_maker() {
        let metadata = metadata();
        let context = |brand, model| metadata.model(brand, model).map(|model| model.context);
        assert_eq!(context("OpenAI", "GPT-x"), Some(128_000));
        assert_eq!(context("openrouter", "openai/gpt-x"), Some(128_000));
        assert_eq!(context("openrouter", "someone/gpt-x"), Some(64_000));
        assert_eq!(context("", "gpt-x"), Some(64_000));
        assert_eq!(context("openai", "broken"), None);
        let known = metadata.model("openai", "gpt-x").unwrap();
        assert_eq!(known.input, [Modality::Text, Modality::Image, Modality::Other]);
        let described = metadata.described("openai", &["gpt-x".to_owned(), "no".to_owned()]);
        assert_eq!(described["gpt-x"]["limit"]["context"], 128_000);
        assert_eq!(described.len(), 1);
    }

    #[test]
    fn the_context_limit_is_the_configured_one_then_the_known_one_then_a_guess() {
        let metadata = metadata();
        let limit = |model: &str, max_context_tokens| {
            metadata.context_limit(&ProviderMeta {
                id: "p".to_owned(),
                model: model.to_owned(),
                kind: String::new(),
                provider_type: String::new(),
                brand: "openai".to_owned(),
                max_context_tokens,
                display_name: String::new(),
                demo: false,
            })
        };
        assert_eq!(limit("gpt-x", 5000), 5000);
        assert_eq!(limit("gpt-x", 0), 128_000);
        assert_eq!(limit("unheard-of", 0), FALLBACK_CONTEXT);
    }

    #[test]
    fn an_answer_that_lists_nothing_is_no_catalogue() {
        for nothing in ["", "[]", "{}", r#"{"openai": {}}"#, "<html>"] {
            assert!(Catalogue::parse(nothing.as_bytes(), Timestamp::UNIX_EPOCH).is_err());
        }
    }
}
