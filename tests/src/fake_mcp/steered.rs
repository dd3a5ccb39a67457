//! The folder through which a test and the binary `fake-mcp` speak.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::gateway_process::eventually;

/// How the program behaves, read again while it runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Control {
    /// Its tools. When they change, it says so.
    pub tools: Vec<String>,
    /// How it behaves.
    pub manner: Manner,
}

/// How the program behaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Manner {
    /// As it should.
    #[default]
    Good,
    /// It ends at once with status 3, also in the middle of a connection.
    Crash,
    /// It reads and never answers.
    Hang,
    /// It answers everything but `tools/list`.
    HangOnList,
    /// It writes what is not JSON.
    Garbage,
    /// As it should, but it stays when its input ends, and so does what it started, also on SIGTERM.
    Stay,
    /// The first one on this folder is good, those after it crash.
    OnlyOnce,
}

/// A folder that steers one program.
pub struct Steered {
    folder: TempDir,
    program: PathBuf,
}

impl Steered {
    /// A good one with these tools. `program` is the binary.
    pub fn new(program: &str, tools: &[&str]) -> Result<Self> {
        let folder = TempDir::with_prefix("firstlight-mcp-")?;
        let steered = Self { folder, program: program.into() };
        steered.behave(tools, Manner::Good)?;
        Ok(steered)
    }

    /// Changes how the program behaves, now and in later starts.
    pub fn behave(&self, tools: &[&str], manner: Manner) -> Result<()> {
        let tools = tools.iter().map(|&tool| tool.to_owned()).collect();
        let text = serde_json::to_string(&Control { tools, manner })?;
        let path = self.path("control.json");
        std::fs::write(path.with_extension("new"), text)?;
        Ok(std::fs::rename(path.with_extension("new"), path)?)
    }

    /// The entry of the `mcp` document.
    pub fn entry(&self) -> Value {
        json!({ "command": self.program, "args": [self.folder.path()], "timeout": 20 })
    }

    /// How often the program was started.
    pub fn starts(&self) -> Result<usize> {
        Ok(self.pids()?.len())
    }

    /// The process that was started last, and the one that it started.
    pub fn latest(&self) -> Result<(u32, u32)> {
        self.pids()?.last().copied().context("it was never started")
    }

    /// Waits until the program has been started so often, and answers its last processes.
    pub async fn started(&self, times: usize) -> Result<(u32, u32)> {
        eventually("a start of the program", async || {
            let pids = self.pids()?;
            let latest = pids.last().copied().filter(|_| pids.len() >= times);
            Ok(latest.ok_or_else(|| format!("{pids:?}")))
        })
        .await
    }

    /// The environment of the process that was started last.
    pub fn environment(&self) -> Result<Vec<String>> {
        let text = std::fs::read_to_string(self.path("environment"))?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    fn pids(&self) -> Result<Vec<(u32, u32)>> {
        let text = std::fs::read_to_string(self.path("pids")).unwrap_or_default();
        let whole = text.lines().filter_map(|line| line.strip_suffix('.')?.split_once(' '));
        whole.map(|(own, child)| Ok((own.parse()?, child.parse()?))).collect()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Waits until none of these processes exists, not even as one that nobody has waited for.
pub async fn gone(pids: &[u32]) -> Result<()> {
    eventually("the end of the processes", async || {
        let left = pids.iter().filter(|pid| Path::new(&format!("/proc/{pid}")).exists());
        let left: Vec<_> = left.collect();
        Ok(if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) })
    })
    .await
}
