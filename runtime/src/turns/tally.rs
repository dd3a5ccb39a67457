//! Statistics of turns, written in batches: one write for many turns.
//!
//! They are figures, not messages: a process that is killed loses those of the last second.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use firstlight_core::db::{CountedMessages, Database, ProviderCall};
use firstlight_core::lifecycle::StepCx;
use parking_lot::Mutex;

/// How long figures wait at most.
const WRITE_EVERY: Duration = Duration::from_secs(1);
/// How many calls wait at most, while the database refuses; the oldest give way.
const MOST_CALLS: usize = 10_000;

/// What is to be written; cheap to clone.
#[derive(Clone)]
pub(super) struct Tally {
    database: Database,
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    counts: HashMap<CountedMessages, u32>,
    calls: Vec<ProviderCall>,
}

impl Tally {
    pub(super) fn new(database: Database) -> Self {
        Self { database, waiting: Arc::default() }
    }

    pub(super) fn count(&self, message: CountedMessages, call: Option<ProviderCall>) {
        let mut waiting = self.waiting.lock();
        *waiting.counts.entry(message).or_default() += 1;
        waiting.calls.extend(call);
    }

    /// Writes what waits, as long as the runtime is there.
    pub(super) async fn write_on(self, cx: StepCx) {
        let mut ticks = tokio::time::interval(WRITE_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while cx.token().run_until_cancelled(ticks.tick()).await.is_some() {
            self.write().await;
        }
    }

    /// Writes what waits. What could not be written waits on.
    pub(super) async fn write(&self) {
        let Waiting { counts, calls } = std::mem::take(&mut *self.waiting.lock());
        if counts.is_empty() && calls.is_empty() {
            return;
        }
        let counted = counts.iter().map(|(message, count)| (message.clone(), *count)).collect();
        let written = self.database.statistics().record(counted, calls.clone()).await;
        let Err(error) = written else { return };
        tracing::warn!(%error, "statistics could not be stored; trying again");
        let mut waiting = self.waiting.lock();
        for (message, count) in counts {
            *waiting.counts.entry(message).or_default() += count;
        }
        let newer = std::mem::replace(&mut waiting.calls, calls);
        waiting.calls.extend(newer);
        let surplus = waiting.calls.len().saturating_sub(MOST_CALLS);
        waiting.calls.drain(..surplus);
    }
}
