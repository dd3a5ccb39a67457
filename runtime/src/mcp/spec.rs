//! What an entry of the `mcp` document means: what to start, or where to connect.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use firstlight_core::config::{McpEntry, Secret};
use firstlight_core::settings::Settings;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize as _;
use serde_json::Value;
use url::Url;

use super::error::McpError;
use crate::providers::ProviderDefaults;
use crate::providers::redact::Redactor;

/// The wait for a program: a package runner may have to download it first.
const PROGRAM_LIMIT: Duration = Duration::from_mins(3);
/// The wait for an address.
const ADDRESS_LIMIT: Duration = Duration::from_secs(30);

/// No server is asked more often than this.
const SHORTEST_CHECK: Duration = Duration::from_secs(1);

/// What counts for every server.
pub(crate) struct McpDefaults {
    /// The data folder.
    pub(crate) folder: PathBuf,
    /// The programs that may be started.
    pub(crate) allowed_commands: Vec<String>,
    /// How often a connected server is asked again.
    pub(crate) check_interval: Duration,
    /// The proxy for addresses.
    pub(crate) proxy: Option<String>,
    /// Reached without the proxy.
    pub(crate) no_proxy: Vec<String>,
}

impl McpDefaults {
    pub(crate) fn new(settings: &Settings, providers: &ProviderDefaults) -> Self {
        Self {
            folder: settings.data_dir.clone(),
            allowed_commands: settings.mcp.allowed_commands.clone(),
            check_interval: settings.mcp.check_interval.duration().max(SHORTEST_CHECK),
            proxy: providers.proxy.clone(),
            no_proxy: providers.no_proxy.clone(),
        }
    }
}

/// A server as its connection wants it. Secrets are resolved.
pub(super) struct ServerSpec {
    pub(super) target: Target,
    /// How long connecting may take.
    pub(super) limit: Duration,
}

pub(super) enum Target {
    Program(Program),
    Address(Address),
}

/// A program to start.
pub(super) struct Program {
    pub(super) command: String,
    pub(super) arguments: Vec<String>,
    pub(super) environment: BTreeMap<String, SecretString>,
    pub(super) folder: PathBuf,
}

/// An address to connect to.
pub(super) struct Address {
    /// It may hold a key.
    pub(super) url: SecretString,
    pub(super) headers: BTreeMap<String, SecretString>,
}

/// Whether an entry is to be connected. One that cannot be read counts as wanted: it is to show
/// its error.
pub(super) fn is_active(entry: &Value) -> bool {
    entry.get("active").and_then(Value::as_bool).unwrap_or(true)
}

impl ServerSpec {
    pub(super) fn read(entry: &Value, defaults: &McpDefaults) -> Result<Self, McpError> {
        // The text of such an error may quote a secret.
        let entry = McpEntry::deserialize(entry)
            .map_err(|_| misconfigured("a value of the entry has the wrong type"))?;
        let given = entry.timeout.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let (target, limit) = if entry.command.trim().is_empty() {
            (Target::Address(Address::read(entry, defaults)?), ADDRESS_LIMIT)
        } else {
            (Target::Program(Program::read(entry, defaults)?), PROGRAM_LIMIT)
        };
        Ok(Self { target, limit: given.unwrap_or(limit) })
    }

    /// Knows what must not appear in errors and in the error output.
    pub(super) fn redactor(&self) -> Redactor {
        Redactor::of(match &self.target {
            Target::Program(program) => program.environment.values().cloned().collect(),
            Target::Address(address) => {
                address.headers.values().chain([&address.url]).cloned().collect()
            }
        })
    }
}

impl Program {
    fn read(entry: McpEntry, defaults: &McpDefaults) -> Result<Self, McpError> {
        let command = entry.command.trim().to_owned();
        let allowed = &defaults.allowed_commands;
        if !allowed.iter().any(|allowed| allowed == "*" || *allowed == command) {
            return Err(McpError::NotAllowed { command });
        }
        let names = entry.env.keys();
        if names.clone().any(|name| name.is_empty() || name.contains(['=', '\0'])) {
            return Err(misconfigured("a variable of `env` has a name that none can have"));
        }
        Ok(Self {
            command,
            arguments: entry.args,
            environment: resolved(entry.env, defaults)?,
            folder: defaults.folder.join(entry.cwd.trim()),
        })
    }
}

