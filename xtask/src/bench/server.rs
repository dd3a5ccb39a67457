//! Server processes under measurement: the gateway and the bare server.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    num::NonZero,
    path::Path,
    process::{Child, Command, Stdio},
    thread::{available_parallelism, sleep},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use super::client::{Options, call};

/// Between two looks; far below what is measured, and leaves the processors to the server.
const LOOK: Duration = Duration::from_micros(200);
/// After this a server is not coming up.
const LIMIT: Duration = Duration::from_secs(30);

/// A running server, ended when dropped.
pub(super) struct Server {
    child: Child,
    pub(super) address: SocketAddr,
    began: Instant,
}

impl Server {
    /// Starts the gateway on a data folder; its output goes to a file beside the folder.
    pub(super) fn gateway(binary: &Path, data: &Path, faults: Option<&Path>) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(binary);
        command
            .arg("run")
            .env("FIRSTLIGHT_DATA_DIR", data)
            .env("FIRSTLIGHT_LISTEN", address.to_string())
            .env("FIRSTLIGHT_LIMITS_WORKERS", workers());
        if let Some(faults) = faults {
            command.env("FIRSTLIGHT_FAULTS", faults);
        }
        Self::spawn(command, address, &data.with_extension("log"))
    }

    /// Starts the bare server, with the document it answers.
    pub(super) fn bare(binary: &Path, database: &Path, json: Option<&Path>) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(binary);
        command.args(["--listen", &address.to_string()]).arg("--database").arg(database);
        command.args(["--workers", &workers()]);
        if let Some(json) = json {
            command.arg("--json").arg(json);
        }
        Self::spawn(command, address, &database.with_extension("log"))
    }

    fn spawn(mut command: Command, address: SocketAddr, log: &Path) -> Result<Self> {
        let log = File::create(log)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let began = Instant::now();
        let child = command.spawn().with_context(|| format!("starting {command:?}"))?;
        Ok(Self { child, address, began })
    }

    /// Asks until the path answers 200 and returns the time since the process was started.
    pub(super) fn answered(&mut self, path: &str) -> Result<Duration> {
        loop {
            if let Ok(reply) = call(self.address, path, &Options::default())
                && reply.status == 200
            {
                return Ok(self.began.elapsed());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended ({status}) before {path} answered");
            }
            ensure!(self.began.elapsed() < LIMIT, "{path} did not answer within {LIMIT:?}");
            sleep(LOOK);
        }
    }

    /// Resident memory in MiB.
    pub(super) fn resident(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().nth(1));
        Ok(kibibytes.context("no VmRSS")?.parse::<f64>()? / 1024.0)
    }

    /// User and system time so far.
    pub(super) fn cpu(&self) -> Result<Duration> {
        /// A tick is 10 ms on every Linux.
        const TICK: Duration = Duration::from_millis(10);
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, fields) = stat.rsplit_once(')').context("no name")?;
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
        Ok(TICK * ticks.sum::<Result<u32, _>>()?)
    }

    /// Asks the server to end and waits until it has.
    pub(super) fn stop(mut self) -> Result<()> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status()?;
        let began = Instant::now();
        while self.child.try_wait()?.is_none() {
            ensure!(began.elapsed() < LIMIT, "the server did not end within {LIMIT:?}");
            sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already; there is nobody to tell either way.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Both sides serve with as many threads as there are processors.
fn workers() -> String {
    available_parallelism().map_or(1, NonZero::get).to_string()
}

/// An address that was free a moment ago.
pub(super) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
