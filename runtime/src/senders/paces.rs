//! When something was last sent to each session, for pauses between the pieces of an answer.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// The longest pause that is kept; a longer one is a mistake.
const LONGEST: Duration = Duration::from_mins(1);
/// How many sessions are remembered at least before old ones are looked for.
const MANY: usize = 1_024;

/// The last send of each session. What is older than any pause is forgotten.
#[derive(Default)]
pub(super) struct Paces {
    last: Mutex<Last>,
}

#[derive(Default)]
struct Last {
    sends: HashMap<String, Instant>,
    /// How many sessions there are when old ones are looked for next. It doubles with what is left,
    /// so that a send costs the same however many sessions there are.
    sweep_at: usize,
}

impl Paces {
    /// How long a message with that pause has to wait still.
    pub(super) fn wait(&self, session: &str, pause_ms: u32) -> Duration {
        let pause = Duration::from_millis(pause_ms.into()).min(LONGEST);
        let last = self.last.lock().sends.get(session).copied();
        last.map_or(Duration::ZERO, |last| pause.saturating_sub(last.elapsed()))
    }

    /// Something was sent to the session just now.
    pub(super) fn sent(&self, session: &str) {
        let mut last = self.last.lock();
        if last.sends.len() >= last.sweep_at.max(MANY) {
            last.sends.retain(|_, sent| sent.elapsed() < LONGEST);
            last.sweep_at = last.sends.len().saturating_mul(2);
        }
        last.sends.insert(session.to_owned(), Instant::now());
    }
}
