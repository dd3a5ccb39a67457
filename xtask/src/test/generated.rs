//! The stage `docs`: documents made from the route table are what is committed.

use std::fs;

use anyhow::{Result, ensure};
use xshell::{Shell, cmd};

use crate::workspace::Workspace;

/// What the generator is asked for, and where the result is kept.
const DOCUMENTS: [(&str, &str); 3] =
    [("openapi", "docs/openapi.json"), ("http", "docs/http.md"), ("errors", "docs/errors.md")];

/// Compares, or rewrites.
pub(super) fn run(workspace: &Workspace, shell: &Shell, update: bool) -> Result<()> {
    let mut stale = Vec::new();
    for (name, file) in DOCUMENTS {
        let made = cmd!(shell, "cargo run -q -p firstlight-gateway --bin generate-docs -- {name}")
            .ignore_status()
            .output()?;
        ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let path = workspace.root.join(file);
        if update {
            fs::write(&path, &made.stdout)?;
        } else if fs::read(&path).unwrap_or_default() != made.stdout {
            stale.push(file);
        }
    }
    ensure!(stale.is_empty(), "stale: {} (cargo xtask test --update)", stale.join(", "));
    Ok(())
}
