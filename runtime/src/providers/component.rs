//! The `providers` component: loads what is configured, keeps a record of what could not be loaded.

use std::path::PathBuf;
use std::sync::Arc;

use firstlight_core::config::{ConfigStore, DocumentId};
use firstlight_core::lifecycle::{BoxError, Component, StepCx};

use super::config::{ProviderConfig, ProviderDefaults};
use super::registry::Registry;

/// Loads every provider of the `providers` document. One that fails is a failed item, not a failed
/// bootstrap; a document that is broken as a whole is. Nothing is asked over the network.
pub(crate) struct ProvidersComponent {
    config: ConfigStore,
    folder: PathBuf,
}

impl ProvidersComponent {
    /// A component over these documents; `folder` is the data folder.
    pub(crate) fn new(config: ConfigStore, folder: PathBuf) -> Self {
        Self { config, folder }
    }
}

impl Component for ProvidersComponent {
    const NAME: &'static str = "providers";
    type Handle = Arc<Registry>;

    async fn start(self, cx: &StepCx) -> Result<Arc<Registry>, BoxError> {
        let snapshot = self.config.snapshot();
        snapshot.providers()?;
        let profile = snapshot.default_profile()?;
        let defaults = ProviderDefaults::of(&profile, &self.folder);
        let registry = Registry::in_component(defaults, cx.clone());
        let document = snapshot.document(&DocumentId::Providers);
        let configured =
            document.map(|document| ProviderConfig::all(&document.value, &self.folder));
        for (id, config) in configured.unwrap_or_default() {
            let loaded = match config {
                Ok(config) => registry.load(&config).await.map(|_| ()),
                Err(error) => {
                    registry.record_failure(&id, &error).await;
                    Err(error)
                }
            };
            if let Err(error) = loaded {
                tracing::warn!(provider = id, %error, "a provider could not be loaded");
            }
        }
        Ok(Arc::new(registry))
    }

    async fn stop(registry: Arc<Registry>) -> Result<(), BoxError> {
        let failed = registry.close_all().await;
        if failed.is_empty() {
            return Ok(());
        }
        let told = failed.iter().map(|(id, error)| format!("{id}: {error}"));
        Err(told.collect::<Vec<_>>().join("; ").into())
    }
}
