//! The `mcp` component: puts every configured server to work and ends them all on the way down.

use firstlight_core::config::{ConfigStore, DocumentId};
use firstlight_core::lifecycle::{BoxError, Component, StepCx};
use serde_json::Value;

use super::registry::Mcp;
use super::spec::McpDefaults;

/// Begins to connect every active server of the `mcp` document and waits for none of them. One that
/// cannot be connected is an item with an error, and a document that cannot be read is an error of
/// this component, which the runtime does without.
pub(crate) struct McpComponent {
    config: ConfigStore,
    defaults: McpDefaults,
}

impl McpComponent {
    pub(crate) fn new(config: ConfigStore, defaults: McpDefaults) -> Self {
        Self { config, defaults }
    }
}

impl Component for McpComponent {
    const NAME: &'static str = "mcp";
    const FATAL: bool = false;
    type Handle = Mcp;

    async fn start(self, cx: &StepCx) -> Result<Mcp, BoxError> {
        let mcp = Mcp::new(cx.clone(), self.defaults);
        let snapshot = self.config.snapshot();
        let document = snapshot.document(&DocumentId::Mcp);
        let servers = document.and_then(|document| document.value.get("mcpServers"));
        let servers = servers
            .map_or(Some([].into_iter().collect()), |servers| Value::as_object(servers).cloned());
        let servers: serde_json::Map<_, _> =
            servers.ok_or("the document mcp does not hold servers by their names")?;
        for (name, entry) in &servers {
            // Its item and the log say why it failed.
            let _one_bad_server_spoils_no_other = mcp.apply(name, entry).await;
        }
        Ok(mcp)
    }

    async fn stop(mcp: Mcp) -> Result<(), BoxError> {
        mcp.end_all().await;
        Ok(())
    }
}
