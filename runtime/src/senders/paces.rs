//! When something was last sent to each session, for pauses between the pieces of an answer.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// The longest pause that is kept; a longer one is a mistake.
const LONGEST: Duration = Duration::from_mins(1);
/// How many sessions are remembered before old ones are looked for.
const MANY: usize = 1_024;

/// The last send of each session. What is older than any pause is forgotten.
#[derive(Default)]
pub(super) struct Paces {
    last: Mutex<HashMap<String, Instant>>,
}

impl Paces {
    /// How long a message with that pause has to wait still.
    pub(super) fn wait(&self, session: &str, pause_ms: u32) -> Duration {
        let pause = Duration::from_millis(pause_ms.into()).min(LONGEST);
        let last = self.last.lock().get(session).copied();
        last.map_or(Duration::ZERO, |last| pause.saturating_sub(last.elapsed()))
    }

    /// Something was sent to the session just now.
    pub(super) fn sent(&self, session: &str) {
        let mut last = self.last.lock();
        if last.len() >= MANY {
            last.retain(|_, last| last.elapsed() < LONGEST);
        }
        last.insert(session.to_owned(), Instant::now());
    }
}
