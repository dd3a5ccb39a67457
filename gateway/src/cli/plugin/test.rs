//! `firstlight plugin test`.

use std::path::Path;
use std::process::Command;

use super::build::{Kind, tool};
use crate::exit::{Exit, Problem};

/// Runs the tests that the plugin brings.
pub(super) fn run(folder: &Path) -> Result<Exit, Problem> {
    let kind = Kind::of(folder)?;
    let mut command = match kind {
        Kind::Rust => {
            let mut command = Command::new("cargo");
            command.arg("test");
            command
        }
        Kind::Python => {
            let mut command = Command::new("python3");
            command.args(["-m", "unittest"]);
            command
        }
    };
    command.current_dir(folder);
    let ended = command.status().map_err(|error| tool(kind, &error))?;
    if ended.success() {
        return Ok(Exit::Success);
    }
    Err(Problem::new(Exit::Plugin, "the tests of the plugin failed", "read what they say above"))
}
