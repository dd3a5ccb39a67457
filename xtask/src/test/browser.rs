//! The stage `browser`: the embedded page, driven in a headless Chromium by the scripts in
//! `tests/browser`, after a look at the types of its scripts.

use std::fs;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use super::stage::{Outcome, has};
use crate::workspace::{Faults, Workspace};

/// The names under which Chromium is installed.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// Skipped when there is no browser, no Node.js or no script.
pub(super) fn run(workspace: &Workspace, shell: &Shell) -> Result<Outcome> {
    let Some(browser) = BROWSERS.into_iter().find(|name| has(shell, name)) else {
        return Ok(Outcome::Skipped("Chromium is not installed".to_owned()));
    };
    if !has(shell, "node") {
        return Ok(Outcome::Skipped("Node.js is not installed".to_owned()));
    }
    let scripts = scripts(workspace)?;
    if scripts.is_empty() {
        return Ok(Outcome::Skipped("tests/browser holds no *.test.mjs".to_owned()));
    }
    let folder = workspace.root.join("tests/browser");
    let packages = folder.join("node_modules");
    if !packages.is_dir() && cmd!(shell, "npm ci --prefix {folder}").quiet().run().is_err() {
        return Ok(Outcome::Skipped("the packages of tests/browser cannot be fetched".to_owned()));
    }
    let checker = packages.join("typescript/bin/tsc");
    cmd!(shell, "node {checker} -p {folder}").run()?;
    let plain = workspace.gateway("dev", Faults::Without)?;
    let faults = workspace.gateway("dev", Faults::With)?;
    cmd!(shell, "node --test --test-concurrency=1 {scripts...}")
        .env("FIRSTLIGHT_BIN", plain)
        .env("FIRSTLIGHT_FAULTS_BIN", faults)
        .env("FIRSTLIGHT_BROWSER", browser)
        .run()?;
    Ok(Outcome::Passed)
}

fn scripts(workspace: &Workspace) -> Result<Vec<String>> {
    let folder = workspace.root.join("tests/browser");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut scripts = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        let path = path.to_str().context("a file name that is not UTF-8")?;
        if path.ends_with(".test.mjs") {
            scripts.push(path.to_owned());
        }
    }
    scripts.sort();
    Ok(scripts)
}
