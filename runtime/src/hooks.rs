//! The `hooks` component: loaded-hooks of plugins, the last step, so that ready means ready.

use std::time::Duration;

use firstlight_core::lifecycle::{BoxError, Component, StepCx};

use crate::plugins::{Plugins, later};

/// Tells every plugin that the gateway is up. Each hook has its own deadline, and a failing one is
/// logged and passed over, so that a hanging hook cannot keep the gateway from being ready.
pub(crate) struct HooksComponent {
    plugins: Plugins,
}

impl HooksComponent {
    /// The hooks of these plugins.
    pub(crate) fn loaded(plugins: Plugins) -> Self {
        Self { plugins }
    }
}

impl Component for HooksComponent {
    const NAME: &'static str = "hooks";
    const LIMIT: Duration = Duration::from_mins(2);
    type Handle = ();

    async fn start(self, cx: &StepCx) -> Result<(), BoxError> {
        self.plugins.loaded_hooks().await;
        // Timers fire once everything is there that a plugin may ask for.
        cx.spawn("later", later::run(self.plugins, cx.token().clone()));
        Ok(())
    }

    async fn stop((): ()) -> Result<(), BoxError> {
        Ok(())
    }
}
