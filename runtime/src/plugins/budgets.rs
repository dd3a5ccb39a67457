//! How much a plugin may use.

use std::num::NonZeroU32;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The budgets that a plugin asks for in its `plugin.toml`, or that the operator gave it. What is
/// not said is the default, and nothing goes beyond the maximum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct AskedBudgets {
    /// Memory of one instance, or of all processes together: 64 or 256 MiB, at most 256 or 1024.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u32>,
    /// Processor time of one call: 1000 ms, at most 60,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_ms: Option<u32>,
    /// How long one call may take: 120 s, at most 600.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline_s: Option<u32>,
    /// Instances of a component at the same time: 4, at most 32.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances: Option<u32>,
    /// Processes of the process lane, with those that it starts: 16, at most 64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes: Option<u32>,
    /// Lines of log each second: 50, at most 1000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_lines_per_s: Option<u32>,
    /// Requests to web servers each minute: 120, at most 6000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_min: Option<u32>,
}

/// The budgets that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budgets {
    /// Memory of one instance, or of all processes together, in bytes.
    pub memory: usize,
    /// Processor time of one call.
    pub cpu: Duration,
    /// How long one call may take.
    pub deadline: Duration,
    /// Instances at the same time.
    pub instances: usize,
    /// Processes at the same time.
    pub processes: usize,
    /// Lines of log each second.
    pub log_lines_per_s: NonZeroU32,
    /// Requests each minute.
    pub requests_per_min: NonZeroU32,
}

/// In which lane a plugin lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LaneKind {
    /// A WebAssembly component.
    Component,
    /// A program.
    Process,
}

impl AskedBudgets {
    /// What counts when the operator gave `given`.
    pub fn with(&self, given: &Self, lane: LaneKind) -> Budgets {
        let (memory, most_memory) = match lane {
            LaneKind::Component => (64, 256),
            LaneKind::Process => (256, 1024),
        };
        let pick = |given: Option<u32>, asked: Option<u32>, default: u32, most: u32| {
            NonZeroU32::new(given.or(asked).unwrap_or(default).min(most)).unwrap_or(NonZeroU32::MIN)
        };
        let count = |number: NonZeroU32| usize::try_from(number.get()).unwrap_or(usize::MAX);
        let memory = pick(given.memory_mib, self.memory_mib, memory, most_memory);
        let cpu = pick(given.cpu_ms, self.cpu_ms, 1000, 60_000);
        let deadline = pick(given.deadline_s, self.deadline_s, 120, 600);
        Budgets {
            memory: count(memory).saturating_mul(1 << 20),
            cpu: Duration::from_millis(cpu.get().into()),
            deadline: Duration::from_secs(deadline.get().into()),
            instances: count(pick(given.instances, self.instances, 4, 32)),
            processes: count(pick(given.processes, self.processes, 16, 64)),
            log_lines_per_s: pick(given.log_lines_per_s, self.log_lines_per_s, 50, 1000),
            requests_per_min: pick(given.requests_per_min, self.requests_per_min, 120, 6000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operator_overrides_what_is_asked_and_neither_goes_beyond_the_maximum() {
        let asked = AskedBudgets { cpu_ms: Some(5), instances: Some(99), ..<_>::default() };
        let given = AskedBudgets { cpu_ms: Some(7), memory_mib: Some(9999), ..<_>::default() };
        let budgets = asked.with(&given, LaneKind::Component);
        assert_eq!(budgets.cpu, Duration::from_millis(7));
        assert_eq!(budgets.instances, 32);
        assert_eq!(budgets.memory, 256 << 20);
        let nothing = AskedBudgets { deadline_s: Some(0), ..<_>::default() };
        let budgets = nothing.with(&AskedBudgets::default(), LaneKind::Process);
        assert_eq!(budgets.deadline, Duration::from_secs(1));
        assert_eq!(budgets.memory, 256 << 20);
    }
}
