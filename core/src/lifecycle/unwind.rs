//! The way down, the same for a failure, a stop, a restart and a shutdown.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::component::{BoxError, StepError, StepFailure, chain};
use super::control::Limits;
use super::steps::{Stack, Stopper};
use super::tasks::{Tasks, caught};
use super::timeline::Timeline;

/// What is left of an attempt that is over.
pub(super) struct Remains<R> {
    pub(super) attempt: u32,
    pub(super) limits: Limits,
    pub(super) timeline: Timeline,
    /// `None` when its outcome has been taken: a handle must not be polled after that.
    pub(super) bootstrap: Option<JoinHandle<Result<R, StepFailure>>>,
    pub(super) token: CancellationToken,
    pub(super) tasks: Tasks,
    pub(super) stack: Stack,
    pub(super) leases: TaskTracker,
}

impl<R: Send + 'static> Remains<R> {
    /// Ends everything, each part within its deadline, and answers the names of what would not end.
    pub(super) async fn unwind(mut self) -> Vec<String> {
        // Streams, loops and the current step learn first.
        self.token.cancel();
        let mut unclean = Vec::new();
        if let Some(bootstrap) = self.bootstrap.take()
            && !end(bootstrap, self.limits.cancel, self.limits.abort).await
        {
            unclean.push("bootstrap".to_owned());
        }
        self.drain().await;
        while let Some(stopper) = self.stack.pop() {
            unclean.extend(self.stop(stopper).await);
        }
        unclean.extend(self.tasks.end(self.limits.tasks, self.limits.abort).await);
        if !unclean.is_empty() {
            tracing::error!(?unclean, "these neither stopped nor could be aborted");
        }
        unclean
    }

    /// Waits for requests and streams, so that none of them calls into a stopped component.
    async fn drain(&self) {
        self.leases.close();
        if timeout(self.limits.drain, self.leases.wait()).await.is_err() {
            let held = self.leases.len();
            tracing::warn!(held, "requests still hold the runtime; it is stopped under them");
        }
    }

    /// Stops one component in a task of its own, so that one that blocks its thread stops neither
    /// the clean-up nor the supervisor's answers.
    async fn stop(&self, stopper: Stopper) -> Option<String> {
        let Stopper { component, limit, stop } = stopper;
        let limit = limit.min(self.limits.stop);
        let begun = Instant::now();
        #[expect(clippy::disallowed_methods, reason = "the handle is awaited right here")]
        let mut task = tokio::spawn(async move { caught(async { stop().await }).await });
        let mut clean = true;
        let result: Result<(), BoxError> = match timeout(limit, &mut task).await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => Err(error.into()),
            Err(_) => {
                clean = end(task, Duration::ZERO, self.limits.abort).await;
                Err(StepError::TimedOut { limit }.into())
            }
        };
        let error = result.err().map(|error| chain(error.as_ref()));
        if let Some(error) = &error {
            tracing::warn!(component, error, "a component did not stop properly");
        }
        self.timeline.component_stopped(self.attempt, component, begun.elapsed(), error);
        if clean { None } else { Some(format!("{component} (stop)")) }
    }
}

/// Waits for a task up to `limit`, aborts it and waits up to `grace`. Whether it has ended.
async fn end<T>(mut task: JoinHandle<T>, limit: Duration, grace: Duration) -> bool {
    if timeout(limit, &mut task).await.is_ok() {
        return true;
    }
    task.abort();
    timeout(grace, &mut task).await.is_ok()
}
