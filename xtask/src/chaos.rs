//! `cargo xtask chaos messages`: kills the gateway while messages go through it, and accounts for
//! each of them. The work is done by the binary `chaos` of `firstlight-tests`.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use xshell::cmd;

use crate::workspace::{Faults, Workspace};

/// What to break.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    chaos: Chaos,
}

#[derive(clap::Subcommand)]
enum Chaos {
    /// Messages through a gateway that dies again and again: none may be lost.
    Messages(Messages),
}

#[derive(clap::Args)]
struct Messages {
    /// How many messages are said.
    #[arg(long)]
    count: Option<usize>,
    /// How often the process is killed, at random moments.
    #[arg(long)]
    kills: Option<usize>,
    /// Decides about conversations and moments.
    #[arg(long)]
    seed: Option<u64>,
    /// How the far side reaches the gateway: `websocket`, or `http`, which is acknowledged.
    #[arg(long)]
    transport: Option<String>,
    /// Instead of random moments, one run for each named step, at which the process dies.
    #[arg(long)]
    points: bool,
    /// Also writes the figures to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// The cargo profile of the gateway and of what it is driven with.
    #[arg(long, default_value = "measure")]
    profile: String,
}

/// Builds, breaks, prints the table; fails when anything is lost, swapped or silently repeated.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let Chaos::Messages(messages) = &arguments.chaos;
    let gateway = workspace.gateway(&messages.profile, Faults::With)?;
    let chaos = workspace.peer(&messages.profile, "chaos")?;
    let shell = workspace.shell()?;
    let status = cmd!(shell, "{chaos}")
        .args(messages.passed_on())
        .env("FIRSTLIGHT_FAULTS_BIN", gateway)
        .quiet()
        .run();
    ensure!(status.is_ok(), "the figures are not what they must be, or there are none");
    Ok(())
}

impl Messages {
    /// What the driver is told. Its own defaults stand for what is absent.
    fn passed_on(&self) -> Vec<String> {
        let mut passed = Vec::new();
        let mut pass = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                passed.extend([format!("--{name}"), value]);
            }
        };
        pass("count", self.count.map(|count| count.to_string()));
        pass("kills", self.kills.map(|kills| kills.to_string()));
        pass("seed", self.seed.map(|seed| seed.to_string()));
        pass("transport", self.transport.clone());
        pass("json", self.json.as_ref().map(|path| path.display().to_string()));
        if self.points {
            passed.push("--points".to_owned());
        }
        passed
    }
}
