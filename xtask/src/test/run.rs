//! Runs the stages one after the other and prints what each took.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::stage::{Outcome, Stage};
use crate::{table, workspace::Workspace};

/// What to run.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only this stage; may be given several times.
    #[arg(long, value_enum)]
    stage: Vec<Stage>,
    /// Only the tests whose name contains this (stages unit and it).
    #[arg(long)]
    pub(super) filter: Option<String>,
    /// Formats, rewrites generated documents and accepts snapshots instead of comparing them.
    #[arg(long)]
    pub(super) update: bool,
}

/// Stops at the first stage that fails; the table is printed either way.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let mut rows = Vec::new();
    let mut failure = None;
    for stage in Stage::ALL {
        if !arguments.stage.is_empty() && !arguments.stage.contains(&stage) {
            continue;
        }
        println!("\n== {stage}");
        let began = Instant::now();
        let outcome = stage.run(workspace, arguments);
        let verdict = match &outcome {
            Ok(Outcome::Passed) => "passed".to_owned(),
            Ok(Outcome::Skipped(reason)) => format!("SKIPPED: {reason}"),
            Err(_) => "FAILED".to_owned(),
        };
        println!("== {stage}: {verdict}");
        rows.push(vec![stage.to_string(), seconds(began.elapsed()), verdict]);
        if let Err(error) = outcome {
            failure = Some((stage, error));
            break;
        }
    }
    table::print(&["stage", "time", "result"], &rows);
    match failure {
        Some((stage, error)) => bail!("stage {stage} failed: {error:#}"),
        None => Ok(()),
    }
}

fn seconds(elapsed: Duration) -> String {
    format!("{:.1} s", elapsed.as_secs_f64())
}
