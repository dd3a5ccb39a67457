//! The one place that changes the published state, and so the one place that logs it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jiff::Timestamp;
use metrics::gauge;
use tokio::sync::watch;

use super::state::{Activity, Snapshot, State};

/// The writing end of the watch. Only the supervisor publishes; a step names itself and no more.
pub(super) struct Publisher<R> {
    snapshots: watch::Sender<Snapshot<R>>,
    unclean: Arc<[String]>,
    /// Sees every publication in its moment, where a receiver sees only the newest.
    #[cfg(test)]
    pub(super) observer: Option<Observer<R>>,
}

#[cfg(test)]
pub(super) type Observer<R> = Box<dyn Fn(&State<R>) + Send + Sync>;

impl<R: Send + Sync + 'static> Publisher<R> {
    pub(super) fn new(state: State<R>) -> Self {
        let unclean: Arc<[String]> = Arc::default();
        let first =
            Snapshot { generation: 1, at: Timestamp::now(), state, unclean: Arc::clone(&unclean) };
        Self {
            snapshots: watch::Sender::new(first),
            unclean,
            #[cfg(test)]
            observer: None,
        }
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Snapshot<R>> {
        self.snapshots.subscribe()
    }

    pub(super) fn state(&self) -> State<R> {
        self.snapshots.borrow().state.clone()
    }

    pub(super) fn generation(&self) -> u64 {
        self.snapshots.borrow().generation
    }

    /// What the next publications say about the last attempt's leftovers.
    pub(super) fn report_unclean(&mut self, unclean: Vec<String>) {
        self.unclean = unclean.into();
    }

    /// Publishes a state and answers its generation.
    pub(super) fn publish(&self, state: State<R>) -> u64 {
        let unclean = Arc::clone(&self.unclean);
        let generation = self.generation() + 1;
        match &state {
            State::RuntimeFailed(failure) => tracing::error!(
                generation,
                component = failure.component,
                attempt = failure.attempt,
                error = failure.message,
                "the runtime failed"
            ),
            other => tracing::info!(generation, state = ?other, "lifecycle"),
        }
        gauge!("firstlight_runtime_ready").set(if state.live().is_some() { 1.0 } else { 0.0 });
        let next = Snapshot { generation, at: Timestamp::now(), state, unclean };
        let old = self.snapshots.send_replace(next);
        #[cfg(test)]
        if let Some(observer) = &self.observer {
            observer(&self.state());
        }
        // The old value may hold the last reference to the runtime: its destructor is foreign code.
        if catch_unwind(AssertUnwindSafe(|| drop(old))).is_err() {
            tracing::error!("the runtime panicked while it was dropped");
        }
        generation
    }

    /// What a step of this attempt calls to be named as the current one.
    pub(super) fn namer(&self, attempt: u32) -> Arc<dyn Fn(&'static str) + Send + Sync> {
        let snapshots = self.snapshots.clone();
        Arc::new(move |name| {
            snapshots.send_if_modified(|snapshot| match &mut snapshot.state {
                State::CoreReady(Activity::Bootstrapping { attempt: running, component })
                    if *running == attempt =>
                {
                    *component = Some(name);
                    snapshot.generation += 1;
                    snapshot.at = Timestamp::now();
                    true
                }
                _ => false,
            });
        })
    }
}
