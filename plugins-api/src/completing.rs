//! Runs the future of a plugin call where there is no executor.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::wire::WireError;

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Polls until the future is done. Calls to the host wait by themselves, so that a future that is
/// not done and has not been woken waits for something that nobody will bring.
pub(crate) fn complete<T>(
    future: impl Future<Output = Result<T, WireError>>,
) -> Result<T, WireError> {
    let mut future = pin!(future);
    let woken = Arc::new(Woken(AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&woken));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut context) {
            return done;
        }
        if !woken.0.swap(false, Ordering::Relaxed) {
            let text = "the plugin waits for something that is not the gateway: it has no executor";
            return Err(WireError::new("failed", text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wakes_itself_is_completed_and_what_waits_for_nobody_is_an_error() {
        let mut turns = 3;
        let busy = std::future::poll_fn(move |context| {
            turns -= 1;
            context.waker().wake_by_ref();
            if turns == 0 { Poll::Ready(Ok(5)) } else { Poll::Pending }
        });
        assert_eq!(complete(busy), Ok(5));
        let never = std::future::pending::<Result<(), WireError>>();
        assert_eq!(complete(never).unwrap_err().kind, "failed");
    }
}
