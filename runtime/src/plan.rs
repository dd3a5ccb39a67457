//! The second phase: which component starts after which.

use std::sync::Arc;

use firstlight_core::db::{Database, DbError};
use firstlight_core::lifecycle::{Bootstrap, Component, StepFailure, Steps};
use firstlight_plugins_api::Host;

use crate::Runtime;
use crate::hooks::HooksComponent;
use crate::plugins::{
    PluginSources, PluginsComponent, Registration, RuntimeStatusPlugin, StatusBoard,
};

/// What the bootstrap works from. It outlives every attempt.
pub struct Plan {
    plugins: PluginSources,
    status: StatusBoard,
}

impl Plan {
    /// Reads what must be known before the first attempt. The built-in plugins are added to
    /// `plugins`.
    pub async fn open(database: Database, mut plugins: Vec<Registration>) -> Result<Self, DbError> {
        plugins.push(Registration::of::<RuntimeStatusPlugin>());
        let status = StatusBoard::default();
        let host = Host::new(Arc::new(status.clone()));
        let plugins = PluginSources::open(plugins, host, database).await?;
        Ok(Self { plugins, status })
    }

    /// The plugins that can be loaded; they outlive the runtime, for the recovery rows.
    pub fn plugins(&self) -> &PluginSources {
        &self.plugins
    }

    /// What plugins read the state of the gateway from; to be connected with the supervisor.
    pub fn status(&self) -> &StatusBoard {
        &self.status
    }
}

impl Bootstrap for Plan {
    type Runtime = Runtime;

    const COMPONENTS: &'static [&'static str] = &[PluginsComponent::NAME, HooksComponent::NAME];

    async fn bootstrap(&self, steps: &mut Steps) -> Result<Runtime, StepFailure> {
        let plugins = steps.start(PluginsComponent::new(self.plugins.clone())).await?;
        steps.start(HooksComponent::loaded(plugins.clone())).await?;
        Ok(Runtime { plugins })
    }
}
