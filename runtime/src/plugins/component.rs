//! The `plugins` component: loads what can be loaded, keeps a record of the rest.

use firstlight_core::lifecycle::{BoxError, Component, Item, StepCx};
use futures_util::StreamExt;

use super::erased::Registration;
use super::registry::Plugins;
use super::sources::PluginSources;

/// How many plugins load at the same time.
const CONCURRENT_LOADS: usize = 8;

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
        let plugins = Plugins::new(self.sources.clone());
        let loads: Vec<_> = (self.sources.active().into_iter())
            .map(|registration| {
                let item = cx.item(&registration.manifest().name);
                load(plugins.clone(), registration, item)
            })
            .collect();
        let all = futures_util::stream::iter(loads)
            .buffer_unordered(CONCURRENT_LOADS)
            .for_each(|()| std::future::ready(()));
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

async fn load(plugins: Plugins, registration: Registration, item: Item) {
    item.start();
    match plugins.sources().load(&registration).await {
        Ok(live) => {
            plugins.insert(live);
            item.finish();
        }
        Err(error) => item.fail(error),
    }
}
