//! All tools that there are, whoever offers them, and which of them are switched off.

use std::collections::BTreeSet;
use std::sync::Arc;

use firstlight_core::db::{Database, DbError};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::mcp::Mcp;
use crate::plugins::Plugins;

/// The preference that lists the tools that are switched off, by name.
const SWITCHED_OFF: (&str, &str, &str) = ("global", "global", "inactivated_llm_tools");

/// The tools of the running runtime; cheap to clone.
#[derive(Clone)]
pub struct Tools {
    plugins: Plugins,
    mcp: Option<Mcp>,
    database: Database,
    /// The list is read, changed and written as a whole.
    switching: Arc<Mutex<()>>,
}

/// One tool.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedTool {
    /// Its name.
    pub name: String,
    /// What it does, written for the model.
    pub description: String,
    /// A JSON Schema of its arguments.
    pub parameters: Value,
    /// Whether the model may be offered it.
    pub active: bool,
    /// Who offers it.
    pub origin: ToolOrigin,
}

/// Who offers a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolOrigin {
    /// A plugin that belongs to the gateway. Its tools cannot be switched off.
    Internal(String),
    /// A plugin.
    Plugin(String),
    /// An MCP server.
    Mcp(String),
}

/// Why a tool cannot be switched.
#[derive(Debug, thiserror::Error)]
pub enum SwitchError {
    /// Nobody offers it now.
    #[error("there is no tool called {name:?}")]
    Unknown {
        /// The name as asked for.
        name: String,
    },
    /// It belongs to the gateway.
    #[error("the tool {name:?} belongs to the gateway and cannot be switched")]
    Internal {
        /// Its name.
        name: String,
    },
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl Tools {
    pub(crate) fn new(plugins: Plugins, mcp: Option<Mcp>, database: Database) -> Self {
        Self { plugins, mcp, database, switching: Arc::default() }
    }

    /// Every tool that can be offered now: those of plugins, then those of connected MCP servers.
    pub async fn list(&self) -> Result<Vec<ListedTool>, DbError> {
        let off = self.switched_off().await?;
        let reserved = self.plugins.list().into_iter().filter(|plugin| plugin.manifest.reserved);
        let reserved: BTreeSet<String> = reserved.map(|plugin| plugin.manifest.name).collect();
        let of_plugins = self.plugins.tools().into_iter().map(|(plugin, tool)| {
            let origin = if reserved.contains(&plugin) {
                ToolOrigin::Internal(plugin)
            } else {
                ToolOrigin::Plugin(plugin)
            };
            (origin, tool.name, tool.description, tool.parameters)
        });
        let of_servers = self.mcp.iter().flat_map(Mcp::tools).map(|(server, tool)| {
            (ToolOrigin::Mcp(server), tool.name, tool.description, tool.parameters)
        });
        let listed = of_plugins.chain(of_servers).map(|(origin, name, description, parameters)| {
            let active = matches!(origin, ToolOrigin::Internal(_)) || !off.contains(&name);
            ListedTool { name, description, parameters, active, origin }
        });
        Ok(listed.collect())
    }

    /// Switches every tool of that name on or off; it stays so over restarts. One that nobody offers
    /// now can still be switched on.
    pub async fn switch(&self, name: &str, active: bool) -> Result<(), SwitchError> {
        let _one_at_a_time = self.switching.lock().await;
        let mut off = self.switched_off().await?;
        let mut offered = self.list().await?;
        offered.retain(|tool| tool.name == name);
        let mut origins = offered.iter().map(|tool| &tool.origin);
        let is_internal = |origin: &ToolOrigin| matches!(origin, ToolOrigin::Internal(_));
        if !offered.is_empty() && origins.all(is_internal) {
            return Err(SwitchError::Internal { name: name.to_owned() });
        }
        if offered.is_empty() && !(active && off.contains(name)) {
            return Err(SwitchError::Unknown { name: name.to_owned() });
        }
        let changed = if active { off.remove(name) } else { off.insert(name.to_owned()) };
        if changed {
            let (scope, scope_id, key) = SWITCHED_OFF;
            self.database.preferences().store(scope, scope_id, key, json!(off)).await?;
        }
        Ok(())
    }

    async fn switched_off(&self) -> Result<BTreeSet<String>, DbError> {
        let (scope, scope_id, key) = SWITCHED_OFF;
        let stored = self.database.preferences().load(scope, scope_id, key).await?;
        let names = stored.as_ref().and_then(Value::as_array).into_iter().flatten();
        Ok(names.filter_map(Value::as_str).map(str::to_owned).collect())
    }
}
