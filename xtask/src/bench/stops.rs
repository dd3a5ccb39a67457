//! `cargo xtask bench stops`: from `/stop` until the model's call has ended, as the model sees it.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::figures::{Figures, median};
use crate::workspace::{Faults, Workspace};

/// How often.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Answers that are stopped in each place.
    #[arg(long, default_value_t = 20)]
    rounds: usize,
}

/// Where `/stop` is said, and the names of what is measured there.
const PLACES: [(&str, &str, &str); 3] = [
    ("webchat", "stop_webchat_ms", "stop_webchat_max_ms"),
    ("socket", "stop_socket_ms", "stop_socket_max_ms"),
    ("onebot", "stop_onebot_ms", "stop_onebot_max_ms"),
];

/// Builds both sides, then measures: of each place half of the times, and the longest.
pub(super) fn run(workspace: &Workspace, profile: &str, arguments: &Arguments) -> Result<Figures> {
    let gateway = workspace.gateway(profile, Faults::Without)?;
    let output = Command::new(workspace.peer(profile, "stop-times")?)
        .args(["--rounds", &arguments.rounds.to_string()])
        .env("FIRSTLIGHT_BIN", gateway)
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the stops could not be measured");
    let measured: Value = serde_json::from_slice(&output.stdout)?;
    let mut figures = Figures::default();
    for (place, half, longest) in PLACES {
        let times = measured.get(place).and_then(Value::as_array).context("a place is missing")?;
        let times: Vec<f64> = times.iter().filter_map(Value::as_f64).collect();
        figures.add(half, "ms", median(&times), None);
        figures.add(longest, "ms", times.iter().copied().fold(0.0, f64::max), None);
    }
    Ok(figures)
}
