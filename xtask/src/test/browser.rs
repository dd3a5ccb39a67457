//! The stage `browser`: the embedded page, its scripts checked for types and driven in a headless
//! Chromium by `tests/browser`.

use std::path::Path;

use anyhow::Result;
use xshell::{Shell, cmd};

use super::stage::{Outcome, has};
use crate::workspace::{Faults, Workspace};

/// The names under which Chromium is installed.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// Skipped when there is no browser, no Node.js, or no way to fetch the driver.
pub(super) fn run(workspace: &Workspace, shell: &Shell) -> Result<Outcome> {
    let Some(browser) = BROWSERS.into_iter().find(|name| has(shell, name)) else {
        return Ok(Outcome::Skipped("Chromium is not installed".to_owned()));
    };
    if !has(shell, "node") || !has(shell, "npm") {
        return Ok(Outcome::Skipped("Node.js with npm is not installed".to_owned()));
    }
    let folder = workspace.root.join("tests/browser");
    let _inside = shell.push_dir(&folder);
    if !installed(&folder) && cmd!(shell, "npm ci --no-audit --no-fund").run().is_err() {
        return Ok(Outcome::Skipped("npm could not fetch the browser's driver".to_owned()));
    }
    cmd!(shell, "npm run --silent check").run()?;
    let faults = workspace.gateway("dev", Faults::With)?;
    let plain = workspace.gateway("dev", Faults::Without)?;
    cmd!(shell, "npm test")
        .env("FIRSTLIGHT_BIN", plain)
        .env("FIRSTLIGHT_FAULTS_BIN", faults)
        .env("FIRSTLIGHT_BROWSER", browser)
        .run()?;
    Ok(Outcome::Passed)
}

/// Whether the packages are there and not older than what they were locked to.
fn installed(folder: &Path) -> bool {
    let modified = |name: &str| folder.join(name).metadata().and_then(|file| file.modified());
    match (modified("node_modules/.package-lock.json"), modified("package-lock.json")) {
        (Ok(there), Ok(wanted)) => there >= wanted,
        _ => false,
    }
}
