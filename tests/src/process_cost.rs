//! What a process holds, read from `/proc`: threads by name, descriptors by kind, memory.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// How many connections to the database a gateway has at most: one that writes, four that read.
pub const CONNECTIONS: usize = 5;

/// The name of the thread of a connection to the database.
const CONNECTION: &str = "sqlx-sqlite-wor";

/// What a process holds at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cost {
    /// How many threads of each name.
    pub threads: BTreeMap<String, usize>,
    /// How many descriptors of each kind: sockets, pipes, files by their path.
    pub descriptors: BTreeMap<String, usize>,
    /// Resident memory, in KiB.
    pub resident_kib: i64,
}

impl Cost {
    /// Looks now.
    pub fn of(pid: u32) -> Result<Self> {
        let folder = Path::new("/proc").join(pid.to_string());
        let mut cost = Self { resident_kib: resident(&folder)?, ..Self::default() };
        for task in fs::read_dir(folder.join("task"))? {
            // A thread that ends between the two looks is no thread.
            if let Ok(name) = fs::read_to_string(task?.path().join("comm")) {
                *cost.threads.entry(name.trim().to_owned()).or_default() += 1;
            }
        }
        for descriptor in fs::read_dir(folder.join("fd"))? {
            if let Ok(target) = fs::read_link(descriptor?.path()) {
                let target = target.to_string_lossy();
                let kind = target.split_once(":[").map_or(&*target, |(kind, _)| kind);
                *cost.descriptors.entry(kind.to_owned()).or_default() += 1;
            }
        }
        Ok(cost)
    }

    /// How many threads there are.
    pub fn thread_count(&self) -> usize {
        self.threads.values().sum()
    }

    /// How many descriptors are open.
    pub fn descriptor_count(&self) -> usize {
        self.descriptors.values().sum()
    }

    /// Connections of the pool to the database. Its size follows the demand up to a bound, whatever
    /// the runtime does.
    pub fn connections(&self) -> usize {
        self.threads.get(CONNECTION).copied().unwrap_or_default()
    }

    /// What this holds that the other does not, but for the database's pool: empty when nothing was
    /// left behind.
    pub fn beyond(&self, baseline: &Self) -> BTreeMap<String, usize> {
        let mut more = BTreeMap::new();
        let pairs = [
            ("thread", &self.threads, &baseline.threads),
            ("descriptor", &self.descriptors, &baseline.descriptors),
        ];
        for (what, now, before) in pairs {
            for (name, count) in now.iter().filter(|(name, _)| !of_pool(name)) {
                let excess = count.saturating_sub(before.get(name).copied().unwrap_or_default());
                if excess > 0 {
                    more.insert(format!("{what} {name}"), excess);
                }
            }
        }
        more
    }
}

fn of_pool(name: &str) -> bool {
    name == CONNECTION || name.contains("/firstlight.db")
}

fn resident(folder: &Path) -> Result<i64> {
    let status = fs::read_to_string(folder.join("status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).context("no VmRSS")?;
    Ok(kib.parse()?)
}
