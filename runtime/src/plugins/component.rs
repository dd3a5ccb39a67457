//! The `plugins` component: loads what can be loaded, keeps a record of the rest.

use firstlight_core::lifecycle::{BoxError, Component, StepCx};
use futures_util::StreamExt;

use super::catalogue::waves;
use super::erased::Registration;
use super::registry::Plugins;
use super::sources::PluginSources;

/// The item that fails when what is installed cannot be read. No plugin can be called so.
const PACKAGES: &str = "(installed plugins)";
/// How many plugins load at the same time.
const CONCURRENT_LOADS: usize = 16;

/// Loads every plugin. One that fails is a failed item, not a failed bootstrap.
pub struct PluginsComponent {
    sources: PluginSources,
}

impl PluginsComponent {
    /// A component over the plugins that can be loaded.
    pub fn new(sources: PluginSources) -> Self {
        Self { sources }
    }
}

impl Component for PluginsComponent {
    const NAME: &'static str = "plugins";
    type Handle = Plugins;

    async fn start(self, cx: &StepCx) -> Result<Plugins, BoxError> {
        let plugins = Plugins::new(self.sources.clone(), Some(cx.clone()));
        if let Err(error) = self.sources.read_installed().await {
            // The plugins of the program work without them.
            cx.item(PACKAGES).fail(error);
        }
        let waves = waves(self.sources.active());
        for registration in waves.iter().flatten() {
            cx.item(&registration.manifest().name);
        }
        let all = async {
            for wave in waves {
                let loads = wave.into_iter().map(|plugin| load(plugins.clone(), plugin));
                futures_util::stream::iter(loads.collect::<Vec<_>>())
                    .buffer_unordered(CONCURRENT_LOADS)
                    .for_each(|()| std::future::ready(()))
                    .await;
            }
        };
        match cx.token().run_until_cancelled(all).await {
            Some(()) => plugins.begin().await,
            // Nobody else will: a component that did not start is not asked to stop.
            None => plugins.unload_all().await,
        }
        Ok(plugins)
    }

    async fn stop(plugins: Plugins) -> Result<(), BoxError> {
        plugins.unload_all().await;
        Ok(())
    }
}

/// One that fails is an item with an error.
async fn load(plugins: Plugins, registration: Registration) {
    if let Ok(live) = plugins.load(&registration).await {
        plugins.insert(live);
    }
}
