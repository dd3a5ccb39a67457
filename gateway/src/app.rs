//! What every handler can reach.

use std::sync::Arc;

use firstlight_core::bus::Bus;
use firstlight_core::config::ConfigStore;
use firstlight_core::db::Database;
use firstlight_core::lifecycle::{Background, Control};
use firstlight_core::settings::Settings;
use firstlight_runtime::Foundation;
use firstlight_runtime::metadata::Metadata;
use firstlight_runtime::plugins::PluginSources;
use tokio_util::sync::CancellationToken;

use crate::api::plugin::PageTokens;
use crate::auth::{Auth, AuthError};
use crate::files::FileLinks;
use crate::http::origin::Origins;
use crate::logs::Logs;
use crate::process::ProcessMeter;
use crate::{Rt, known_good};

/// The state of the gateway. [`App::assemble`] fills it in one place: add a field here and there,
/// nowhere else.
pub struct App {
    /// The settings of the process.
    pub settings: Arc<Settings>,
    /// The database.
    pub database: Database,
    /// The configuration documents.
    pub config: ConfigStore,
    /// The inbox and the outbox.
    pub bus: Bus,
    /// The plugins that can be loaded, and those that failed; they outlive the runtime.
    pub plugins: PluginSources,
    /// One-time links to files.
    pub files: FileLinks,
    /// Who may see which page of a plugin.
    pub pages: PageTokens,
    /// What the process costs.
    pub process: ProcessMeter,
    /// What is known about models; it outlives the runtime, for the rows that repair.
    pub metadata: Metadata,
    /// Commands to the supervisor, and the published state of the runtime.
    pub control: Control<Rt>,
    /// The owner of the process' own tasks: a handler must not spawn, its worker may end first.
    pub background: Background,
    /// Cancelled as the first thing when the process ends, before the runtime is taken down: streams
    /// and sockets then say `shutdown` and 1012.
    pub ending: CancellationToken,
    /// The last log entries, their feed, and the switch for detail.
    pub logs: Logs,
    /// Log-ins and API keys.
    pub auth: Auth,
    /// The origins that browsers may call from.
    pub origins: Origins,
}

/// What the composition root brings.
pub struct Parts {
    pub settings: Arc<Settings>,
    pub foundation: Foundation,
    pub plugins: PluginSources,
    pub metadata: Metadata,
    pub control: Control<Rt>,
    pub background: Background,
    pub logs: Logs,
}

impl App {
    /// Puts the state together and starts what the gateway does by itself.
    pub async fn assemble(parts: Parts) -> Result<Arc<Self>, AuthError> {
        crate::metrics::install();
        let Parts { settings, foundation, plugins, metadata, control, background, logs } = parts;
        let Foundation { database, config, bus, .. } = foundation;
        let lifetime = settings.auth.session_lifetime.duration();
        let app = Arc::new(Self {
            auth: Auth::load(database.clone(), lifetime).await?,
            origins: Origins::listed(settings.cors_origins.iter().cloned()),
            ending: CancellationToken::new(),
            settings,
            database,
            config,
            bus,
            plugins,
            metadata,
            files: FileLinks::default(),
            pages: PageTokens::default(),
            process: ProcessMeter::new(),
            control,
            background,
            logs,
        });
        let (kept, end) = (Arc::clone(&app), app.background.token().clone());
        app.background.spawn("auth.notes", async move { kept.auth.keep_notes(end).await });
        let (watched, end) = (Arc::clone(&app), app.background.token().clone());
        app.background.spawn("config.known_good", known_good::keep(watched, end));
        let (attachments, end) = (app.database.attachments(), app.background.token().clone());
        app.background.spawn("attachments", async move {
            if let Some(Err(error)) = end.run_until_cancelled(attachments.sweep()).await {
                tracing::warn!(%error, "files that belong to nothing could not be removed");
            }
        });
        Ok(app)
    }
}
