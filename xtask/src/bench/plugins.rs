//! `cargo xtask bench plugins`: many components at once, an event through each lane, and what a
//! plugin that spins costs the others.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};
use serde::Deserialize;

use super::figures::Figures;
use crate::table;
use crate::workspace::Workspace;

/// Of how many components the figures are.
const NAMED: usize = 300;

/// With what it is measured.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The dice example as a component.
    #[arg(long)]
    component: PathBuf,
    /// How many components there are, one start for each.
    #[arg(long, value_delimiter = ',', default_values_t = [10, 100, NAMED, 1000])]
    counts: Vec<usize>,
    /// How often each start is measured; the middle one counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// See `firstlight_tests::plugin_load`.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Measured {
    count: usize,
    start_ms: f64,
    ready_ms: f64,
    own_mib: f64,
    component_us: f64,
    process_us: f64,
    quiet_p99_ms: f64,
    spinning_component_p99_ms: f64,
    spinning_process_p99_ms: f64,
}

/// Builds, measures each count, and prints how start and memory grow with it.
pub(super) fn run(workspace: &Workspace, profile: &str, arguments: &Arguments) -> Result<Figures> {
    let load = workspace.peer(profile, "plugin-load")?;
    let (mut figures, mut rows) = (Figures::default(), Vec::new());
    for count in &arguments.counts {
        let data = tempfile::tempdir()?;
        let prepared = Command::new(&load)
            .arg("prepare")
            .args([data.path(), &arguments.component])
            .arg(count.to_string())
            .status()?;
        ensure!(prepared.success(), "{count} components could not be installed");
        let measure = || -> Result<Measured> {
            let output = Command::new(&load)
                .arg("measure")
                .arg(data.path())
                .arg(count.to_string())
                .stderr(Stdio::inherit())
                .output()?;
            ensure!(output.status.success(), "{count} components could not be measured");
            Ok(serde_json::from_slice(&output.stdout)?)
        };
        let mut measured =
            (0..arguments.rounds.max(1)).map(|_| measure()).collect::<Result<Vec<_>>>()?;
        measured.sort_by(|a, b| a.start_ms.total_cmp(&b.start_ms));
        let Some(middle) = measured.get(measured.len() / 2).copied() else { continue };
        rows.push(row(&middle));
        if *count == NAMED {
            name(&mut figures, &middle);
        }
    }
    let head = ["components", "start ms", "ready ms", "own MiB each", "component us", "process us"];
    table::print(&head, &rows);
    Ok(figures)
}

fn row(measured: &Measured) -> Vec<String> {
    let figures = [
        measured.start_ms,
        measured.ready_ms,
        measured.own_mib,
        measured.component_us,
        measured.process_us,
    ];
    let figures = figures.into_iter().map(|figure| format!("{figure:.2}"));
    std::iter::once(measured.count.to_string()).chain(figures).collect()
}

fn name(figures: &mut Figures, measured: &Measured) {
    figures.add("start_300_ms", "ms", measured.start_ms, None);
    figures.add("rss_per_component_mb", "MiB", measured.own_mib, None);
    figures.add("component_event_us", "us", measured.component_us, None);
    figures.add("process_event_us", "us", measured.process_us, None);
    let quiet = Some(measured.quiet_p99_ms);
    figures.add("spinning_component_p99_ms", "ms", measured.spinning_component_p99_ms, quiet);
    figures.add("spinning_process_p99_ms", "ms", measured.spinning_process_p99_ms, quiet);
}
