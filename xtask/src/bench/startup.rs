//! `cargo xtask bench startup`: cold processes, on an existing database and on an empty folder.

use std::{
    path::{Path, PathBuf},
    thread::sleep,
    time::Duration,
};

use anyhow::Result;

use super::{
    figures::{Figures, median},
    server::Server,
};
use crate::workspace::{Faults, Workspace};

/// How long a server is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(2);

/// How often.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Starts of each kind.
    #[arg(long, default_value_t = 20)]
    runs: usize,
}

/// Milliseconds, and MiB for memory.
#[derive(Default)]
struct Samples {
    listen: Vec<f64>,
    listen_new: Vec<f64>,
    ready: Vec<f64>,
    resident: Vec<f64>,
}

/// Builds both servers and starts them in turns.
pub(super) fn run(workspace: &Workspace, profile: &str, arguments: &Arguments) -> Result<Figures> {
    let gateway = workspace.gateway(profile, Faults::Without)?;
    let bare = workspace.peer(profile, "bare-server")?;
    let folder = tempfile::tempdir()?;
    let start_gateway = |data: PathBuf| Server::gateway(&gateway, &data, None);
    let start_bare = |data: PathBuf| Server::bare(&bare, &data.with_extension("db"), None);
    let (mut ours, mut baseline) = (Samples::default(), Samples::default());
    for run in 0..arguments.runs {
        println!("start {} of {}", run + 1, arguments.runs);
        cold(folder.path(), "gateway", "/readyz", run, start_gateway, &mut ours)?;
        cold(folder.path(), "bare", "/livez", run, start_bare, &mut baseline)?;
    }
    idle(start_gateway(folder.path().join("gateway"))?, "/readyz", &mut ours)?;
    idle(start_bare(folder.path().join("bare"))?, "/livez", &mut baseline)?;

    let mut figures = Figures::default();
    let mut add = |name, unit, ours: &[f64], bare: &[f64]| {
        figures.add(name, unit, median(ours), Some(median(bare)));
    };
    add("listen_ms", "ms", &ours.listen, &baseline.listen);
    add("listen_new_ms", "ms", &ours.listen_new, &baseline.listen_new);
    add("ready_ms", "ms", &ours.ready, &baseline.ready);
    add("idle_rss_mb", "MiB", &ours.resident, &baseline.resident);
    Ok(figures)
}

/// One start on a folder that does not exist, and one on the folder that all runs share.
fn cold(
    folder: &Path,
    name: &str,
    ready: &str,
    run: usize,
    start: impl Fn(PathBuf) -> Result<Server>,
    samples: &mut Samples,
) -> Result<()> {
    let mut new = start(folder.join(format!("{name}-new-{run}")))?;
    samples.listen_new.push(milliseconds(new.answered("/livez")?));
    new.answered(ready)?;
    new.stop()?;

    let shared = folder.join(name);
    if run == 0 {
        let mut first = start(shared.clone())?;
        first.answered(ready)?;
        first.stop()?;
    }
    let mut existing = start(shared)?;
    samples.listen.push(milliseconds(existing.answered("/livez")?));
    samples.ready.push(milliseconds(existing.answered(ready)?));
    existing.stop()
}

fn idle(mut server: Server, ready: &str, samples: &mut Samples) -> Result<()> {
    server.answered(ready)?;
    sleep(IDLE);
    samples.resident.push(server.resident()?);
    server.stop()
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
