//! What a body says about one server, in the forms that people paste.

use firstlight_core::config::DocumentId;
use firstlight_runtime::mcp::{McpError, TestFailure};
use serde_json::{Map, Value, json};

use crate::api::config::entries::{Entry, own_masks};
use crate::api::config::saving::{given, no_such};
use crate::app::App;
use crate::http::{ApiError, Code};

const KEY: &str = "mcpServers";
/// What the list shows beside the configuration; a form may send it back.
const SHOWN: [&str; 3] = ["tools", "errlogs", "connection"];

/// Whether a member belongs to what the list shows beside the configuration.
pub(super) fn is_shown(member: &str) -> bool {
    SHOWN.contains(&member)
}

/// The configuration of one server, and the name that it was wrapped in, if it was.
pub(super) fn unwrapped(mut config: Entry) -> Result<(Option<String>, Entry), ApiError> {
    config.retain(|member, _| !is_shown(member));
    let Some(wrapped) = config.remove(KEY) else { return Ok((None, config)) };
    let mut servers = match wrapped {
        Value::Object(servers) => servers.into_iter(),
        _ => Map::new().into_iter(),
    };
    match (servers.next(), servers.next()) {
        (Some((name, Value::Object(entry))), None) => Ok((Some(name), entry)),
        _ => Err(ApiError::with(Code::Invalid, "mcpServers must hold exactly one server.")),
    }
}

/// The servers of the document, to be changed.
pub(super) fn servers_mut(document: &mut Value) -> Result<&mut Map<String, Value>, ApiError> {
    let servers = document.as_object_mut().map(|map| map.entry(KEY).or_insert_with(|| json!({})));
    servers.and_then(Value::as_object_mut).ok_or_else(|| {
        let text = "mcpServers holds no servers; repair the document as a whole first.";
        ApiError::with(Code::Invalid, text)
    })
}

/// The servers as they may be shown.
pub(super) fn shown(app: &App) -> Result<Map<String, Value>, ApiError> {
    let mut view = app.config.view(&DocumentId::Mcp)?.value;
    Ok(std::mem::take(servers_mut(&mut view)?))
}

/// The entry of a server; an error when there is none.
pub(super) fn existing<'s>(
    servers: &'s Map<String, Value>,
    name: &str,
) -> Result<&'s Map<String, Value>, ApiError> {
    servers.get(name).and_then(Value::as_object).ok_or_else(|| no_such("MCP server", name))
}

pub(super) fn refuse_taken(servers: &Map<String, Value>, name: &str) -> Result<(), ApiError> {
    if servers.contains_key(name) {
        let text = format!("There is an MCP server {name:?} already.");
        return Err(ApiError::with(Code::Conflict, text));
    }
    Ok(())
}

/// Refuses masks that are not those of the server with that name.
pub(super) fn only_own_masks(app: &App, name: Option<&str>, entry: &Entry) -> Result<(), ApiError> {
    let shown = shown(app)?;
    own_masks(entry, name.and_then(|name| shown.get(name)).into_iter())
}

/// The entry as a save under that name would store it, secrets included.
pub(super) fn resolved(app: &App, name: &str, entry: &Entry) -> Result<Value, ApiError> {
    let name = given("name", name)?;
    let snapshot = app.config.snapshot();
    let document = snapshot.document(&DocumentId::Mcp);
    let mut value = document.map_or_else(|| json!({}), |document| document.value.clone());
    servers_mut(&mut value)?.insert(name.to_owned(), Value::Object(entry.clone()));
    let mut checked = app.config.checked(&DocumentId::Mcp, value)?;
    Ok(servers_mut(&mut checked)?.remove(name).unwrap_or_default())
}

impl From<McpError> for ApiError {
    fn from(error: McpError) -> Self {
        let code = match &error {
            McpError::Misconfigured { .. } | McpError::Secret(_) | McpError::NotAllowed { .. } => {
                Code::Invalid
            }
            McpError::Busy => Code::Busy,
            McpError::NotStarted { .. }
            | McpError::ProgramEnded { .. }
            | McpError::Client(_)
            | McpError::Closed
            | McpError::Deadline { .. }
            | McpError::Failed { .. }
            | McpError::ToolsRefused { .. }
            | McpError::Cancelled => Code::McpFailed,
        };
        ApiError::with(code, format!("The MCP server could not be connected: {error}."))
    }
}

impl From<TestFailure> for ApiError {
    fn from(failure: TestFailure) -> Self {
        let TestFailure { error, errors } = failure;
        ApiError::from(error).data(json!({ "errlogs": errors }))
    }
}
