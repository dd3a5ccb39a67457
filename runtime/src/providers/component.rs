//! The `providers` component: loads every configured provider, keeps a record of the rest.

use std::sync::Arc;

use firstlight_core::config::ConfigStore;
use firstlight_core::lifecycle::{BoxError, Component, Item, StepCx};
use futures_util::StreamExt;

use super::config::{ProviderConfig, ProviderDefaults};
use super::error::ProviderError;
use super::registry::Registry;

/// How many providers load at the same time.
const CONCURRENT_LOADS: usize = 8;

/// Loads every provider. One that fails is a failed item, not a failed bootstrap.
pub(crate) struct ProvidersComponent {
    config: ConfigStore,
}

impl ProvidersComponent {
    pub(crate) fn new(config: ConfigStore) -> Self {
        Self { config }
    }
}

impl Component for ProvidersComponent {
    const NAME: &'static str = "providers";
    type Handle = Arc<Registry>;

    async fn start(self, cx: &StepCx) -> Result<Arc<Registry>, BoxError> {
        let snapshot = self.config.snapshot();
        // Broken entries are items of their own; a document that is broken as a whole is fatal.
        snapshot.providers()?;
        let profile = snapshot.default_profile()?;
        let registry = Arc::new(Registry::new(ProviderDefaults {
            proxy: Some(profile.http_proxy.clone()).filter(|proxy| !proxy.is_empty()),
            no_proxy: profile.no_proxy.clone(),
            max_attempts: profile.provider_settings.request_max_retries as usize,
        }));
        let document = snapshot.document(&firstlight_core::config::DocumentId::Providers);
        let entries = document.map(|document| ProviderConfig::all(&document.value));
        let loads: Vec<_> = (entries.unwrap_or_default().into_iter())
            .map(|(id, entry)| load(Arc::clone(&registry), cx.item(&id), id, entry))
            .collect();
        let all = futures_util::stream::iter(loads)
            .buffered(CONCURRENT_LOADS)
            .for_each(|()| std::future::ready(()));
        if cx.token().run_until_cancelled(all).await.is_none() {
            registry.close_all().await;
        }
        Ok(registry)
    }

    async fn stop(registry: Arc<Registry>) -> Result<(), BoxError> {
        for (id, error) in registry.close_all().await {
            tracing::warn!(provider = id, %error, "a provider did not end cleanly");
        }
        Ok(())
    }
}

async fn load(
    registry: Arc<Registry>,
    item: Item,
    id: String,
    entry: Result<ProviderConfig, ProviderError>,
) {
    item.start();
    let loaded = match entry {
        Ok(config) if !config.enabled => {
            // Listed as disabled by the registry; in the timeline it is simply not running.
            let _ = registry.load(&config).await;
            return item.stop();
        }
        Ok(config) => registry.load(&config).await.map(drop),
        Err(error) => {
            registry.record_failure(&id, &error).await;
            Err(error)
        }
    };
    match loaded {
        Ok(()) => item.finish(),
        Err(error) => {
            tracing::warn!(provider = id, %error, "a provider did not load");
            item.fail(error);
        }
    }
}
