//! The first plugin: `runtime-status`. Its tools and its route answer from the lifecycle snapshot.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use firstlight_core::lifecycle::{Control, State};
use firstlight_plugins_api::{
    ComponentStatus, Host, Manifest, Plugin, PluginError, RuntimeStatus, Tool, Version, WebRequest,
    WebResponse, WebRoute,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::Runtime;

/// Where plugins read the state of the gateway from; cheap to clone.
#[derive(Clone, Default)]
pub struct StatusBoard(Arc<Board>);

#[derive(Default)]
struct Board {
    /// Set once, as soon as the supervisor runs; plugins are loaded after that.
    control: OnceLock<Control<Runtime>>,
    messages: AtomicU64,
    last_message_ms: AtomicI64,
}

impl StatusBoard {
    /// Connects the board with the lifecycle. The first call counts.
    pub fn connect(&self, control: Control<Runtime>) {
        let _ = self.0.control.set(control);
    }

    /// Counts a message that came in now.
    pub fn count_message(&self) {
        self.0.messages.fetch_add(1, Ordering::Relaxed);
        self.0.last_message_ms.store(Timestamp::now().as_millisecond(), Ordering::Relaxed);
    }

    /// Messages handled since the process started.
    pub fn messages(&self) -> u64 {
        self.0.messages.load(Ordering::Relaxed)
    }
}

impl StatusBoard {
    /// Where the gateway stands.
    pub(super) fn runtime_status(&self) -> RuntimeStatus {
        let snapshot = self.0.control.get().map(Control::snapshot);
        let live = snapshot.as_ref().and_then(|s| s.state.live().map(|live| (s.at, live.lease())));
        let last_message = self.0.last_message_ms.load(Ordering::Relaxed);
        RuntimeStatus {
            state: snapshot.as_ref().map_or("created", |s| State::name(&s.state)).to_owned(),
            ready: live.is_some(),
            ready_since_ms: live.as_ref().map(|(at, _)| at.as_millisecond()),
            uptime_seconds: live.as_ref().map_or(0, |(at, _)| seconds_since(*at)),
            components: self.components(),
            plugins: live.map(|(_, runtime)| runtime.plugins.names()).unwrap_or_default(),
            messages: self.messages(),
            last_message_ms: (last_message != 0).then_some(last_message),
        }
    }
}

impl StatusBoard {
    fn components(&self) -> Vec<ComponentStatus> {
        let Some(control) = self.0.control.get() else { return Vec::new() };
        let history = control.timeline().snapshot();
        let components = history.current.iter().flat_map(|attempt| &attempt.components);
        components
            .map(|component| ComponentStatus {
                name: component.record.name.to_string(),
                state: component.record.state.name().to_owned(),
            })
            .collect()
    }
}

fn seconds_since(at: Timestamp) -> u64 {
    u64::try_from(Timestamp::now().as_second() - at.as_second()).unwrap_or(0)
}

/// The plugin itself.
pub struct RuntimeStatusPlugin {
    host: Host,
}

impl Plugin for RuntimeStatusPlugin {
    fn manifest() -> Manifest {
        Manifest::new("runtime-status", Version::new(1, 0, 0))
            .display_name("Runtime status")
            .author("Firstlight")
            .description("Answers, for people and for models, how the gateway is doing.")
            .reserved()
    }

    async fn load(host: Host) -> Result<Self, PluginError> {
        Ok(Self { host })
    }

    fn routes(&self) -> Vec<WebRoute> {
        vec![WebRoute::get("/status", "The state, the components and the counters.")]
    }

    async fn web(&self, _request: WebRequest) -> Result<WebResponse, PluginError> {
        let status =
            serde_json::to_value(self.host.runtime_status()).map_err(PluginError::failed)?;
        Ok(WebResponse::json(&status))
    }

    fn tools(&self) -> Vec<Tool> {
        vec![
            Tool::without_arguments(
                "get_runtime_status",
                "Whether the gateway is running, and for how many seconds.",
            ),
            Tool::without_arguments(
                "get_component_status",
                "The components of the gateway, each with its state.",
            ),
            Tool::without_arguments("get_star_registry", "The names of the loaded plugins."),
            Tool::without_arguments(
                "get_stats",
                "Uptime in seconds, messages handled, and the time of the last one.",
            ),
        ]
    }

    async fn call_tool(&self, name: &str, _arguments: Value) -> Result<Value, PluginError> {
        let status = self.host.runtime_status();
        match name {
            "get_runtime_status" => {
                Ok(json!({ "running": status.ready, "uptime_seconds": status.uptime_seconds }))
            }
            "get_component_status" => Ok(json!({ "components": status.components })),
            "get_star_registry" => Ok(json!({ "stars": status.plugins })),
            "get_stats" => Ok(json!({
                "uptime_seconds": status.uptime_seconds,
                "total_messages": status.messages,
                "last_activity": status.last_message_ms.and_then(iso_time),
            })),
            unknown => Err(PluginError::unknown_tool(unknown)),
        }
    }
}

fn iso_time(milliseconds: i64) -> Option<String> {
    Timestamp::from_millisecond(milliseconds).ok().map(|at| at.to_string())
}

#[cfg(test)]
mod tests {
    use firstlight_plugins_api::testing::FakeHost;

    use super::*;

    fn plugin() -> RuntimeStatusPlugin {
        RuntimeStatusPlugin { host: Host::new(Arc::new(FakeHost::default())) }
    }

    #[test]
    fn before_the_supervisor_runs_nothing_is_running_and_messages_are_counted() {
        let board = StatusBoard::default();
        board.count_message();
        let status = board.runtime_status();
        assert_eq!((status.ready, status.uptime_seconds, status.messages), (false, 0, 1));
        assert!(status.last_message_ms.is_some() && status.plugins.is_empty());
    }

    #[tokio::test]
    async fn the_tools_answer_from_the_state() {
        let answer = plugin().call_tool("get_runtime_status", json!({})).await.unwrap();
        assert_eq!(answer, json!({ "running": true, "uptime_seconds": 0 }));
        let answer = plugin().call_tool("get_stats", json!({})).await.unwrap();
        assert_eq!(answer["total_messages"], 0);
    }

    #[tokio::test]
    async fn an_unknown_tool_is_named_in_the_error() {
        let error = plugin().call_tool("reboot", json!({})).await.unwrap_err();
        assert_eq!(error.to_string(), "there is no tool called reboot");
    }
}
