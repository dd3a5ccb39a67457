//! The processor time of a guest.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A future that ends when it has used up its processor time.
pub(super) struct Metered<'a, F> {
    inner: Pin<Box<F>>,
    left: Duration,
    /// What all calls of the plugin used, in microseconds.
    total: &'a AtomicU64,
}

/// The processor time is used up.
pub(super) struct UsedUp;

impl<'a, F: Future> Metered<'a, F> {
    pub(super) fn new(inner: F, budget: Duration, total: &'a AtomicU64) -> Self {
        Self { inner: Box::pin(inner), left: budget, total }
    }
}

impl<F: Future> Future for Metered<'_, F> {
    type Output = Result<F::Output, UsedUp>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let before = thread_time();
        let polled = self.inner.as_mut().poll(context);
        let used = thread_time().saturating_sub(before);
        let micros = u64::try_from(used.as_micros()).unwrap_or(u64::MAX);
        self.total.fetch_add(micros, Ordering::Relaxed);
        self.left = self.left.saturating_sub(used);
        match polled {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending if self.left.is_zero() => Poll::Ready(Err(UsedUp)),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// The time that this thread has had of a processor.
fn thread_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_runs_on_is_ended_and_what_waits_is_not() {
        let total = AtomicU64::new(0);
        let spin = async {
            loop {
                let until = thread_time() + Duration::from_millis(1);
                while thread_time() < until {}
                tokio::task::yield_now().await;
            }
        };
        let budget = Duration::from_millis(20);
        assert!(Metered::new(spin, budget, &total).await.is_err());
        assert!(total.load(Ordering::Relaxed) >= 20_000);
        let wait = tokio::time::sleep(Duration::from_millis(60));
        assert!(Metered::new(wait, budget, &total).await.is_ok());
    }
}