impl Address {
    fn read(entry: McpEntry, defaults: &McpDefaults) -> Result<Self, McpError> {
        let given = [&entry.transport, &entry.kind].into_iter().find(|name| !name.is_empty());
        match given.map_or("streamable_http", |name| name.trim()) {
            "streamable_http" | "streamable-http" | "streamableHttp" | "http" => {}
            "sse" => {
                return Err(misconfigured(
                    "the older SSE transport is not spoken here; most servers also have an \
                     address for streamable HTTP, which often ends in /mcp",
                ));
            }
            _ => return Err(misconfigured("the transport must be streamable_http")),
        }
        let url = Url::parse(entry.url.trim())
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| misconfigured("the url must be an http or https address"))?;
        let headers = resolved(entry.headers, defaults)?;
        Ok(Self { url: String::from(url).into(), headers })
    }

    pub(super) fn plain_headers(&self) -> BTreeMap<String, String> {
        let headers = self.headers.iter();
        headers.map(|(name, value)| (name.clone(), value.expose_secret().to_owned())).collect()
    }
}

fn resolved(
    secrets: BTreeMap<String, Secret>,
    defaults: &McpDefaults,
) -> Result<BTreeMap<String, SecretString>, McpError> {
    let resolve = |(name, secret): (String, Secret)| Ok((name, secret.resolve(&defaults.folder)?));
    secrets.into_iter().map(resolve).collect()
}

fn misconfigured(reason: &str) -> McpError {
    McpError::Misconfigured { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(entry: &Value) -> Result<ServerSpec, McpError> {
        let defaults = McpDefaults {
            folder: PathBuf::from("/data"),
            allowed_commands: vec!["npx".to_owned(), "/opt/tool".to_owned()],
            check_interval: Duration::from_secs(30),
            proxy: None,
            no_proxy: Vec::new(),
        };
        ServerSpec::read(entry, &defaults)
    }

    fn refusal(entry: &Value) -> String {
        read(entry).err().unwrap().to_string()
    }

    #[test]
    fn a_program_has_its_folder_limit_and_resolved_environment() {
        let spec = read(&json!({"command": "npx", "args": ["-y"], "cwd": "tools",
            "env": {"A": "env:CARGO_PKG_NAME"}}));
        let spec = spec.unwrap();
        assert_eq!(spec.limit, PROGRAM_LIMIT);
        let Target::Program(program) = spec.target else { panic!("it is a program") };
        assert_eq!(program.folder, PathBuf::from("/data/tools"));
        assert_eq!(program.environment["A"].expose_secret(), "firstlight-runtime");
    }

    #[test]
    fn a_program_is_allowed_as_it_stands_in_the_setting_and_not_by_its_last_part() {
        assert!(read(&json!({"command": "/opt/tool"})).is_ok());
        for command in ["/tmp/npx", "tool", "sh", "./npx", "*"] {
            assert!(refusal(&json!({ "command": command })).contains("not among the allowed"));
        }
    }

    #[test]
    fn an_address_is_http_and_spoken_to_by_streamable_http() {
        for transport in ["streamable_http", "streamable-http", "http", ""] {
            let entry = json!({"url": "https://h/mcp", "transport": transport, "timeout": 2.5});
            assert_eq!(read(&entry).unwrap().limit, Duration::from_millis(2500));
        }
        assert!(refusal(&json!({"url": "https://h/sse", "type": "sse"})).contains("older SSE"));
        assert!(refusal(&json!({"url": "https://h", "transport": "ws"})).contains("transport"));
        for url in ["file:///etc/passwd", "ftp://h", "nonsense", "http://"] {
            assert!(refusal(&json!({ "url": url })).contains("http or https"), "{url}");
        }
    }

    #[test]
    fn errors_quote_no_secret() {
        let told = refusal(&json!({"command": "npx", "env": {"A": "env:FIRSTLIGHT_NO_SUCH"}}));
        assert_eq!(told, "the environment variable FIRSTLIGHT_NO_SUCH is not set");
        let told = refusal(&json!({"command": "npx", "env": {"A": 5, "B": "hush-hush"}}));
        assert!(!told.contains("hush"), "{told}");
        let spec = read(&json!({"url": "https://h/long-key", "headers": {"A": "header-key"}}));
        let cleaned = spec.unwrap().redactor().clean("at https://h/long-key with header-key");
        assert_eq!(cleaned, "at [redacted] with [redacted]");
    }
}
