//! Applies the patches one by one and prints which of them were caught.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};

use super::{
    patch::{self, Patch, Selection},
    sources::{self, Direction, apply},
    suite::{self, Verdict},
};
use crate::{table, workspace::Workspace};

/// Which mutants, and how far.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only the patches whose name contains one of these.
    names: Vec<String>,
    /// Only says what there is and whether it still applies; builds nothing.
    #[arg(long)]
    check: bool,
}

/// A mutant may make the tests slower, but not by more than this factor.
const PATIENCE: u32 = 10;
/// The least time that tests get before they count as hung.
const LEAST: Duration = Duration::from_mins(1);

enum Outcome {
    Caught(&'static str),
    /// A hole in the tests, or in the patch. What the tests or cargo said stands above the table.
    Escaped(&'static str),
}

/// Fails when a mutant survives, no longer applies or does not compile.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let patches = patch::all(&workspace.root.join("mutants"), &arguments.names)?;
    let copy = sources::copy(workspace)?;
    if arguments.check {
        return check(&copy, &patches);
    }
    let limits = baseline(workspace, &copy, &patches)?;
    let mut rows = Vec::new();
    let mut escaped = Vec::new();
    for patch in &patches {
        let began = Instant::now();
        let limit = limits.get(&patch.suite).copied().unwrap_or(LEAST);
        let outcome = try_one(workspace, &copy, patch, limit)?;
        let took = format!("{:.0} s", began.elapsed().as_secs_f64());
        let text = match outcome {
            Outcome::Caught(how) => how,
            Outcome::Escaped(why) => {
                escaped.push(patch.name.as_str());
                why
            }
        };
        println!("{}: {text} ({took})", patch.name);
        rows.push(vec![patch.name.clone(), text.to_owned(), took]);
    }
    table::print(&["mutant", "result", "time"], &rows);
    ensure!(escaped.is_empty(), "not caught: {}", escaped.join(", "));
    println!("{} mutants, all caught", patches.len());
    Ok(())
}

fn check(copy: &Path, patches: &[Patch]) -> Result<()> {
    let mut broken = 0;
    for patch in patches {
        println!("{}: {}", patch.name, patch.breaks);
        if let Err(error) = apply(copy, &patch.path, Direction::Check) {
            println!("  {error}");
            broken += 1;
        }
    }
    ensure!(broken == 0, "{broken} patches no longer apply");
    Ok(())
}

/// Without a mutant every suite has to pass, else its failures would mean nothing. How long it took
/// is the measure for what counts as hung.
fn baseline(
    workspace: &Workspace,
    copy: &Path,
    patches: &[Patch],
) -> Result<BTreeMap<Selection, Duration>> {
    let mut limits = BTreeMap::new();
    for Patch { suite, .. } in patches {
        if limits.contains_key(suite) {
            continue;
        }
        let Some(binary) = suite::build(copy, &workspace.target, suite)? else {
            bail!("the sources do not compile without a mutant");
        };
        let began = Instant::now();
        let (verdict, text) = suite::test(&binary, suite, LEAST * PATIENCE)?;
        if verdict != Verdict::Passed {
            bail!("the tests {:?} fail without a mutant:\n{text}", suite.tests);
        }
        ensure!(!text.contains("running 0 tests"), "no test is called {:?}", suite.tests);
        limits.insert(suite.clone(), LEAST.max(began.elapsed() * PATIENCE));
    }
    Ok(limits)
}

fn try_one(workspace: &Workspace, copy: &Path, patch: &Patch, limit: Duration) -> Result<Outcome> {
    if let Err(error) = apply(copy, &patch.path, Direction::Forward) {
        println!("{error}");
        return Ok(Outcome::Escaped("DOES NOT APPLY"));
    }
    let outcome = judge(workspace, copy, patch, limit);
    apply(copy, &patch.path, Direction::Back)?;
    outcome
}

fn judge(workspace: &Workspace, copy: &Path, patch: &Patch, limit: Duration) -> Result<Outcome> {
    let Some(binary) = suite::build(copy, &workspace.target, &patch.suite)? else {
        return Ok(Outcome::Escaped("DOES NOT COMPILE"));
    };
    let (verdict, _) = suite::test(&binary, &patch.suite, limit)?;
    Ok(match verdict {
        Verdict::Failed => Outcome::Caught("caught"),
        Verdict::Hung => Outcome::Caught("caught (tests hang)"),
        Verdict::Passed => Outcome::Escaped("SURVIVED"),
    })
}
