//! The command line of the benches.

use std::path::PathBuf;

use anyhow::Result;

use super::{http, messages, plugins, startup, stops};
use crate::workspace::Workspace;

/// Which bench, and where its result goes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    bench: Bench,
    /// The cargo profile to measure; `measure` builds sooner and runs a little slower.
    #[arg(long, global = true, default_value = "release")]
    profile: String,
    /// Also writes the figures to this file.
    #[arg(long, global = true)]
    json: Option<PathBuf>,
}

#[derive(clap::Subcommand)]
enum Bench {
    /// Cold starts: time to the first answer and to ready, and memory when idle.
    Startup(startup::Arguments),
    /// Answers per second of a guarded row, and of its refusal while loading.
    Http(http::Arguments),
    /// Messages through the whole path: rate, times, flatness, and a flood.
    Messages(messages::Arguments),
    /// How soon `/stop` ends the model's call.
    Stops(stops::Arguments),
    /// Many plugins at once, an event through each lane, and a plugin that spins.
    Plugins(plugins::Arguments),
}

/// Measures, prints the table and writes the file.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let figures = match &arguments.bench {
        Bench::Startup(bench) => startup::run(workspace, &arguments.profile, bench)?,
        Bench::Http(bench) => http::run(workspace, &arguments.profile, bench)?,
        Bench::Messages(bench) => messages::run(workspace, &arguments.profile, bench)?,
        Bench::Stops(bench) => stops::run(workspace, &arguments.profile, bench)?,
        Bench::Plugins(bench) => plugins::run(workspace, &arguments.profile, bench)?,
    };
    figures.print();
    match &arguments.json {
        Some(path) => figures.write(path),
        None => Ok(()),
    }
}
