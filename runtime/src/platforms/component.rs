//! The `platforms` component: starts every configured platform, keeps a record of the rest.

use firstlight_core::config::ConfigStore;
use firstlight_core::lifecycle::{BoxError, Component, StepCx};

use super::registry::{Platforms, Surroundings};
use super::webchat::Webchat;

/// Starts every platform. One that fails is a failed item, not a failed bootstrap.
pub(crate) struct PlatformsComponent {
    pub(crate) config: ConfigStore,
    pub(crate) webchat: Webchat,
    pub(crate) surroundings: Surroundings,
}

impl Component for PlatformsComponent {
    const NAME: &'static str = "platforms";
    type Handle = Platforms;

    async fn start(self, cx: &StepCx) -> Result<Platforms, BoxError> {
        let entries = self.config.snapshot().platforms()?;
        let platforms = Platforms::new(self.webchat, self.surroundings, cx.clone());
        platforms.begin_chats().await;
        for entry in &entries.platform {
            if let Err(error) = platforms.apply(entry).await {
                tracing::warn!(platform = entry.id, %error, "a platform did not start");
            }
        }
        Ok(platforms)
    }

    async fn stop(platforms: Platforms) -> Result<(), BoxError> {
        platforms.end_all().await;
        Ok(())
    }
}
