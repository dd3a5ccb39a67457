//! How far a run has got: what was said, what the far side has seen, and what is still awaited.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::accounting::{Said, Shown};
use super::evidence::Depth;
use super::mark;
use crate::fake_onebot::FakeOneBot;

/// A run in which nothing happens for so long is stuck.
const STUCK: Duration = Duration::from_secs(90);

pub(super) struct Progress {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    messages: usize,
    said: Vec<Said>,
    shown: Vec<Shown>,
    /// The marks that were shown.
    seen: BTreeSet<u64>,
    /// How many said messages were settled at the last death, and how many marks had been shown.
    settled: (usize, usize),
    /// Deaths without an answer since, and the newest connection at the last of them.
    deaths: Vec<Instant>,
    newest: u64,
    recoveries: Vec<u64>,
}

impl Progress {
    pub(super) fn new(messages: usize) -> Arc<Self> {
        let state = State { messages, ..State::default() };
        Arc::new(Self { state: Mutex::new(state), changed: watch::Sender::new(0) })
    }

    /// The mark of the next message, unless all were said.
    pub(super) fn next(&self, conversation: usize) -> Option<u64> {
        let mark = {
            let mut state = self.lock();
            if state.said.len() == state.messages {
                return None;
            }
            let mark = state.said.last().map_or(1, |said| said.mark + 1);
            state.said.push(Said { mark, conversation });
            mark
        };
        self.changed.send_modify(|count| *count += 1);
        Some(mark)
    }

    /// Follows what the far side sees, for ever.
    pub(super) async fn follow(&self, far: &FakeOneBot) {
        let mut place = 0;
        loop {
            let asked = far.asked_after(place).await;
            place += asked.len();
            let mut state = self.lock();
            for asked in asked {
                let Some(id) = asked.shown else { continue };
                let mark = mark::find(&asked.text());
                state.shown.push(Shown { id, mark });
                state.seen.extend(mark);
                if asked.connection > state.newest {
                    let State { deaths, recoveries, .. } = &mut *state;
                    let since = |death: Instant| asked.at.saturating_duration_since(death);
                    recoveries.extend(deaths.drain(..).map(|death| milliseconds(since(death))));
                }
            }
            drop(state);
            self.changed.send_modify(|count| *count += 1);
        }
    }

    /// The process died, and this is what it left behind.
    pub(super) fn died(&self, at: Instant, newest_connection: u64, depth: Depth) {
        let mut state = self.lock();
        let left = depth.unanswered + depth.unsent;
        state.settled = (state.said.len().saturating_sub(left), state.seen.len());
        state.deaths.push(at);
        state.newest = newest_connection;
        drop(state);
        self.changed.send_modify(|count| *count += 1);
    }

    /// Returns once fewer messages than that wait for their answer.
    pub(super) async fn room(&self, window: usize) -> Result<()> {
        self.until(|state| state.awaited() < window).await
    }

    /// Returns once so many messages were said.
    pub(super) async fn said(&self, count: usize) -> Result<()> {
        self.until(|state| state.said.len() >= count).await
    }

    /// Everything that was said and shown, and the recoveries.
    pub(super) fn record(&self) -> (Vec<Said>, Vec<Shown>, Vec<u64>) {
        let state = self.lock();
        (state.said.clone(), state.shown.clone(), state.recoveries.clone())
    }

    async fn until(&self, condition: impl Fn(&State) -> bool) -> Result<()> {
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            if condition(&self.lock()) {
                return Ok(());
            }
            let waited = timeout(STUCK, changed.changed()).await;
            waited.with_context(|| self.lock().describe())??;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How many messages wait for their answer, as far as the far side can know.
    fn awaited(&self) -> usize {
        let (settled, seen) = self.settled;
        let since = self.seen.len().saturating_sub(seen);
        self.said.len().saturating_sub(settled + since)
    }

    fn describe(&self) -> String {
        let (said, seen, awaited) = (self.said.len(), self.seen.len(), self.awaited());
        format!("nothing happens: {said} said, {seen} answered, {awaited} awaited")
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
