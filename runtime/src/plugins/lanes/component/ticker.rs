//! The clock by which a guest that runs on is interrupted. It stands still while no guest runs.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// How often a guest that runs on yields.
const TICK: Duration = Duration::from_millis(1);

/// The clock; dropped, it ends.
pub(super) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<thread::JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    running: usize,
    ended: bool,
}

/// A guest runs as long as this is held.
pub(super) struct Running<'a>(&'a Shared);

impl Ticker {
    pub(super) fn start(tick: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() });
        let seen = Arc::clone(&shared);
        let thread = thread::Builder::new().name("guest-clock".to_owned()).spawn(move || {
            loop {
                let mut state = seen.state.lock();
                while state.running == 0 && !state.ended {
                    seen.changed.wait(&mut state);
                }
                if state.ended {
                    return;
                }
                drop(state);
                thread::sleep(TICK);
                tick();
            }
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// A guest begins to run.
    pub(super) fn running(&self) -> Running<'_> {
        let mut state = self.shared.state.lock();
        state.running += 1;
        if state.running == 1 {
            self.shared.changed.notify_one();
        }
        Running(&self.shared)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.state.lock().running -= 1;
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.state.lock().ended = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn it_ticks_only_while_a_guest_runs() {
        let ticks = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&ticks);
        let ticker = Ticker::start(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        })
        .unwrap();
        let running = ticker.running();
        while ticks.load(Ordering::SeqCst) < 3 {
            thread::yield_now();
        }
        drop(running);
        // At most the tick that was on its way.
        thread::sleep(TICK * 20);
        let stood = ticks.load(Ordering::SeqCst);
        thread::sleep(TICK * 20);
        assert_eq!(ticks.load(Ordering::SeqCst), stood);
    }
}
