//! Looks at the processes of plugins from outside: how many there are, how much memory they have
//! and how much processor time they use. A plugin that uses more than it may is ended, with all its
//! processes.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio_util::task::TaskTracker;

use super::connection::Connection;

/// How often it looks.
const EVERY: Duration = Duration::from_millis(250);
/// How long a plugin may keep a processor busy that was not asked anything.
const UNASKED: Duration = Duration::from_secs(10);

/// The watch over all plugins. It runs while there are any. Clones are the same.
#[derive(Clone, Default)]
pub(in crate::plugins) struct Watch {
    shared: Arc<Shared>,
    tasks: TaskTracker,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    watched: BTreeMap<u32, Watched>,
    runs: bool,
}

struct Watched {
    connection: Weak<Connection>,
    last: Option<Usage>,
    /// Processor time of the call under way, and of doing something without being asked.
    asked: Duration,
    unasked: Duration,
    answered: u64,
}

/// What a group of processes uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) processes: usize,
    pub(super) memory: u64,
    pub(super) cpu: Duration,
}

impl Watch {
    /// Watches over the process group of a connection for as long as there is one.
    pub(super) fn add(&self, group: u32, connection: &Arc<Connection>) {
        let watched = Watched {
            connection: Arc::downgrade(connection),
            last: None,
            asked: Duration::ZERO,
            unasked: Duration::ZERO,
            answered: 0,
        };
        let mut state = self.shared.state.lock();
        state.watched.insert(group, watched);
        if !std::mem::replace(&mut state.runs, true) {
            let shared = Arc::clone(&self.shared);
            self.tasks.spawn(async move { shared.run().await });
        }
    }
}

impl Shared {
    async fn run(&self) {
        loop {
            tokio::time::sleep(EVERY).await;
            let groups: Vec<u32> = {
                let mut state = self.state.lock();
                state.watched.retain(|_, watched| watched.connection.strong_count() > 0);
                if state.watched.is_empty() {
                    state.runs = false;
                    return;
                }
                state.watched.keys().copied().collect()
            };
            let looked = tokio::task::spawn_blocking(move || look(&groups)).await;
            let Ok(usages) = looked else { continue };
            let mut state = self.state.lock();
            for (group, usage) in usages {
                if let Some(watched) = state.watched.get_mut(&group) {
                    watched.judge(usage);
                }
            }
        }
    }
}

impl Watched {
    fn judge(&mut self, usage: Usage) {
        let Some(connection) = self.connection.upgrade() else { return };
        connection.uses(usage);
        let budgets = connection.budgets();
        let used = self.last.map_or(Duration::ZERO, |last| usage.cpu.saturating_sub(last.cpu));
        self.last = Some(usage);
        let (under_way, answered) = connection.progress();
        if under_way == 0 || answered != self.answered {
            self.asked = Duration::ZERO;
        }
        self.answered = answered;
        if under_way > 0 {
            self.asked += used;
            self.unasked = Duration::ZERO;
        } else if used * 2 > EVERY {
            self.unasked += used;
        } else {
            self.unasked = Duration::ZERO;
        }
        let reason = if usage.processes > budgets.processes {
            format!("it had {} processes, {} are allowed", usage.processes, budgets.processes)
        } else if usage.memory > budgets.memory as u64 {
            format!("it wanted more than its {} MiB of memory", budgets.memory >> 20)
        } else if self.asked > connection.cpu_budget() {
            let used = connection.cpu_budget().as_millis();
            format!("it used its {used} ms of processor time")
        } else if self.unasked > UNASKED {
            format!("it kept a processor busy for {} s without being asked", UNASKED.as_secs())
        } else {
            return;
        };
        connection.kill(&reason);
    }
}

/// What each of these process groups uses. Where there is no `/proc`, nothing is known.
fn look(groups: &[u32]) -> BTreeMap<u32, Usage> {
    let mut usages = BTreeMap::<u32, Usage>::new();
    let Ok(processes) = std::fs::read_dir("/proc") else { return usages };
    let (page, tick) = (rustix::param::page_size() as u64, rustix::param::clock_ticks_per_second());
    for process in processes.flatten() {
        let is_process = process.file_name().to_string_lossy().bytes().all(|b| b.is_ascii_digit());
        if !is_process {
            continue;
        }
        let Ok(stat) = std::fs::read_to_string(process.path().join("stat")) else { continue };
        let Some(stat) = Stat::parse(&stat).filter(|stat| groups.contains(&stat.group)) else {
            continue;
        };
        let usage = usages.entry(stat.group).or_default();
        usage.processes += 1;
        usage.memory += stat.pages * page;
        usage.cpu += Duration::from_millis(stat.ticks * 1000 / tick.max(1));
    }
    usages
}

/// The part of `/proc/PID/stat` that counts here (proc(5)).
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    group: u32,
    ticks: u64,
    pages: u64,
}

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        // The name stands in brackets and may hold anything, also brackets.
        let after_name = text.rsplit_once(')')?.1;
        let fields: Vec<&str> = after_name.split_ascii_whitespace().collect();
        let number = |place: usize| fields.get(place)?.parse::<u64>().ok();
        Some(Self {
            group: u32::try_from(number(2)?).ok()?,
            ticks: number(11)? + number(12)?,
            pages: number(21)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_proc_is_read_whatever_the_program_is_called() {
        let line = "42 (a) b) (c) S 1 42 42 0 -1 4194304 100 0 0 0 7 3 0 0 20 0 1 0 5 1000 250 1 1";
        let stat = Stat::parse(line).unwrap();
        assert_eq!(stat, Stat { group: 42, ticks: 10, pages: 250 });
        assert_eq!(Stat::parse("garbage"), None);
        assert_eq!(Stat::parse("1 (x) S"), None);
    }

    #[test]
    fn this_process_is_seen() {
        let group = rustix::process::getpgrp().as_raw_nonzero().get().unsigned_abs();
        let usages = look(&[group]);
        assert!(usages[&group].processes >= 1);
        assert!(usages[&group].memory > 1 << 20);
    }
}
