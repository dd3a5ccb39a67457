//! What the fake has seen.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

/// One request as it came in.
#[derive(Debug, Clone, Serialize)]
pub struct Recorded {
    /// `GET` or `POST`.
    pub method: String,
    /// The path, without its query.
    pub path: String,
    /// What followed `Bearer `, or stood in `api-key`.
    pub key: Option<String>,
    /// All headers, by their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body, if it was JSON.
    pub body: Value,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is being answered.
    Running,
    /// The fake said all that it was told to say.
    Answered,
    /// The client hung up before that.
    ClosedEarly,
}

/// The list of requests, which can be waited on.
#[derive(Debug)]
pub(super) struct Records {
    list: Mutex<Vec<Recorded>>,
    forgetful: AtomicBool,
    changed: watch::Sender<u64>,
}

/// Says what became of a request, at the latest when it is dropped.
#[derive(Debug)]
pub(super) struct Running {
    records: Arc<Records>,
    /// None when no record is kept.
    place: Option<usize>,
    outcome: Outcome,
}

impl Records {
    pub(super) fn new() -> Arc<Self> {
        let (forgetful, changed) = (AtomicBool::new(false), watch::Sender::new(0));
        Arc::new(Self { list: Mutex::default(), forgetful, changed })
    }

    pub(super) fn forget(&self) {
        self.forgetful.store(true, Ordering::Relaxed);
    }

    pub(super) fn add(self: &Arc<Self>, recorded: Recorded) -> Running {
        let place = (!self.forgetful.load(Ordering::Relaxed)).then(|| {
            let mut list = self.lock();
            list.push(recorded);
            list.len() - 1
        });
        self.changed.send_modify(|count| *count += 1);
        Running { records: Arc::clone(self), place, outcome: Outcome::ClosedEarly }
    }

    pub(super) fn all(&self) -> Vec<Recorded> {
        self.lock().clone()
    }

    /// Returns once the condition holds, with the list of that moment.
    pub(super) async fn wait(&self, condition: impl Fn(&[Recorded]) -> bool) -> Vec<Recorded> {
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            let list = self.all();
            if condition(&list) {
                return list;
            }
            if changed.changed().await.is_err() {
                return list;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Recorded>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// Everything that was to be said has been said.
    pub(super) fn answered(&mut self) {
        self.outcome = Outcome::Answered;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(place) = self.place
            && let Some(recorded) = self.records.lock().get_mut(place)
        {
            recorded.outcome = self.outcome;
        }
        self.records.changed.send_modify(|count| *count += 1);
    }
}
