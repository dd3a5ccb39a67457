//! Hooks of the gateway's own life: what was loaded, what went, and that all is up. Failures are
//! logged and passed over.

use firstlight_plugins_api::{HookKind, Manifest};

use super::call::PluginCallError;
use super::live::LivePlugin;
use super::registry::{HOOK_LIMIT, Plugins};

impl Plugins {
    /// Tells those who want to know that all plugins of a start are there.
    pub(super) async fn begin(&self) {
        self.rebuild();
        for live in self.snapshot() {
            self.tell_loaded(&live.manifest).await;
        }
    }

    pub(super) async fn tell_loaded(&self, manifest: &Manifest) {
        for live in self.state().hooked(HookKind::PluginLoaded) {
            note(live, live.call("hook", HOOK_LIMIT, live.plugin.plugin_loaded(manifest)).await);
        }
    }

    pub(super) async fn tell_unloaded(&self, manifest: &Manifest) {
        for live in self.state().hooked(HookKind::PluginUnloaded) {
            note(live, live.call("hook", HOOK_LIMIT, live.plugin.plugin_unloaded(manifest)).await);
        }
    }

    /// Runs every loaded-hook, one after the other; failures are logged and passed over.
    pub(crate) async fn loaded_hooks(&self) {
        for live in self.state().hooked(HookKind::PlatformsLoaded) {
            note(live, live.call("hook", HOOK_LIMIT, live.plugin.platforms_loaded()).await);
        }
        for live in self.snapshot() {
            let name = &live.manifest.name;
            match live.call("loaded", HOOK_LIMIT, live.plugin.loaded()).await {
                Ok(()) => tracing::debug!(plugin = %name, "loaded-hook done"),
                Err(error) => {
                    tracing::warn!(plugin = %name, %error, "the loaded-hook of a plugin failed");
                }
            }
        }
    }
}

fn note(live: &LivePlugin, hook: Result<(), PluginCallError>) {
    if let Err(error) = hook {
        tracing::warn!(plugin = %live.manifest.name, %error, "a hook of a plugin failed");
    }
}
