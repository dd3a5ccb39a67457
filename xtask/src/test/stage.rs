//! The stages: what each runs, and when it has to be skipped.

use std::{fmt, path::Path};

use anyhow::Result;
use xshell::{Cmd, Shell, cmd};

use super::{browser, generated, run::Arguments};
use crate::plugins::{self, Built};
use crate::workspace::{Faults, Workspace};

/// One check, in the order of [`Stage::ALL`].
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Stage {
    /// Formatting.
    Fmt,
    /// Sizes of files, package edges, links and decision records.
    Tidy,
    /// Clippy with the workspace lints, warnings refused.
    Clippy,
    /// Bans, licences and sources of the dependencies.
    Deny,
    /// Documents made from the route table.
    Docs,
    /// Unit and property tests of every package.
    Unit,
    /// Examples in the code's documentation.
    Doctests,
    /// Integration tests, against the library and the real binary.
    It,
    /// The embedded page in a real browser.
    Browser,
}

/// How a stage ended, when it did not fail.
pub(super) enum Outcome {
    Passed,
    Skipped(String),
}

impl Stage {
    /// Cheapest first.
    pub(super) const ALL: [Self; 9] = [
        Self::Fmt,
        Self::Tidy,
        Self::Clippy,
        Self::Deny,
        Self::Docs,
        Self::Unit,
        Self::Doctests,
        Self::It,
        Self::Browser,
    ];

    /// Runs the stage to its end.
    pub(super) fn run(self, workspace: &Workspace, arguments: &Arguments) -> Result<Outcome> {
        let shell = workspace.shell()?;
        if arguments.update {
            shell.set_var("INSTA_UPDATE", "always");
            shell.set_var("FIRSTLIGHT_UPDATE", "1");
        }
        match self {
            Self::Fmt => format(&shell, arguments.update)?,
            Self::Tidy => cmd!(shell, "cargo test -q -p xtask").run()?,
            Self::Clippy => clippy(&shell)?,
            Self::Deny => return deny(&shell),
            Self::Docs => generated::run(workspace, &shell, arguments.update)?,
            Self::Unit => unit(&shell, arguments)?,
            Self::Doctests => {
                cmd!(shell, "cargo test -q --workspace --exclude xtask --doc").run()?;
            }
            Self::It => integration(workspace, &shell, arguments)?,
            Self::Browser => return browser::run(workspace, &shell),
        }
        Ok(Outcome::Passed)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Fmt => "fmt",
            Self::Tidy => "tidy",
            Self::Clippy => "clippy",
            Self::Deny => "deny",
            Self::Docs => "docs",
            Self::Unit => "unit",
            Self::Doctests => "doctests",
            Self::It => "it",
            Self::Browser => "browser",
        })
    }
}

fn format(shell: &Shell, update: bool) -> Result<()> {
    let check: &[&str] = if update { &[] } else { &["--", "--check"] };
    Ok(cmd!(shell, "cargo fmt --all {check...}").run()?)
}

/// Twice, because the code behind the feature `faults` is code like any other.
fn clippy(shell: &Shell) -> Result<()> {
    for features in [&[][..], &["--features", "firstlight-gateway/faults"][..]] {
        cmd!(shell, "cargo clippy -q --workspace --all-targets {features...} -- -D warnings")
            .run()?;
    }
    Ok(())
}

fn deny(shell: &Shell) -> Result<Outcome> {
    if !has(shell, "cargo-deny") {
        let reason = "cargo-deny is not installed (cargo install cargo-deny --locked)";
        return Ok(Outcome::Skipped(reason.to_owned()));
    }
    // Advisories need a database from the network, which a build machine may not have.
    cmd!(shell, "cargo deny --all-features check --hide-inclusion-graph bans licenses sources")
        .run()?;
    Ok(Outcome::Passed)
}

fn unit(shell: &Shell, arguments: &Arguments) -> Result<()> {
    // With the faults, which have tests of their own and change nothing while no file names any.
    let features = ["--features", "firstlight-gateway/faults"];
    let scope = ["--workspace", "--exclude", "xtask", "--exclude", "firstlight-tests"];
    let scope = [&features[..], &scope[..]].concat();
    Ok(tests(shell, &scope, arguments).run()?)
}

fn integration(workspace: &Workspace, shell: &Shell, arguments: &Arguments) -> Result<()> {
    let faults = workspace.gateway("dev", Faults::With)?;
    let plain = workspace.gateway("dev", Faults::Without)?;
    let tests = tests(shell, &["-p", "firstlight-tests"], arguments);
    let tests = match plugins::build(workspace)? {
        // The guests that a test builds find there what these left compiled.
        Built::In(folder) => tests.env("FIRSTLIGHT_EXAMPLES", folder),
        Built::Skipped(reason) => {
            println!("the tests of plugins as components are SKIPPED: {reason}");
            tests
        }
    };
    Ok(tests
        // For cargo's own runner, which knows no groups: some of these tests measure what a gateway
        // costs, or hold it to a deadline.
        .env("RUST_TEST_THREADS", "1")
        .env("FIRSTLIGHT_BIN", plain)
        .env("FIRSTLIGHT_FAULTS_BIN", faults)
        .run()?)
}

/// Nextest, because a process for each test contains leaks and hangs; else cargo's own runner.
fn tests<'a>(shell: &'a Shell, scope: &[&str], arguments: &Arguments) -> Cmd<'a> {
    let filter = arguments.filter.as_slice();
    if has(shell, "cargo-nextest") {
        cmd!(shell, "cargo nextest run --no-tests pass {scope...} {filter...}")
    } else {
        println!("cargo-nextest is not installed: using cargo test, without its limits on hangs");
        cmd!(shell, "cargo test {scope...} --lib --bins --tests {filter...}")
    }
}

/// Whether a program is on the path.
pub(super) fn has(shell: &Shell, program: &str) -> bool {
    shell
        .var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| is_program(&folder, program)))
}

fn is_program(folder: &Path, program: &str) -> bool {
    folder.join(program).is_file() || folder.join(program).with_extension("exe").is_file()
}
