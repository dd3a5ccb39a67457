//! Received events on their way to the inbox: in the order they were read, and no more of them in
//! memory than there is room for.
//!
//! There is one queue for all connections of a platform, so that what was read before a connection
//! broke is accepted before what comes over the next one.

use std::sync::Arc;
use std::time::Duration;

use firstlight_core::bus::{Accepted, BusError};
use firstlight_core::model::{MessageEvent, PlatformId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_util::sync::CancellationToken;

use super::event::{self, Reading};
use crate::platforms::{Health, Intake};

/// How many bytes of events may wait, in units of [`UNIT`].
const ROOM: usize = 32 * 1024;
/// What is counted: a started kilobyte.
const UNIT: usize = 1024;
/// How many events may wait.
const EVENTS: usize = 65_536;
/// How many are accepted in one transaction at most.
const BATCH: usize = 128;
/// How many are offered to a full inbox at least.
const LEAST_OFFER: usize = 8;
/// The first pause when the inbox is full; it doubles up to [`LONGEST_PAUSE`].
const PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
/// The pause after the database refused.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How long what was read is still accepted when the platform stops.
const DRAIN: Duration = Duration::from_secs(2);

/// The end that connections put events into.
#[derive(Clone)]
pub(super) struct Inlet {
    queue: mpsc::Sender<Raw>,
    room: Arc<Semaphore>,
}

/// An event as it was read.
pub(super) struct Raw {
    text: Utf8Bytes,
    /// Whose connection it came over, for events that do not say.
    account: String,
    _room: OwnedSemaphorePermit,
}

/// The end that accepts.
pub(super) struct Outlet {
    pub(super) queue: mpsc::Receiver<Raw>,
    pub(super) platform: PlatformId,
    pub(super) kind: &'static str,
    pub(super) intake: Intake,
    pub(super) health: Health,
}

/// The queue was closed: the platform is going down.
#[derive(Debug)]
pub(super) struct Closed;

pub(super) fn queue() -> (Inlet, mpsc::Receiver<Raw>) {
    let (sender, receiver) = mpsc::channel(EVENTS);
    (Inlet { queue: sender, room: Arc::new(Semaphore::new(ROOM)) }, receiver)
}

impl Inlet {
    /// Waits for room, then queues. Dropped while it waits, it has queued nothing.
    pub(super) async fn put(&self, text: &Utf8Bytes, account: &str) -> Result<(), Closed> {
        let units = text.len().div_ceil(UNIT).clamp(1, ROOM);
        let units = u32::try_from(units).map_err(|_| Closed)?;
        let room = Arc::clone(&self.room).acquire_many_owned(units).await.map_err(|_| Closed)?;
        let place = self.queue.reserve().await.map_err(|_| Closed)?;
        place.send(Raw { text: text.clone(), account: account.to_owned(), _room: room });
        Ok(())
    }
}

impl Outlet {
    /// Accepts events until the platform stops, and then what was read by then.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let limit = async {
            stop.cancelled().await;
            sleep(DRAIN).await;
        };
        tokio::select! {
            () = self.accept_all() => {}
            () = limit => {
                let left = self.queue.len();
                if left > 0 {
                    self.health.fault(format!("{left} received events could not be stored"));
                    tracing::warn!(left, "received events could not be stored before the stop");
                }
            }
        }
    }

    async fn accept_all(&mut self) {
        let mut raw = Vec::with_capacity(BATCH);
        while self.queue.recv_many(&mut raw, BATCH).await > 0 {
            let mut waiting: Vec<(MessageEvent, String)> =
                raw.iter().filter_map(|raw| self.read(raw)).collect();
            let (mut pause, mut offered) = (PAUSE, BATCH);
            while !waiting.is_empty() {
                offered = offered.min(waiting.len());
                let stored = self.offer(&mut waiting, offered).await;
                if stored < offered {
                    // A full inbox is asked for little at a time: each offer costs its work again.
                    pause = if stored > 0 { PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
                    offered = (stored * 2).max(LEAST_OFFER);
                    sleep(pause).await;
                } else {
                    offered = offered.saturating_mul(2);
                }
            }
            // The room is given back only now: what waits for the inbox counts as being in memory.
            raw.clear();
        }
    }

    /// Offers the first so many that wait, and answers how many found room; the others stay.
    async fn offer(&self, waiting: &mut Vec<(MessageEvent, String)>, count: usize) -> usize {
        let offered = waiting.iter().take(count).cloned().collect();
        match self.intake.accept_all(offered).await {
            Ok(accepted) => {
                let stored = accepted.iter().take_while(|a| !matches!(a, Accepted::Full)).count();
                waiting.drain(..stored.min(waiting.len()));
                stored
            }
            Err(error) => {
                self.refused(&error).await;
                0
            }
        }
    }

    async fn refused(&self, error: &BusError) {
        tracing::error!(%error, "received events could not be stored; trying again");
        self.health.fault(format!("received events could not be stored: {error}"));
        sleep(RETRY_AFTER).await;
    }

    fn read(&self, raw: &Raw) -> Option<(MessageEvent, String)> {
        let read = event::read(raw.text.as_bytes(), &self.platform, self.kind, &raw.account);
        count(&self.platform, &read);
        match read {
            Ok(Reading::Message(message)) => Some((message.event, message.identity)),
            Ok(Reading::Meta(_) | Reading::Ignored) => None,
            Err(error) => {
                tracing::warn!(%error, "an event was refused");
                self.health.fault(format!("an event was refused: {error}"));
                None
            }
        }
    }
}

/// Counts what was read.
pub(super) fn count(platform: &PlatformId, read: &Result<Reading, event::EventError>) {
    let outcome = match read {
        Ok(Reading::Message(_)) => "message",
        Ok(Reading::Meta(_)) => "meta",
        Ok(Reading::Ignored) => "ignored",
        Err(_) => "refused",
    };
    counted(platform, outcome);
}

/// Counts one event.
pub(super) fn counted(platform: &PlatformId, outcome: &'static str) {
    let labels = [("platform", platform.to_string()), ("outcome", outcome.to_owned())];
    metrics::counter!("firstlight_onebot_events_total", &labels).increment(1);
}
