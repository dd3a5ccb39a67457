//! The background tasks of the process itself: those that live outside any runtime.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::tasks::Tasks;

/// Owns the tasks that outlive restarts of the runtime: log retention, session clean-up, the
/// server's own loops. Made on the main tokio runtime, where all of its tasks run.
#[derive(Clone)]
pub struct Background {
    tasks: Tasks,
    token: CancellationToken,
}

impl Background {
    /// An empty set, bound to the tokio runtime that this is called on.
    #[expect(clippy::new_without_default, reason = "it panics outside of a tokio runtime")]
    pub fn new() -> Self {
        Self { tasks: Tasks::new(), token: CancellationToken::new() }
    }

    /// Spawns a named task. It has to end on [`Background::token`], or is aborted at the end.
    pub fn spawn<F>(&self, name: &str, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(name.to_owned(), future);
    }

    /// Cancelled when the process ends.
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// The names of the tasks that run now.
    pub fn names(&self) -> Vec<String> {
        self.tasks.names()
    }

    /// Tells all tasks to end, waits up to `limit`, aborts the rest, and answers the names of those
    /// that did not end even so.
    pub async fn end(&self, limit: Duration) -> Vec<String> {
        self.token.cancel();
        self.tasks.end(limit, Duration::from_secs(1)).await
    }
}
