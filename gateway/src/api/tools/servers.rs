//! MCP servers: listed, added, changed, deleted, tried.

use actix_web::web::Data;
use firstlight_core::config::DocumentId;
use firstlight_runtime::mcp::{Link, Mcp, McpTool, Outcome, ServerStatus};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::entry::{
    existing, is_shown, only_own_masks, refuse_taken, resolved, servers_mut, shown, unwrapped,
};
use crate::api::config::entries::Entry;
use crate::api::config::saving::{Target, carried_out, change, given, no_such};
use crate::app::App;
use crate::http::{Answer, ApiError, Code, Empty, Json, Reply, RuntimeLease, Session};

/// A server as it is configured, and how it is.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ListedMcpServer")]
pub struct Listed {
    name: String,
    active: bool,
    /// The names of its tools, while it is connected.
    tools: Vec<String>,
    /// The last lines that a program wrote to its error output.
    errlogs: Vec<String>,
    connection: Connection,
    /// The configuration, with secrets masked.
    #[serde(flatten)]
    config: Entry,
}

/// How a server is.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "McpConnection")]
pub struct Connection {
    /// `off`, `connecting` or `connected`.
    state: &'static str,
    /// When its tools were listed last.
    last_success: Option<String>,
    last_error: Option<String>,
    last_error_at: Option<String>,
}

/// A server to be added.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "AddMcpServer")]
pub struct Add {
    #[serde(default)]
    name: String,
    /// Whether it is connected; true when absent.
    #[serde(default)]
    active: Option<bool>,
    /// `command` or `url` and what belongs to it, or `mcpServers` with one server in it.
    #[serde(flatten)]
    config: Entry,
}

/// A server to be changed.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "UpdateMcpServer")]
pub struct Update {
    /// What it is called from now on.
    #[serde(default)]
    name: String,
    /// What it is called now, when that is another name.
    #[serde(default, rename = "oldName")]
    old_name: Option<String>,
    /// Whether it is connected; as before when absent.
    #[serde(default)]
    active: Option<bool>,
    /// Its whole configuration; as before when absent. Masked values stand for the stored secrets.
    #[serde(flatten)]
    config: Entry,
}

/// Which server.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "DeleteMcpServer")]
pub struct Delete {
    #[serde(default)]
    name: String,
}

/// A server to be tried.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "TestMcpServer")]
pub struct Test {
    mcp_server_config: Entry,
    /// The server whose stored secrets masked values stand for.
    #[serde(default)]
    name: Option<String>,
}

/// Where to copy servers from.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SyncMcpProvider")]
pub struct SyncProvider {
    #[serde(default)]
    name: String,
}

/// `GET /api/tools/mcp/servers`
pub async fn all(app: Data<App>, lease: RuntimeLease) -> Answer<Vec<Listed>> {
    let mut statuses = lease.mcp.as_ref().map(Mcp::statuses).unwrap_or_default();
    let listed = shown(&app)?.into_iter().filter_map(|(name, entry)| {
        let Value::Object(config) = entry else { return None };
        let status = statuses.remove(&name);
        Some(Listed::of(name, config, status))
    });
    Ok(Reply::data(listed.collect()))
}

/// `POST /api/tools/mcp/add`: connects first. What cannot be connected is not kept.
pub async fn add(
    app: Data<App>,
    lease: RuntimeLease,
    Session(caller): Session,
    Json(Add { name, active, config }): Json<Add>,
) -> Answer<Empty> {
    let mcp = running(&lease)?;
    let (wrapped, mut entry) = unwrapped(config)?;
    let name = Some(name).filter(|name| !name.trim().is_empty()).or(wrapped).unwrap_or_default();
    let name = given("name", &name)?.to_owned();
    if let Some(active) = active {
        entry.insert("active".to_owned(), json!(active));
    }
    refuse_taken(&shown(&app)?, &name)?;
    only_own_masks(&app, None, &entry)?;
    mcp.test(&resolved(&app, &name, &entry)?).await?;
    let author = caller.username.clone();
    carried_out(&app, "config.save", move |app| async move {
        keep_if_it_connects(&Data::from(app), &mcp, name, entry, author).await
    })
    .await?;
    Ok(Reply::done())
}

async fn keep_if_it_connects(
    app: &Data<App>,
    mcp: &Mcp,
    name: String,
    entry: Entry,
    author: String,
) -> Result<(), ApiError> {
    let (kept, value) = (name.clone(), Value::Object(entry));
    let insert = value.clone();
    let outcome = change(app, target(&author), move |document| {
        let servers = servers_mut(document)?;
        refuse_taken(servers, &kept)?;
        servers.insert(kept.clone(), insert.clone());
        Ok(vec![kept.clone()])
    });
    let Err(error) = connected(mcp, &name, outcome.await?.failed).await else { return Ok(()) };
    let taken_back = change(app, target(&author), move |document| {
        let servers = servers_mut(document)?;
        // Somebody else may have changed it by now; then it is theirs.
        if servers.get(&name) == Some(&value) {
            servers.remove(&name);
        }
        Ok(Vec::new())
    });
    taken_back.await?;
    let text = format!("The MCP server was not added: {error}.");
    Err(ApiError::with(Code::McpFailed, text))
}

