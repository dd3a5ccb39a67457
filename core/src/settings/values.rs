//! The settings themselves, with their defaults.

use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::forms::{Network, Period};

/// Everything an operator can set before the process starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Settings {
    /// The folder that holds the database and all files. Relative to the working directory.
    pub data_dir: PathBuf,
    /// Where the HTTP server listens.
    pub listen: SocketAddr,
    /// The database file. Relative to the data folder.
    pub database: PathBuf,
    /// Origins of other sites whose pages may call the API. Empty means same origin only.
    pub cors_origins: Vec<String>,
    /// Reverse proxies whose `X-Forwarded-For` is believed: addresses or networks (`10.0.0.0/8`).
    pub trusted_proxies: Vec<Network>,
    /// Logging.
    pub log: Log,
    /// How the process ends.
    pub shutdown: Shutdown,
    /// How the runtime starts.
    pub bootstrap: Bootstrap,
    /// Log-in sessions.
    pub auth: Auth,
    /// The durable queues.
    pub bus: Bus,
    /// The Prometheus endpoint.
    pub metrics: Metrics,
    /// The catalogue of models.
    pub model_metadata: ModelMetadata,
    /// MCP servers.
    pub mcp: Mcp,
    /// What a request may cost.
    pub limits: Limits,
}

/// Logging.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Log {
    /// A level, or directives such as `info,firstlight_runtime=debug`.
    pub level: String,
    /// How a line looks.
    pub format: LogFormat,
    /// How many lines the dashboard can look back.
    pub history: usize,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// How the process and the runtime end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Shutdown {
    /// How long running requests and turns may take to finish.
    pub drain: Period,
    /// How long one component may take to stop before its tasks are aborted.
    pub component: Period,
}

/// How the runtime starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Bootstrap {
    /// Whether to try again by itself after a failure. A retry by hand is always there.
    pub auto_retry: bool,
    /// The wait before the first automatic attempt; it doubles with each.
    pub retry_initial: Period,
    /// The longest wait between automatic attempts.
    pub retry_max: Period,
}

/// Log-in sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Auth {
    /// How long a log-in lasts.
    pub session_lifetime: Period,
}

/// The durable queues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Bus {
    /// How many messages of one platform may wait before it is told that we are busy.
    pub max_pending: u32,
    /// How many answers to one platform may be unsent before its next messages wait for their turn.
    pub max_unsent: u32,
    /// How often a turn is begun before its message becomes a dead letter.
    pub max_turn_attempts: u32,
    /// How often a message is tried to be sent before it becomes a dead letter.
    pub max_send_attempts: u32,
    /// The wait after the first failed attempt; it doubles with each, and half of it is chance.
    pub backoff: Period,
    /// The longest wait between attempts.
    pub max_backoff: Period,
    /// A message that waited longer than this, for its turn or to be sent, becomes a dead letter
    /// instead of being answered late. `0s` means never.
    pub stale_after: Period,
    /// How long finished rows are kept.
    pub keep_done: Period,
    /// How long a message id is remembered to recognise a duplicate.
    pub keep_keys: Period,
}

/// The Prometheus endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Metrics {
    /// An address of its own, where no log-in is needed. Without one, `/metrics` is an ordinary
    /// route that needs a session or a key.
    pub listen: Option<SocketAddr>,
}

/// The catalogue of models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ModelMetadata {
    /// Where to fetch it. Off when absent.
    pub url: Option<String>,
    /// How often to fetch it.
    pub interval: Period,
    /// The largest answer that is read, in bytes.
    pub max_bytes: usize,
}

/// MCP servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Mcp {
    /// The programs that may be started as MCP servers, each as it stands in `command`. `*` allows
    /// every program.
    pub allowed_commands: Vec<String>,
    /// How often a connected server is asked for its tools again, which also finds out whether it
    /// is still there.
    pub check_interval: Period,
}

/// What a request may cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Limits {
    /// The largest body of an ordinary request, in bytes.
    pub body_bytes: usize,
    /// The largest upload, in bytes.
    pub upload_bytes: usize,
    /// The largest WebSocket message, in bytes.
    pub socket_message_bytes: usize,
    /// How long the head of a request may take to arrive.
    pub header_timeout: Period,
    /// How long an ordinary request may take in all.
    pub request_timeout: Period,
    /// How long a reader of a stream may stop reading before it is cut off.
    pub slow_reader: Period,
    /// Threads that serve HTTP; 0 means one per processor.
    pub workers: usize,
    /// How many connections may be open at once.
    pub connections: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("data"),
            listen: SocketAddr::from(([127, 0, 0, 1], 6185)),
            database: PathBuf::from("firstlight.db"),
            cors_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            log: Log::default(),
            shutdown: Shutdown::default(),
            bootstrap: Bootstrap::default(),
            auth: Auth::default(),
            bus: Bus::default(),
            metrics: Metrics::default(),
            model_metadata: ModelMetadata::default(),
            mcp: Mcp::default(),
            limits: Limits::default(),
        }
    }
}

impl Settings {
    /// The database file, inside the data folder unless it is absolute.
    pub fn database_path(&self) -> PathBuf {
        self.data_dir.join(&self.database)
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Text, history: 500 }
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { drain: Period::seconds(10), component: Period::seconds(5) }
    }
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self {
            auto_retry: false,
            retry_initial: Period::seconds(5),
            retry_max: Period::seconds(300),
        }
    }
}

impl Default for Auth {
    fn default() -> Self {
        Self { session_lifetime: Period::hours(24 * 7) }
    }
}

impl Default for Bus {
    fn default() -> Self {
        Self {
            max_pending: 10_000,
            max_unsent: 1_000,
            max_turn_attempts: 5,
            max_send_attempts: 10,
            backoff: Period::seconds(1),
            max_backoff: Period::seconds(300),
            stale_after: Period::hours(1),
            keep_done: Period::hours(24),
            keep_keys: Period::hours(24 * 7),
        }
    }
}

impl Default for ModelMetadata {
    fn default() -> Self {
        Self { url: None, interval: Period::hours(24), max_bytes: 8 << 20 }
    }
}

impl Default for Mcp {
    /// The usual interpreters and package runners.
    fn default() -> Self {
        let usual = [
            "python", "python3", "py", "node", "npx", "npm", "pnpm", "yarn", "bun", "bunx", "deno",
            "uv", "uvx",
        ];
        Self {
            allowed_commands: usual.map(str::to_owned).to_vec(),
            check_interval: Period::seconds(30),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            upload_bytes: 64 << 20,
            socket_message_bytes: 1 << 20,
            header_timeout: Period::seconds(10),
            request_timeout: Period::seconds(60),
            slow_reader: Period::seconds(30),
            workers: 0,
            connections: 10_000,
        }
    }
}
