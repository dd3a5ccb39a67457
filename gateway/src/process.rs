//! What the process costs: memory, processor, threads.

use std::sync::Arc;

use parking_lot::Mutex;
use sysinfo::{MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// Measures the process. The processor share is that since the measurement before.
#[derive(Clone)]
pub struct ProcessMeter(Arc<Mutex<Option<System>>>);

/// One measurement.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// Resident memory of this process, in MiB.
    pub process_mib: u64,
    /// Memory in use on the machine, in MiB.
    pub system_mib: u64,
    /// Share of one processor, in percent.
    pub cpu_percent: f32,
    /// Threads of this process.
    pub threads: usize,
}

impl ProcessMeter {
    /// A meter that has measured nothing yet; that costs nothing at the start.
    pub fn new() -> Self {
        Self(Arc::default())
    }

    /// Measures now, off the async threads: the system is asked through files.
    pub async fn measure(&self) -> Usage {
        let meter = self.clone();
        tokio::task::spawn_blocking(move || meter.measure_blocking()).await.unwrap_or_default()
    }

    /// [`ProcessMeter::measure`] for code that may block.
    pub fn measure_blocking(&self) -> Usage {
        const MIB: u64 = 1024 * 1024;
        let mut kept = self.0.lock();
        if kept.is_none() {
            *kept =
                System::new().inspect_err(|error| tracing::warn!(%error, "not measurable")).ok();
        }
        let Some(system) = kept.as_mut() else { return Usage::default() };
        let pid = Pid::from_u32(std::process::id());
        let what = ProcessRefreshKind::nothing().with_memory().with_cpu().with_tasks();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, what);
        system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        let system_mib = system.used_memory() / MIB;
        let Some(process) = system.process(pid) else {
            return Usage { system_mib, ..Usage::default() };
        };
        Usage {
            process_mib: process.memory() / MIB,
            system_mib,
            cpu_percent: (process.cpu_usage() * 10.0).round() / 10.0,
            threads: process.tasks().map_or(1, |tasks| tasks.len().max(1)),
        }
    }
}

impl Default for ProcessMeter {
    fn default() -> Self {
        Self::new()
    }
}
