//! `provider_settings`: how models are asked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How models are asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ProviderSettings {
    /// Whether models are asked at all.
    pub enable: bool,
    /// The provider to ask when neither message nor session names one. Empty: the first one loaded.
    pub default_provider_id: String,
    /// How often one request is tried in all.
    #[schemars(range(min = 1, max = 100))]
    pub request_max_retries: u32,
    /// What a message must begin with, after the wake prefix, for a model to be asked.
    pub wake_prefix: String,
    /// Whether the model's thoughts are sent, too.
    pub display_reasoning_text: bool,
    /// The name of the persona to play when nothing else decides.
    pub default_personality: String,
    /// What the user's text is put into, at `{{prompt}}`.
    pub prompt_prefix: String,
    /// Whether answers are streamed to platforms that can show it.
    pub streaming_response: bool,
    /// How many tokens of history the model is given, at most.
    #[schemars(range(min = 256))]
    pub history_max_tokens: u32,
    /// How far quoted and forwarded messages are followed.
    pub quoted_message_parser: QuotedMessageParser,
    /// How many pictures of quoted and forwarded messages the model is shown, at most.
    pub max_quoted_fallback_images: u32,
}

/// How far quoted and forwarded messages are followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct QuotedMessageParser {
    /// How deep quotes may stand in quotes.
    pub max_component_chain_depth: u32,
    /// How deep bundles may stand in bundles.
    pub max_forward_node_depth: u32,
    /// How often the platform is asked for one message, at most.
    pub max_forward_fetch: u32,
    /// Whether a question that the platform did not answer is logged as a warning.
    pub warn_on_action_failure: bool,
}

impl Default for ProviderSettings {
    fn default() -> Self {
        Self {
            enable: true,
            default_provider_id: String::new(),
            request_max_retries: 5,
            wake_prefix: String::new(),
            display_reasoning_text: false,
            default_personality: "default".to_owned(),
            prompt_prefix: "{{prompt}}".to_owned(),
            streaming_response: true,
            history_max_tokens: 16_000,
            quoted_message_parser: QuotedMessageParser::default(),
            max_quoted_fallback_images: 20,
        }
    }
}

impl Default for QuotedMessageParser {
    fn default() -> Self {
        Self {
            max_component_chain_depth: 4,
            max_forward_node_depth: 6,
            max_forward_fetch: 32,
            warn_on_action_failure: false,
        }
    }
}
