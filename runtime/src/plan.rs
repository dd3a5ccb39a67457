//! The second phase: which component starts after which.

use std::sync::Arc;

use firstlight_core::bus::Bus;
use firstlight_core::config::ConfigStore;
use firstlight_core::db::{Database, DbError};
use firstlight_core::lifecycle::{Bootstrap, Component, StepFailure, Steps};
use firstlight_core::settings::Settings;

use crate::Runtime;
use crate::hooks::HooksComponent;
use crate::mcp::{McpComponent, McpDefaults};
use crate::metadata::{Metadata, MetadataComponent};
use crate::pipeline::{PipelinesComponent, Resources};
use crate::platforms::webchat::Webchat;
use crate::platforms::{Adapters, Intake, PlatformsComponent, Surroundings};
use crate::plugins::{
    Compiler, HostFoundation, PluginSources, PluginsComponent, Registration, StatusBoard, built_in,
};
use crate::providers::component::ProvidersComponent;
use crate::tools::Tools;
use crate::turns::{Arrivals, LiveTurns, TurnsComponent};

/// What the core phase hands to the second.
#[derive(Clone)]
pub struct Foundation {
    /// The database.
    pub database: Database,
    /// The configuration documents.
    pub config: ConfigStore,
    /// The inbox and the outbox.
    pub bus: Bus,
    /// The settings of the process.
    pub settings: Arc<Settings>,
}

/// What the bootstrap works from. It outlives every attempt.
pub struct Plan {
    foundation: Foundation,
    plugins: PluginSources,
    status: StatusBoard,
    metadata: Metadata,
}

impl Plan {
    /// Reads what must be known before the first attempt. The built-in plugins are added to
    /// `plugins`; `compiler` is who compiles those that are installed.
    pub async fn open(
        foundation: Foundation,
        mut plugins: Vec<Registration>,
        compiler: Compiler,
    ) -> Result<Self, DbError> {
        plugins.extend(built_in());
        let status = StatusBoard::default();
        let host = HostFoundation {
            database: foundation.database.clone(),
            config: foundation.config.clone(),
            bus: foundation.bus.clone(),
            status: status.clone(),
            folder: foundation.settings.data_dir.clone(),
            compiler,
        };
        let plugins = PluginSources::open(plugins, host).await?;
        Ok(Self { foundation, plugins, status, metadata: Metadata::default() })
    }

    /// The plugins that can be loaded; they outlive the runtime, for the recovery rows.
    pub fn plugins(&self) -> &PluginSources {
        &self.plugins
    }

    /// What is known about models; it outlives the runtime, for the recovery rows.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// What plugins read the state of the gateway from; to be connected with the supervisor.
    pub fn status(&self) -> &StatusBoard {
        &self.status
    }
}

impl Bootstrap for Plan {
    type Runtime = Runtime;

    const COMPONENTS: &'static [&'static str] = &[
        PluginsComponent::NAME,
        ProvidersComponent::NAME,
        McpComponent::NAME,
        PipelinesComponent::NAME,
        TurnsComponent::NAME,
        PlatformsComponent::NAME,
        MetadataComponent::NAME,
        HooksComponent::NAME,
    ];

    async fn bootstrap(&self, steps: &mut Steps) -> Result<Runtime, StepFailure> {
        let Foundation { database, config, bus, settings } = self.foundation.clone();
        let plugins = steps.start(PluginsComponent::new(self.plugins.clone())).await?;
        let providers =
            steps.start(ProvidersComponent::new(config.clone(), settings.data_dir.clone())).await?;
        let mcp = McpDefaults::new(&settings, providers.defaults());
        let mcp = steps.start_tolerated(McpComponent::new(config.clone(), mcp)).await?;
        let pipelines =
            steps.start(PipelinesComponent::new(config.clone(), &settings.data_dir)).await?;
        let live = LiveTurns::default();
        let adapters = Adapters::default();
        plugins.connect(&providers, adapters.clone());
        let arrivals = Arrivals {
            live: live.clone(),
            pipelines: pipelines.clone(),
            plugins: plugins.clone(),
            rules: database.session_rules(),
        };
        let webchat =
            Webchat::new(bus.clone(), database.clone(), self.status.clone(), arrivals.clone());
        let intake = Intake::new(bus.clone(), self.status.clone(), arrivals);
        let attachments = database.attachments();
        let turns = TurnsComponent {
            bus: bus.clone(),
            live: live.clone(),
            pipelines: pipelines.clone(),
            resources: Resources {
                providers: Arc::clone(&providers),
                database: database.clone(),
                metadata: self.metadata.clone(),
                plugins: plugins.clone(),
                adapters: adapters.clone(),
                limiter: Arc::default(),
                media: Arc::default(),
            },
            webchat: webchat.clone(),
        };
        let turns = steps.start(turns).await?;
        let surroundings = Surroundings {
            bus,
            epoch: turns.epoch(),
            intake,
            adapters,
            attachments,
            folder: settings.data_dir.as_path().into(),
        };
        let platforms = PlatformsComponent { config, webchat, surroundings };
        let platforms = steps.start(platforms).await?;
        let catalogue = MetadataComponent::new(
            self.metadata.clone(),
            settings.model_metadata.clone(),
            providers.defaults().clone(),
        );
        steps.start_tolerated(catalogue).await?;
        steps.start(HooksComponent::loaded(plugins.clone())).await?;
        let metadata = self.metadata.clone();
        let tools = Tools::new(plugins.clone(), mcp.clone(), database);
        Ok(Runtime { plugins, providers, mcp, tools, pipelines, platforms, live, metadata })
    }
}
