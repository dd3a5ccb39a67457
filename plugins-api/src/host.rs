//! What the gateway offers to a plugin.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The plugin's line to the gateway; cheap to clone and to keep.
#[derive(Clone)]
pub struct Host(Arc<dyn HostCalls>);

/// The calls behind [`Host`]. The gateway implements it; tests may.
pub trait HostCalls: Send + Sync {
    /// Where the gateway stands right now. Never waits.
    fn runtime_status(&self) -> RuntimeStatus;
}

/// Where the gateway stands, as [`Host::runtime_status`] answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuntimeStatus {
    /// `created`, `core_ready`, `runtime_ready` or `runtime_failed`.
    pub state: String,
    /// Whether requests that need the runtime are served.
    pub ready: bool,
    /// When the runtime became ready, in milliseconds since 1970 UTC.
    pub ready_since_ms: Option<i64>,
    /// Seconds since then; 0 while it is not ready.
    pub uptime_seconds: u64,
    /// The components of the last bootstrap, in start order.
    pub components: Vec<ComponentStatus>,
    /// The names of the loaded plugins, sorted.
    pub plugins: Vec<String>,
    /// Messages handled since the process started.
    pub messages: u64,
    /// When the last of them came in, in milliseconds since 1970 UTC.
    pub last_message_ms: Option<i64>,
}

/// One component of the bootstrap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComponentStatus {
    /// Its name in the timeline, such as `providers`.
    pub name: String,
    /// `pending`, `starting`, `ready`, `failed` or `stopped`.
    pub state: String,
}

impl Host {
    /// Wraps an implementation of the calls.
    pub fn new(calls: Arc<dyn HostCalls>) -> Self {
        Self(calls)
    }

    /// Where the gateway stands right now. Never waits.
    pub fn runtime_status(&self) -> RuntimeStatus {
        self.0.runtime_status()
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Host")
    }
}
