//! The runtime as a value.

use std::sync::Arc;

use crate::mcp::Mcp;
use crate::metadata::Metadata;
use crate::pipeline::Pipelines;
use crate::platforms::Platforms;
use crate::plugins::Plugins;
use crate::providers::Registry;
use crate::tools::Tools;
use crate::turns::LiveTurns;

/// Everything a request may need of the second phase. It exists only while the state is ready.
pub struct Runtime {
    /// The loaded plugins.
    pub plugins: Plugins,
    /// The chat providers.
    pub providers: Arc<Registry>,
    /// The MCP servers; none when the component did not start.
    pub mcp: Option<Mcp>,
    /// The tools of plugins and MCP servers.
    pub tools: Tools,
    /// The pipelines, by session.
    pub pipelines: Pipelines,
    /// The chat platforms.
    pub platforms: Platforms,
    /// The turns that are running, to end them.
    pub live: LiveTurns,
    /// What is known about models.
    pub metadata: Metadata,
}
