//! Connections to MCP servers: programs and addresses that offer tools to the model.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::problem::{Problem, join};
use super::secret::Secret;

/// How many servers there may be.
const MOST: usize = 64;
/// The longest name of a server, in characters.
const LONGEST_NAME: usize = 64;
/// The longest wait for a connection, in seconds.
const LONGEST_TIMEOUT: f64 = 300.0;

/// The document `mcp`, in the form that other MCP clients keep theirs in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct McpConfig {
    /// The servers, by name.
    #[serde(rename = "mcpServers")]
    pub servers: BTreeMap<String, McpEntry>,
}

/// One server: a program (`command`) or an address (`url`).
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct McpEntry {
    /// Whether it is connected.
    #[serde(default = "yes")]
    pub active: bool,
    /// The program to start.
    #[serde(default)]
    pub command: String,
    /// Its arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// Its environment. Values count as secret, because this is where keys go.
    #[serde(default)]
    pub env: BTreeMap<String, Secret>,
    /// The folder it is started in. Relative to the data folder, which is also the default.
    #[serde(default)]
    pub cwd: String,
    /// The address of a server that runs elsewhere.
    #[serde(default)]
    pub url: String,
    /// How an address is spoken to; `streamable_http` when nothing is said.
    #[serde(default)]
    pub transport: String,
    /// Another name for `transport`.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// Sent with each request. Values count as secret.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// How long connecting may take, in seconds.
    #[serde(default)]
    pub timeout: Option<f64>,
    /// Keys that this version does not know. They may hold secrets.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl fmt::Debug for McpEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.command.is_empty() { "address" } else { "program" };
        write!(f, "McpEntry({kind}, active: {})", self.active)
    }
}

fn yes() -> bool {
    true
}

impl McpConfig {
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        if self.servers.len() > MOST {
            let message = format!("there may be at most {MOST} servers");
            problems.push(Problem::new("/mcpServers", message));
        }
        for (name, entry) in &self.servers {
            let place = join("/mcpServers", name);
            let fits = !name.trim().is_empty()
                && name.chars().count() <= LONGEST_NAME
                && !name.chars().any(char::is_control);
            if !fits {
                let message = format!("a name has 1 to {LONGEST_NAME} visible characters");
                problems.push(Problem::new(place.clone(), message));
            }
            if entry.command.trim().is_empty() == entry.url.trim().is_empty() {
                let message = "it needs either a command or an url";
                problems.push(Problem::new(place.clone(), message));
            }
            if entry.timeout.is_some_and(|seconds| !(1.0..=LONGEST_TIMEOUT).contains(&seconds)) {
                let message = format!("it lies between 1 and {LONGEST_TIMEOUT} seconds");
                problems.push(Problem::new(join(&place, "timeout"), message));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::document::DocumentId;
    use super::super::mask::mask;
    use super::super::saving::valid;
    use super::super::schema::MCP;
    use super::*;

    fn problems(servers: &Value) -> Vec<String> {
        let found = valid(&DocumentId::Mcp, &json!({ "mcpServers": servers }), &MCP);
        let found = found.err().unwrap_or_default();
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_forms_that_other_clients_write_are_taken() {
        let found = problems(&json!({
            "files": {"command": "npx", "args": ["-y", "server"], "env": {"KEY": "k"}},
            "far": {"url": "https://host/mcp", "transport": "streamable_http", "timeout": 5,
                "headers": {"Authorization": "Bearer t"}, "sse_read_timeout": 300},
            "typed": {"url": "https://host/mcp", "type": "http", "active": false},
        }));
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn a_server_is_a_program_or_an_address_and_has_a_name_and_a_sane_limit() {
        let either = "/mcpServers/a: it needs either a command or an url";
        assert_eq!(problems(&json!({"a": {}})), [either]);
        assert_eq!(problems(&json!({"a": {"command": "x", "url": "y"}})), [either]);
        let limit = "/mcpServers/a/timeout: it lies between 1 and 300 seconds";
        assert_eq!(problems(&json!({"a": {"command": "x", "timeout": 301}})), [limit]);
        assert_eq!(problems(&json!({"\n": {"command": "x"}})).len(), 1);
        let many: Map<String, Value> =
            (0..=MOST).map(|n| (n.to_string(), json!({"command": "x"}))).collect();
        assert_eq!(problems(&many.into()), ["/mcpServers: there may be at most 64 servers"]);
    }

    #[test]
    fn environment_and_headers_are_masked_and_references_are_shown() {
        let value = json!({"mcpServers": {"a": {
            "command": "x", "args": ["-y"], "env": {"A": "hush", "B": "env:NAME"},
            "headers": {"X": "quiet"}, "api_token": "unknown",
        }}});
        assert_eq!(
            mask(&value, &MCP),
            json!({"mcpServers": {"a": {
                "command": "x", "args": ["-y"], "env": {"A": "••••·2", "B": "env:NAME"},
                "headers": {"X": "••••·3"}, "api_token": "••••",
            }}})
        );
    }
}
