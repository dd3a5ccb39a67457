//! Which adapters there are.

use std::sync::Arc;

use super::chat::{ChatProvider, ProviderMeta};
use super::config::{ProviderConfig, ProviderDefaults};
use super::demo::{self, Demo};
use super::error::ProviderError;
use super::openai::{self, OpenAi};

/// Makes the provider that a configuration describes. Nothing is asked over the network.
pub fn build(
    config: &ProviderConfig,
    defaults: &ProviderDefaults,
) -> Result<Arc<dyn ChatProvider>, ProviderError> {
    match config.kind.as_str() {
        demo::KIND => Ok(Arc::new(Demo::new(config))),
        kind if openai::KINDS.contains(&kind) => Ok(Arc::new(OpenAi::new(config, defaults)?)),
        other => Err(ProviderError::UnknownType { kind: other.to_owned() }),
    }
}

/// What the configuration alone says about a provider.
pub(super) fn described(config: &ProviderConfig) -> ProviderMeta {
    ProviderMeta {
        id: config.id.clone(),
        model: config.model.clone(),
        kind: config.kind.clone(),
        brand: config.brand.clone(),
        max_context_tokens: config.max_context_tokens,
        provider_type: config.provider_type.clone(),
        display_name: config.id.clone(),
        demo: config.kind == demo::KIND,
    }
}