/// `POST /api/tools/mcp/update`
pub async fn update(
    app: Data<App>,
    lease: RuntimeLease,
    Session(caller): Session,
    Json(Update { name, old_name, active, config }): Json<Update>,
) -> Answer<Empty> {
    let mcp = running(&lease)?;
    let (_, config) = unwrapped(config)?;
    let name = given("name", &name)?.to_owned();
    let old = old_name.filter(|old| !old.trim().is_empty()).unwrap_or_else(|| name.clone());
    let (reading, new) = (Data::clone(&app), name.clone());
    let outcome = change(&app, target(&caller.username), move |document| {
        only_own_masks(&reading, Some(&old), &config)?;
        let servers = servers_mut(document)?;
        let stored = existing(servers, &old)?;
        let mut entry = if config.is_empty() { stored.clone() } else { config.clone() };
        let active = active.map(Value::Bool);
        let before = || stored.get("active").cloned();
        if let Some(active) = active.or_else(|| entry.get("active").cloned()).or_else(before) {
            entry.insert("active".to_owned(), active);
        }
        if new != old {
            refuse_taken(servers, &new)?;
            servers.remove(&old);
        }
        servers.insert(new.clone(), Value::Object(entry));
        Ok(vec![new.clone()])
    });
    match connected(&mcp, &name, outcome.await?.failed).await {
        Ok(()) => Ok(Reply::done()),
        Err(error) => {
            let text = format!("It was saved, but the server could not be connected: {error}.");
            Err(ApiError::with(Code::NotApplied, text))
        }
    }
}

/// `POST /api/tools/mcp/delete`
pub async fn delete(
    app: Data<App>,
    _lease: RuntimeLease,
    Session(caller): Session,
    Json(which): Json<Delete>,
) -> Answer<Empty> {
    let name = given("name", &which.name)?.to_owned();
    let deleted = change(&app, target(&caller.username), move |document| {
        let removed = servers_mut(document)?.remove(&name);
        removed.map(|_| Vec::new()).ok_or_else(|| no_such("MCP server", &name))
    });
    deleted.await?;
    Ok(Reply::done())
}

/// `POST /api/tools/mcp/test`
pub async fn test(
    app: Data<App>,
    lease: RuntimeLease,
    Json(Test { mcp_server_config, name }): Json<Test>,
) -> Answer<Vec<String>> {
    let mcp = running(&lease)?;
    let (_, entry) = unwrapped(mcp_server_config)?;
    only_own_masks(&app, name.as_deref(), &entry)?;
    let name = name.unwrap_or_else(|| "test".to_owned());
    let tools = mcp.test(&resolved(&app, &name, &entry)?).await?;
    Ok(Reply::data(names(&tools)))
}

/// `POST /api/tools/mcp/sync-provider`
pub async fn sync_provider(_lease: RuntimeLease, Json(from): Json<SyncProvider>) -> Answer<Empty> {
    let name = given("name", &from.name)?;
    let text = match name {
        "modelscope" => "This version cannot copy servers from modelscope. Add them one by one, \
                         with the streamable HTTP address that modelscope shows."
            .to_owned(),
        _ => format!("There is no provider {name:?} to copy MCP servers from."),
    };
    Err(ApiError::with(Code::Invalid, text))
}

fn running(lease: &RuntimeLease) -> Result<Mcp, ApiError> {
    let absent = "The component mcp did not start. The timeline and the log say why.";
    lease.mcp.clone().ok_or_else(|| ApiError::with(Code::McpFailed, absent))
}

/// Waits until a server that was saved is connected, where it is to be.
async fn connected(
    mcp: &Mcp,
    name: &str,
    not_applied: Vec<impl std::fmt::Display>,
) -> Result<(), String> {
    if let Some(failed) = not_applied.first() {
        return Err(failed.to_string());
    }
    match mcp.settled(name).await {
        Outcome::Failed(error) => Err(error.to_string()),
        // The next runtime reads what is saved.
        Outcome::Connected | Outcome::Gone => Ok(()),
    }
}

fn target(author: &str) -> Target {
    Target { id: DocumentId::Mcp, expected: None, author: author.to_owned() }
}

fn names(tools: &[McpTool]) -> Vec<String> {
    tools.iter().map(|tool| tool.name.clone()).collect()
}

impl Listed {
    fn of(name: String, mut config: Entry, status: Option<ServerStatus>) -> Self {
        let active = config.get("active").and_then(Value::as_bool).unwrap_or(true);
        config.retain(|member, _| member != "name" && member != "active" && !is_shown(member));
        let (errlogs, state) =
            status.map(|status| (status.errors, status.state)).unwrap_or_default();
        let (word, tools) = match &state.link {
            Link::Off => ("off", Vec::new()),
            Link::Connecting => ("connecting", Vec::new()),
            Link::Connected { tools } => ("connected", names(tools)),
        };
        let time = |at: Timestamp| at.to_string();
        let (last_error, at) = state.last_error.unzip();
        let connection = Connection {
            state: word,
            last_success: state.last_success.map(time),
            last_error: last_error.map(|error| error.to_string()),
            last_error_at: at.map(time),
        };
        Self { name, active, tools, errlogs, connection, config }
    }
}
