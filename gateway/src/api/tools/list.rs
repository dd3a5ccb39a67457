//! All tools, and switching them on and off.

use firstlight_runtime::tools::{ListedTool, SwitchError, ToolOrigin};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::config::saving::given;
use crate::http::{Answer, ApiError, Code, Empty, Json, Reply, RuntimeLease};

/// A tool.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ListedTool")]
pub struct Listed {
    name: String,
    description: String,
    /// A JSON Schema of its arguments.
    parameters: Value,
    /// Whether the model may be offered it.
    active: bool,
    origin: &'static str,
    /// The plugin or the MCP server.
    origin_name: String,
    source: &'static str,
    /// Whether it cannot be switched.
    readonly: bool,
}

/// Which tool, and whether it is to be offered.
#[derive(Deserialize, JsonSchema)]
pub struct Toggle {
    #[serde(default)]
    name: String,
    activate: bool,
}

/// `GET /api/tools/list`
pub async fn all(lease: RuntimeLease) -> Answer<Vec<Listed>> {
    Ok(Reply::data(lease.tools.list().await?.into_iter().map(Listed::of).collect()))
}

/// `POST /api/tools/toggle-tool`
pub async fn toggle(lease: RuntimeLease, Json(wanted): Json<Toggle>) -> Answer<Empty> {
    let name = given("name", &wanted.name)?;
    lease.tools.switch(name, wanted.activate).await?;
    Ok(Reply::done())
}

impl Listed {
    fn of(tool: ListedTool) -> Self {
        let (origin, origin_name) = match tool.origin {
            ToolOrigin::Internal(plugin) => ("internal", plugin),
            ToolOrigin::Plugin(plugin) => ("plugin", plugin),
            ToolOrigin::Mcp(server) => ("mcp", server),
        };
        Self {
            name: tool.name,
            description: tool.description,
            parameters: tool.parameters,
            active: tool.active,
            origin,
            origin_name,
            source: origin,
            readonly: origin == "internal",
        }
    }
}

impl From<SwitchError> for ApiError {
    fn from(error: SwitchError) -> Self {
        let text = error.to_string();
        match error {
            SwitchError::Unknown { .. } => ApiError::with(Code::NotFound, text),
            SwitchError::Internal { .. } => ApiError::with(Code::Invalid, text),
            SwitchError::Database(error) => error.into(),
        }
    }
}
