//! The counters of the process, in the text form of Prometheus.
//!
//! Anything in the workspace counts through the `metrics` facade; this is the one place that reads
//! the counters. Labels are bounded: row names, component names, provider ids, never user input.

use std::sync::LazyLock;

use firstlight_core::lifecycle::State;
use metrics::gauge;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::app::App;

/// The recorder is global for the process, so it is installed once.
static RECORDER: LazyLock<Option<PrometheusHandle>> = LazyLock::new(|| {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    match metrics::set_global_recorder(recorder) {
        Ok(()) => Some(handle),
        Err(error) => {
            tracing::warn!(%error, "metrics are recorded elsewhere");
            None
        }
    }
});

/// Begins to count.
pub fn install() {
    LazyLock::force(&RECORDER);
}

/// All counters as text. What is only known when asked for is measured now.
pub async fn render(app: &App) -> String {
    let state = app.control.snapshot().state;
    for name in ["created", "core_ready", "runtime_ready", "runtime_failed"] {
        gauge!("firstlight_state", "state" => name).set(f64::from(u8::from(state.name() == name)));
    }
    if let State::RuntimeReady(live) = &state {
        let plugins = live.lease().plugins.names().len();
        gauge!("firstlight_plugins_loaded").set(count(plugins));
    }
    gauge!("firstlight_plugins_failed").set(count(app.plugins.failed().len()));
    let usage = app.process.measure().await;
    gauge!("firstlight_process_resident_mebibytes").set(count(usage.process_mib));
    gauge!("firstlight_process_threads").set(count(usage.threads));
    match app.bus.depths().await {
        Ok(depths) => {
            for depth in depths {
                let queue = depth.queue.to_string();
                let labels =
                    [("queue", queue), ("platform", depth.platform_id), ("state", depth.state)];
                gauge!("firstlight_bus_rows", &labels).set(count(depth.count));
            }
        }
        Err(error) => tracing::warn!(%error, "the depths of the bus could not be read"),
    }
    RECORDER.as_ref().map(PrometheusHandle::render).unwrap_or_default()
}

/// Counts here are far below the 2^53 that a float holds exactly.
fn count(number: impl TryInto<u32>) -> f64 {
    f64::from(number.try_into().unwrap_or(u32::MAX))
}
