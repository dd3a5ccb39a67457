//! The record of each attempt: what started when, how long it took, and what went wrong.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::Instant;

/// The timeline as one can hold it: read it in any state, or watch it change. Reading never waits
/// for a component.
#[derive(Clone)]
pub struct Timeline {
    history: watch::Sender<Arc<History>>,
}

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
    since: Instant,
    /// Nothing of the attempt runs any more, so late reports of it are void.
    #[serde(skip)]
    closed: bool,
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

/// What a component reports about one of its parts. Clones speak of the same part.
#[derive(Clone)]
pub struct Item {
    timeline: Timeline,
    attempt: u32,
    component: &'static str,
    name: Arc<str>,
}

impl Progress {
    /// The wire name.
    pub fn name(self) -> &'static str {
        match self {
            Progress::Pending => "pending",
            Progress::Starting => "starting",
            Progress::Ready => "ready",
            Progress::Failed => "failed",
            Progress::Stopped => "stopped",
        }
    }
}

impl Timeline {
    pub(super) fn new() -> Self {
        Self { history: watch::Sender::default() }
    }

    /// The timeline as it stands now.
    pub fn snapshot(&self) -> Arc<History> {
        Arc::clone(&self.history.borrow())
    }

    /// A receiver that is notified of every change.
    pub fn subscribe(&self) -> watch::Receiver<Arc<History>> {
        self.history.subscribe()
    }

    pub(super) fn begin(&self, attempt: u32, components: &[&'static str]) {
        self.history.send_modify(|history| {
            let history = Arc::make_mut(history);
            history.previous = history.current.take().map(Arc::new);
            history.current = Some(Attempt {
                attempt,
                outcome: Outcome::Running,
                started_at: Timestamp::now(),
                duration_ms: None,
                error: None,
                components: components.iter().map(|name| ComponentRecord::new(name)).collect(),
                unclean: Vec::new(),
                since: Instant::now(),
                closed: false,
            });
        });
    }

    /// How the bootstrap, or the runtime after it, ended.
    pub(super) fn outcome(&self, attempt: u32, outcome: Outcome, error: Option<String>) {
        self.change(attempt, |record| {
            record.outcome = outcome;
            record.error = error;
            record.duration_ms.get_or_insert(milliseconds(record.since.elapsed()));
        });
    }

    /// Nothing of the attempt runs any more, except what is named.
    pub(super) fn close(&self, attempt: u32, unclean: &[String]) {
        self.change(attempt, |record| {
            for component in &mut record.components {
                component.put_down();
            }
            record.unclean = unclean.to_vec();
            record.closed = true;
        });
    }

    pub(super) fn component_started(&self, attempt: u32, name: &'static str) {
        self.change_component(attempt, name, |component| component.record.start());
    }

    pub(super) fn component_ready(&self, attempt: u32, name: &'static str) {
        self.change_component(attempt, name, |component| component.record.finish());
    }

    pub(super) fn component_failed(&self, attempt: u32, name: &'static str, error: String) {
        self.change_component(attempt, name, |component| {
            component.record.fail(error);
            component.put_down();
        });
    }

    pub(super) fn component_cancelled(&self, attempt: u32, name: &'static str) {
        self.change_component(attempt, name, ComponentRecord::put_down);
    }

    pub(super) fn component_stopped(
        &self,
        attempt: u32,
        name: &'static str,
        took: Duration,
        error: Option<String>,
    ) {
        self.change_component(attempt, name, |component| {
            component.put_down();
            component.stop_ms = Some(milliseconds(took));
            component.stop_error = error;
        });
    }

    pub(super) fn item(&self, attempt: u32, component: &'static str, name: Arc<str>) -> Item {
        let item = Item { timeline: self.clone(), attempt, component, name };
        item.change(|record| *record = Record::new(Arc::clone(&record.name)));
        item
    }

    fn change(&self, attempt: u32, change: impl FnOnce(&mut Attempt)) {
        self.history.send_if_modified(|history| {
            let is_open = |current: &Attempt| current.attempt == attempt && !current.closed;
            if !history.current.as_ref().is_some_and(is_open) {
                return false;
            }
            Arc::make_mut(history).current.as_mut().map(change).is_some()
        });
    }

    fn change_component(
        &self,
        attempt: u32,
        name: &'static str,
        change: impl FnOnce(&mut ComponentRecord),
    ) {
        self.change(attempt, |attempt| {
            attempt.component(name).map(change);
        });
    }
}

impl Attempt {
    /// The record of a component, made when the plan did not announce it.
    fn component(&mut self, name: &'static str) -> Option<&mut ComponentRecord> {
        if !self.components.iter().any(|component| &*component.record.name == name) {
            self.components.push(ComponentRecord::new(name));
        }
        self.components.iter_mut().find(|component| &*component.record.name == name)
    }
}

impl Item {
    /// The part's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The part is being started (again).
    pub fn start(&self) {
        self.change(Record::start);
    }

    /// The part is up.
    pub fn finish(&self) {
        self.change(Record::finish);
    }

    /// The part is down with an error. The text is shown to logged-in callers: no secrets in it.
    pub fn fail(&self, error: impl ToString) {
        let error = error.to_string();
        self.change(|record| record.fail(error));
    }

    /// The part failed and will be started again: the error is shown while it is starting.
    pub fn retry(&self, error: impl ToString) {
        let error = error.to_string();
        self.change(|record| {
            record.start();
            record.error = Some(error);
        });
    }

    /// The part was taken down on purpose.
    pub fn stop(&self) {
        self.change(|record| record.end(Progress::Stopped));
    }

    /// The part is gone from the configuration and from the timeline.
    pub fn remove(&self) {
        self.timeline.change_component(self.attempt, self.component, |component| {
            component.items.retain(|item| item.name != self.name);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Record)) {
        self.timeline.change_component(self.attempt, self.component, |component| {
            component.item(&self.name).map(change);
        });
    }
}

impl ComponentRecord {
    fn new(name: &str) -> Self {
        Self {
            record: Record::new(name.into()),
            stop_ms: None,
            stop_error: None,
            items: Vec::new(),
        }
    }

    fn item(&mut self, name: &Arc<str>) -> Option<&mut Record> {
        if !self.items.iter().any(|item| item.name == *name) {
            self.items.push(Record::new(Arc::clone(name)));
        }
        self.items.iter_mut().find(|item| item.name == *name)
    }

    fn put_down(&mut self) {
        self.record.put_down();
        for item in &mut self.items {
            item.put_down();
        }
    }
}

impl Record {
    fn new(name: Arc<str>) -> Self {
        Self {
            name,
            state: Progress::Pending,
            started_at: None,
            duration_ms: None,
            error: None,
            since: None,
        }
    }

    fn start(&mut self) {
        self.state = Progress::Starting;
        self.started_at = Some(Timestamp::now());
        self.duration_ms = None;
        self.error = None;
        self.since = Some(Instant::now());
    }

    fn finish(&mut self) {
        self.end(Progress::Ready);
        self.error = None;
    }

    fn fail(&mut self, error: String) {
        self.end(Progress::Failed);
        self.error = Some(error);
    }

    fn end(&mut self, state: Progress) {
        self.state = state;
        self.started_at.get_or_insert_with(Timestamp::now);
        let took = self.since.map_or(Duration::ZERO, |since| since.elapsed());
        self.duration_ms.get_or_insert(milliseconds(took));
    }

    /// What failed stays failed and what never began stays pending; the rest is stopped.
    fn put_down(&mut self) {
        if matches!(self.state, Progress::Starting | Progress::Ready) {
            self.state = Progress::Stopped;
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
