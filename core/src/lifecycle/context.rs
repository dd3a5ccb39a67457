//! What a component has in its hands: its items, its token, and the only way to spawn.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::component::{BoxError, StepError, StepFailure, chain};
use super::tasks::{Tasks, caught};
use super::timeline::{Item, Timeline};

/// A component's side of the lifecycle. Clones are the same; a handle may keep one to spawn and to
/// report items while the runtime is up.
#[derive(Clone)]
pub struct StepCx {
    pub(super) component: &'static str,
    pub(super) attempt: u32,
    pub(super) token: CancellationToken,
    pub(super) tasks: Tasks,
    pub(super) died: mpsc::Sender<StepFailure>,
    pub(super) timeline: Timeline,
}

/// How a restarting task comes back: waits that double from `first` to `cap`, and `budget`
/// failures in a row before it is given up. A run of `healthy_after` or longer clears the count.
#[derive(Debug, Clone, Copy)]
pub struct Restart {
    /// The wait after the first failure.
    pub first: Duration,
    /// The longest wait.
    pub cap: Duration,
    /// How many failures in a row are one too many.
    pub budget: u32,
    /// How long a run must last to count as a good one.
    pub healthy_after: Duration,
}

impl Default for Restart {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            cap: Duration::from_mins(1),
            budget: 6,
            healthy_after: Duration::from_mins(5),
        }
    }
}

impl StepCx {
    /// The component's name.
    pub fn component(&self) -> &'static str {
        self.component
    }

    /// Names one part of the component in the timeline, as pending.
    pub fn item(&self, name: &str) -> Item {
        self.timeline.item(self.attempt, self.component, name.into())
    }

    /// Cancelled when the runtime goes down or this component's start failed. Every task and every
    /// loop of the component ends on it.
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// Spawns a task that may end at any time. It has to end on [`StepCx::token`]; if it does not,
    /// it is aborted when the runtime has been taken down.
    pub fn spawn<F>(&self, name: &str, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(self.label(name), future);
    }

    /// Spawns a task without which the runtime is not the runtime. When it ends before the token is
    /// cancelled, in whatever way, the runtime has failed: also when the component is a tolerated
    /// one, which therefore has [`StepCx::spawn`] and [`StepCx::spawn_restarting`] instead.
    pub fn spawn_critical<F>(&self, name: &str, future: F)
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let task = self.label(name);
        let (component, token, died) = (self.component, self.token.clone(), self.died.clone());
        self.tasks.spawn(task.clone(), async move {
            let source = caught(future).await.err();
            if token.is_cancelled() {
                return;
            }
            let source = StepError::CriticalTaskEnded { task, source }.into();
            // A full channel means that another death has already ended this runtime.
            let _ = died.try_send(StepFailure::Failed { component, source });
        });
    }

    /// Spawns a task that is run again when it fails: a platform's connection, an MCP client. Its
    /// `item` is starting while `run` is on its way (it calls [`Item::finish`] once it is up), is
    /// starting with the error while it waits, and has failed for good when the budget is spent. The
    /// runtime stays ready through all of it. A run that ends without an error is not repeated.
    pub fn spawn_restarting<F, R>(&self, item: Item, restart: Restart, mut run: R)
    where
        R: FnMut() -> F + Send + 'static,
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let (token, name) = (self.token.clone(), self.label(item.name()));
        self.tasks.spawn(name.clone(), async move {
            let mut failures = 0;
            loop {
                item.start();
                let begun = Instant::now();
                let ended = caught(run()).await;
                let Err(error) = ended else { break item.stop() };
                if token.is_cancelled() {
                    break item.stop();
                }
                let error = chain(error.as_ref());
                failures = if begun.elapsed() >= restart.healthy_after { 1 } else { failures + 1 };
                if failures >= restart.budget {
                    tracing::error!(task = name, failures, error, "failed too often, given up");
                    break item.fail(error);
                }
                let wait = backoff(restart.first, restart.cap, failures);
                tracing::warn!(task = name, failures, ?wait, error, "failed, will be run again");
                item.retry(error);
                if token.run_until_cancelled(sleep(wait)).await.is_none() {
                    break item.stop();
                }
            }
        });
    }

    fn label(&self, name: &str) -> String {
        format!("{}/{name}", self.component)
    }
}

/// The wait after the `failures`th failure in a row: `first`, doubled with each, at most `cap`.
pub(super) fn backoff(first: Duration, cap: Duration, failures: u32) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(cap)
}
