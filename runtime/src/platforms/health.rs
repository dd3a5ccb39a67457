//! How a platform is: whether it takes messages, since when, and what went wrong lately.

use std::collections::VecDeque;
use std::fmt::Display;
use std::sync::Arc;

use firstlight_core::lifecycle::Item;
use jiff::Timestamp;
use parking_lot::Mutex;

/// How many faults are remembered.
const REMEMBERED: usize = 20;
/// How many characters of a fault are remembered.
const LONGEST: usize = 500;

/// Whether a platform runs.
#[derive(Debug, Clone)]
pub enum PlatformState {
    /// It is being started, for the first time or again.
    Starting,
    /// It takes messages.
    Running,
    /// It is switched off in the configuration, or has been taken down.
    Stopped,
    /// It does not run.
    Failed {
        /// Why.
        error: String,
        /// Since when.
        at: Timestamp,
    },
}

/// Something that went wrong.
#[derive(Debug, Clone)]
pub struct Fault {
    /// When.
    pub at: Timestamp,
    /// What; no secrets in it.
    pub text: String,
}

/// The health of one platform instance. Clones speak of the same one.
#[derive(Clone)]
pub struct Health {
    item: Item,
    record: Arc<Mutex<Record>>,
}

/// What is known about an instance.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) state: PlatformState,
    pub(super) started_at: Option<Timestamp>,
    pub(super) faults: VecDeque<Fault>,
    pub(super) fault_count: u64,
}

impl Health {
    pub(super) fn new(item: Item) -> Self {
        let record = Record {
            state: PlatformState::Stopped,
            started_at: None,
            faults: VecDeque::new(),
            fault_count: 0,
        };
        Self { item, record: Arc::new(Mutex::new(record)) }
    }

    /// The adapter takes messages now.
    pub fn up(&self) {
        self.enter(PlatformState::Running, Some(Timestamp::now()));
        self.item.finish();
    }

    /// Something went wrong that does not end the adapter. The text is shown to those who are
    /// logged in: no secrets in it.
    pub fn fault(&self, text: impl Display) {
        let text: String = text.to_string().chars().take(LONGEST).collect();
        let mut record = self.record.lock();
        if record.faults.len() >= REMEMBERED {
            record.faults.pop_front();
        }
        record.faults.push_back(Fault { at: Timestamp::now(), text });
        record.fault_count = record.fault_count.saturating_add(1);
    }

    pub(super) fn starting(&self) {
        self.enter(PlatformState::Starting, None);
        self.item.start();
    }

    pub(super) fn stopped(&self) {
        self.enter(PlatformState::Stopped, None);
        self.item.stop();
    }

    /// The adapter ended with an error and is run again after a pause.
    pub(super) fn failed(&self, error: &str) {
        self.fail_as(error);
        self.item.retry(error);
    }

    /// The configuration does not make an adapter.
    pub(super) fn refused(&self, error: &str) {
        self.fail_as(error);
        self.item.fail(error);
    }

    pub(super) fn forget(&self) {
        self.item.remove();
    }

    pub(super) fn record(&self) -> Record {
        self.record.lock().clone()
    }

    fn fail_as(&self, error: &str) {
        self.fault(error);
        let failed = PlatformState::Failed { error: error.to_owned(), at: Timestamp::now() };
        self.enter(failed, None);
    }

    fn enter(&self, state: PlatformState, started_at: Option<Timestamp>) {
        let mut record = self.record.lock();
        record.state = state;
        record.started_at = started_at;
    }
}
