//! The record of each attempt: what started when, how long it took, and what went wrong.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::records::{Attempt, ComponentRecord, History, Outcome, Progress, Record, milliseconds};

/// The timeline as one can hold it: read it in any state, or watch it change. Reading never waits
/// for a component.
#[derive(Clone)]
pub struct Timeline {
    history: watch::Sender<Arc<History>>,
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
            history.current = Some(Attempt::new(attempt, components));
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
    pub fn fail(&self, error: impl Display) {
        let error = error.to_string();
        self.change(|record| record.fail(error));
    }

    /// The part failed and will be started again: the error is shown while it is starting.
    pub fn retry(&self, error: impl Display) {
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
