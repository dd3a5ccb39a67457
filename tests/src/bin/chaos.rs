//! Kills the gateway while messages go through it, and accounts for each of them.
//!
//! `cargo xtask chaos messages` builds what it needs and runs it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser;
use firstlight_core::failpoint::Point;
use firstlight_tests::chaos::{Outcome, Plan, Transport, json, run, table};

/// Says messages through the binary that `FIRSTLIGHT_FAULTS_BIN` names, and kills it meanwhile.
#[derive(Parser)]
struct Arguments {
    /// How many messages are said.
    #[arg(long, default_value_t = 20_000)]
    count: usize,
    /// How often the process is killed.
    #[arg(long, default_value_t = 50)]
    kills: usize,
    /// Decides about conversations and moments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How the far side reaches the gateway.
    #[arg(long, value_enum, default_value_t = Transport::Websocket)]
    transport: Transport,
    /// Instead of killing at random moments, one run for each named step, at which it dies.
    #[arg(long, conflicts_with = "kills")]
    points: bool,
    /// Also writes the figures to this file.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let mut runs: Vec<(String, Outcome)> = Vec::new();
    for (name, plan) in plans(&arguments) {
        let outcome = run(&plan).await.with_context(|| format!("run {name}"))?;
        say(&format!("{name}: {:?}", outcome.figures));
        runs.push((name, outcome));
    }
    say(&format!("\n{}", table(&runs)));
    if let Some(path) = &arguments.json {
        let text = serde_json::to_string_pretty(&json(&runs))?;
        std::fs::write(path, text + "\n").with_context(|| path.display().to_string())?;
    }
    let mut code = ExitCode::SUCCESS;
    for (name, violation) in
        runs.iter().flat_map(|(name, run)| run.violations.iter().map(move |each| (name, each)))
    {
        say(&format!("VIOLATED in {name}: {violation}"));
        code = ExitCode::FAILURE;
    }
    Ok(code)
}

fn plans(arguments: &Arguments) -> Vec<(String, Plan)> {
    let Arguments { count, kills, seed, transport, points, .. } = *arguments;
    let way = match transport {
        Transport::Websocket => "websocket",
        Transport::Http => "http",
    };
    if !points {
        let plan = Plan::random(count, kills, seed, transport);
        return vec![(format!("{way}, seed {seed}, {kills} kills"), plan)];
    }
    let at = |point: Point| {
        (format!("{way}, {}", point.as_str()), Plan::at(point, count, seed, transport))
    };
    Point::MESSAGES.into_iter().map(at).collect()
}

#[expect(clippy::print_stdout, reason = "the figures are the result")]
fn say(line: &str) {
    println!("{line}");
}
