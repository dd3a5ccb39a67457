//! Tools for the model, and MCP servers.

use actix_web::http::Method;

use crate::api::tools::{list, servers};
use crate::http::Access::Session;
use crate::http::Needs::Runtime;
use crate::http::{Row, route};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    vec![
        route(Method::GET,  "/api/tools/mcp/servers",       "tools.servers",       Session, Runtime, "Lists the MCP servers.", servers::all),
        route(Method::POST, "/api/tools/mcp/add",           "tools.add_server",    Session, Runtime, "Connects an MCP server and keeps it when that works.", servers::add),
        route(Method::POST, "/api/tools/mcp/update",        "tools.save_server",   Session, Runtime, "Changes, renames or switches an MCP server.", servers::update),
        route(Method::POST, "/api/tools/mcp/delete",        "tools.delete_server", Session, Runtime, "Deletes an MCP server.", servers::delete),
        route(Method::POST, "/api/tools/mcp/test",          "tools.test_server",   Session, Runtime, "Connects as a configuration says and lists the tools.", servers::test),
        route(Method::POST, "/api/tools/mcp/sync-provider", "tools.sync_provider", Session, Runtime, "Copies MCP servers from a provider; there is none yet.", servers::sync_provider),
        route(Method::GET,  "/api/tools/list",              "tools.list",          Session, Runtime, "Lists all tools.", list::all),
        route(Method::POST, "/api/tools/toggle-tool",       "tools.toggle",        Session, Runtime, "Switches a tool on or off.", list::toggle),
    ]
}
