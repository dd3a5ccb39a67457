//! The data of the timeline: attempts, their components and the items of these.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::time::Instant;

/// The attempt that runs (or ran last), and the one before.
#[derive(Debug, Clone, Default, Serialize)]
pub struct History {
    /// The newest attempt; it stays readable after its end.
    pub current: Option<Attempt>,
    /// The attempt before, as it ended.
    pub previous: Option<Arc<Attempt>>,
}

/// One attempt to bring the runtime up, until all of it is down again.
#[derive(Debug, Clone, Serialize)]
pub struct Attempt {
    /// Counts the attempts since the process started, from 1.
    pub attempt: u32,
    /// How far it came.
    pub outcome: Outcome,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took until ready, failed or cancelled.
    pub duration_ms: Option<u64>,
    /// What failed it: the bootstrap's failure, or the later death of a critical task.
    pub error: Option<String>,
    /// The components in start order.
    pub components: Vec<ComponentRecord>,
    /// What could be neither stopped nor aborted within its deadlines.
    pub unclean: Vec<String>,
    #[serde(skip)]
    pub(super) since: Instant,
    /// Nothing of the attempt runs any more, so late reports of it are void.
    #[serde(skip)]
    pub(super) closed: bool,
}

/// How far an attempt came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The bootstrap is running.
    Running,
    /// The runtime is up.
    Ready,
    /// The bootstrap failed, or the runtime did later.
    Failed,
    /// Somebody asked for something else before it was ready.
    Cancelled,
    /// It was ready and was then taken down on request.
    Stopped,
}

/// Where a component or an item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// Not begun.
    Pending,
    /// Being started, or waiting to be started again.
    Starting,
    /// Up.
    Ready,
    /// Ended in an error.
    Failed,
    /// Taken down, or given up because the attempt ended.
    Stopped,
}

/// What components and items have in common.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// The name of the component or item.
    pub name: Arc<str>,
    /// Where it stands.
    pub state: Progress,
    /// When its start began.
    pub started_at: Option<Timestamp>,
    /// How long the start took.
    pub duration_ms: Option<u64>,
    /// The last error.
    pub error: Option<String>,
    #[serde(skip)]
    since: Option<Instant>,
}

/// One component of an attempt.
#[derive(Debug, Clone, Serialize)]
pub struct ComponentRecord {
    /// Name, state, times and error.
    #[serde(flatten)]
    pub record: Record,
    /// How long its stop took.
    pub stop_ms: Option<u64>,
    /// What went wrong when it was stopped.
    pub stop_error: Option<String>,
    /// Its parts: one plugin, one provider, one platform each.
    pub items: Vec<Record>,
}

impl Attempt {
    pub(super) fn new(attempt: u32, components: &[&str]) -> Self {
        Self {
            attempt,
            outcome: Outcome::Running,
            started_at: Timestamp::now(),
            duration_ms: None,
            error: None,
            components: components.iter().map(|name| ComponentRecord::new(name)).collect(),
            unclean: Vec::new(),
            since: Instant::now(),
            closed: false,
        }
    }

    /// The record of a component, made when the plan did not announce it.
    pub(super) fn component(&mut self, name: &'static str) -> Option<&mut ComponentRecord> {
        if !self.components.iter().any(|component| &*component.record.name == name) {
            self.components.push(ComponentRecord::new(name));
        }
        self.components.iter_mut().find(|component| &*component.record.name == name)
    }
}

impl ComponentRecord {
    pub(super) fn new(name: &str) -> Self {
        Self {
            record: Record::new(name.into()),
            stop_ms: None,
            stop_error: None,
            items: Vec::new(),
        }
    }

    pub(super) fn item(&mut self, name: &Arc<str>) -> Option<&mut Record> {
        if !self.items.iter().any(|item| item.name == *name) {
            self.items.push(Record::new(Arc::clone(name)));
        }
        self.items.iter_mut().find(|item| item.name == *name)
    }

    pub(super) fn put_down(&mut self) {
        self.record.put_down();
        for item in &mut self.items {
            item.put_down();
        }
    }
}

impl Record {
    pub(super) fn new(name: Arc<str>) -> Self {
        Self {
            name,
            state: Progress::Pending,
            started_at: None,
            duration_ms: None,
            error: None,
            since: None,
        }
    }

    pub(super) fn start(&mut self) {
        self.state = Progress::Starting;
        self.started_at = Some(Timestamp::now());
        self.duration_ms = None;
        self.error = None;
        self.since = Some(Instant::now());
    }

    pub(super) fn finish(&mut self) {
        self.end(Progress::Ready);
        self.error = None;
    }

    pub(super) fn fail(&mut self, error: String) {
        self.end(Progress::Failed);
        self.error = Some(error);
    }

    pub(super) fn end(&mut self, state: Progress) {
        self.state = state;
        self.started_at.get_or_insert_with(Timestamp::now);
        let took = self.since.map_or(Duration::ZERO, |since| since.elapsed());
        self.duration_ms.get_or_insert(milliseconds(took));
    }

    /// What failed stays failed and what never began stays pending; the rest is stopped.
    pub(super) fn put_down(&mut self) {
        if matches!(self.state, Progress::Starting | Progress::Ready) {
            self.state = Progress::Stopped;
        }
    }
}

pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
