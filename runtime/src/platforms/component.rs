//! The `platforms` component: starts every configured platform, keeps a record of the rest.

use firstlight_core::config::ConfigStore;
use firstlight_core::lifecycle::{BoxError, Component, StepCx};

use super::adapters::Adapters;
use super::intake::Intake;
use super::registry::Platforms;
use super::webchat::Webchat;

/// Starts every platform. One that fails is a failed item, not a failed bootstrap.
pub(crate) struct PlatformsComponent {
    config: ConfigStore,
    webchat: Webchat,
    intake: Intake,
    adapters: Adapters,
}

impl PlatformsComponent {
    pub(crate) fn new(
        config: ConfigStore,
        webchat: Webchat,
        intake: Intake,
        adapters: Adapters,
    ) -> Self {
        Self { config, webchat, intake, adapters }
    }
}

impl Component for PlatformsComponent {
    const NAME: &'static str = "platforms";
    type Handle = Platforms;

    async fn start(self, cx: &StepCx) -> Result<Platforms, BoxError> {
        let entries = self.config.snapshot().platforms()?;
        let platforms = Platforms::new(self.webchat, self.intake, self.adapters);
        let webchat = cx.item("webchat");
        webchat.start();
        webchat.finish();
        for entry in &entries.platform {
            let item = cx.item(&entry.id);
            item.start();
            match platforms.apply(entry) {
                Ok(()) => item.stop(),
                Err(error) => {
                    tracing::warn!(platform = entry.id, %error, "a platform did not start");
                    item.fail(error);
                }
            }
        }
        Ok(platforms)
    }

    async fn stop(_platforms: Platforms) -> Result<(), BoxError> {
        Ok(())
    }
}
