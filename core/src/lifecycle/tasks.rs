//! Named background tasks: tracked, listed while they run, and ended within a deadline.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::component::{BoxError, StepError};

/// How often the names of tasks that have not ended yet are logged.
const NAMING: Duration = Duration::from_secs(5);

/// A set of named tasks on one tokio runtime. The runtime is the one the set was made on, whatever
/// thread spawns later: a task spawned on an HTTP worker's own runtime would die with that worker.
#[derive(Clone)]
pub(super) struct Tasks {
    runtime: Handle,
    tracker: TaskTracker,
    running: Arc<Registry>,
}

#[derive(Default)]
struct Registry {
    next: AtomicU64,
    entries: Mutex<BTreeMap<u64, Entry>>,
}

struct Entry {
    name: String,
    abort: Option<AbortHandle>,
}

/// Takes the task off the list when its future is dropped, however that comes about.
struct Listed {
    registry: Arc<Registry>,
    id: u64,
    _tracked: TaskTrackerToken,
}

impl Tasks {
    pub(super) fn new() -> Self {
        Self { runtime: Handle::current(), tracker: TaskTracker::new(), running: Arc::default() }
    }

    /// Spawns a task whose panic is logged and goes no further. Once the set is being ended,
    /// nothing new begins: the future is dropped.
    pub(super) fn spawn<F>(&self, name: String, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        // The token comes before the question: a set that is not closed now will wait for it.
        let tracked = self.tracker.token();
        if self.tracker.is_closed() {
            tracing::debug!(task = name, "not spawned: its owner is being stopped");
            return;
        }
        let listed = self.running.enter(name.clone(), tracked);
        let id = listed.id;
        let task = self.runtime.spawn(async move {
            let _listed = listed;
            if let Err(error) = caught(async {
                future.await;
                Ok(())
            })
            .await
            {
                tracing::error!(task = name, %error, "a background task panicked");
            }
        });
        if let Some(entry) = self.running.lock().get_mut(&id) {
            entry.abort = Some(task.abort_handle());
        }
    }

    /// The names of the tasks that run now.
    pub(super) fn names(&self) -> Vec<String> {
        self.running.lock().values().map(|entry| entry.name.clone()).collect()
    }

    /// Waits for all tasks up to `limit`, then aborts the rest and waits up to `grace` for that.
    /// Answers the names of those that did not end even so: a task that never yields.
    pub(super) async fn end(&self, limit: Duration, grace: Duration) -> Vec<String> {
        self.tracker.close();
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if timeout(left.min(NAMING), self.tracker.wait()).await.is_ok() {
                return Vec::new();
            }
            if left <= NAMING {
                break;
            }
            tracing::warn!(tasks = ?self.names(), "still waiting for tasks to end");
        }
        tracing::warn!(tasks = ?self.names(), "tasks did not end in time and are aborted");
        for entry in self.running.lock().values() {
            if let Some(abort) = &entry.abort {
                abort.abort();
            }
        }
        if timeout(grace, self.tracker.wait()).await.is_ok() { Vec::new() } else { self.names() }
    }
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(self: &Arc<Self>, name: String, tracked: TaskTrackerToken) -> Listed {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(id, Entry { name, abort: None });
        Listed { registry: Arc::clone(self), id, _tracked: tracked }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.registry.lock().remove(&self.id);
    }
}

/// Runs a future and turns a panic into an error, so that one component's bug stays its own.
pub(super) async fn caught<T, F>(future: F) -> Result<T, BoxError>
where
    F: Future<Output = Result<T, BoxError>>,
{
    match AssertUnwindSafe(future).catch_unwind().await {
        Ok(result) => result,
        Err(panic) => Err(StepError::Panicked { text: panic_text(panic.as_ref()) }.into()),
    }
}

/// What a panic said, as far as it said it in words.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a value that is no text".to_owned())
}
