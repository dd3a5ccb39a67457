//! `cargo xtask fuzz`: every fuzz target for a while, by cargo-fuzz on the nightly compiler.

use std::{fs, process::Command, process::Stdio};

use anyhow::{Context, Result, ensure};

use crate::{table, workspace::Workspace};

/// Which targets, and for how long.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only targets whose name contains one of these words.
    names: Vec<String>,
    /// For how long each.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

/// Runs the targets one after the other; fails at the first that finds something.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let mut targets: Vec<String> = fs::read_dir(workspace.root.join("fuzz/seeds"))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;
    targets.sort_unstable();
    targets.retain(|target| {
        arguments.names.is_empty() || arguments.names.iter().any(|name| target.contains(name))
    });
    ensure!(!targets.is_empty(), "there is no such fuzz target");
    let mut rows = Vec::new();
    for target in targets {
        println!("\n== {target}");
        rows.push(one(workspace, &target, arguments.seconds)?);
    }
    table::print(&["target", "seconds", "executions", "coverage", "corpus"], &rows);
    Ok(())
}

fn one(workspace: &Workspace, target: &str, seconds: u64) -> Result<Vec<String>> {
    // What it learns stays in `corpus`, which is nobody's but this machine's.
    let corpus = format!("corpus/{target}");
    fs::create_dir_all(workspace.root.join("fuzz").join(&corpus))?;
    let fuzz = Command::new("cargo")
        .current_dir(workspace.root.join("fuzz"))
        // There is no unsafe code of ours that a sanitizer would have to watch.
        .args(["+nightly", "fuzz", "run", "--sanitizer", "none", target, &corpus])
        .arg(format!("seeds/{target}"))
        .args(["--", "-timeout=10", "-rss_limit_mb=2048", "-max_len=65536"])
        .arg(format!("-max_total_time={seconds}"))
        .stdout(Stdio::inherit())
        .stderr(Stdio::piped())
        .spawn()
        .context("cargo-fuzz cannot be run (cargo install cargo-fuzz --locked)")?;
    let output = fuzz.wait_with_output()?;
    let log = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{target} found something:\n{log}");
    // `#1234 DONE cov: 56 ft: 78 corp: 9/10Kb …`
    let done = log.lines().rev().find(|line| line.contains("DONE")).unwrap_or_default();
    let mut words = done.split_whitespace();
    let executions = words.next().unwrap_or_default().trim_start_matches('#').to_owned();
    let words: Vec<&str> = words.collect();
    let after = |name: &str| {
        let value = words.iter().skip_while(|word| **word != name).nth(1);
        value.map_or_else(String::new, |value| (*value).to_owned())
    };
    Ok(vec![target.to_owned(), seconds.to_string(), executions, after("cov:"), after("corp:")])
}
