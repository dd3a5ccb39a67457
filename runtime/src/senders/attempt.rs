//! One attempt to send one message, and what is noted about it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use firstlight_core::bus::{Bus, BusError, Deferred, Epoch, OutboxRow};
use firstlight_core::model::Outgoing;
use futures_util::FutureExt as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::paces::Paces;
use crate::platforms::{Adapter, Delivery};

/// How long an adapter may take for one piece. It has a deadline of its own; this one ends a bug.
const LONGEST_SEND: Duration = Duration::from_mins(3);
/// A pause of at most this length is waited for; a longer one gives its place to another session.
const SHORT_PAUSE: Duration = Duration::from_millis(50);
/// How long a message rests whose account is not connected while the platform as a whole is.
const REST: i64 = 2_000;
/// The pause before an outcome is noted again that the database refused.
const SETTLE_AGAIN: Duration = Duration::from_millis(500);

pub(super) struct Attempt {
    pub(super) bus: Bus,
    pub(super) epoch: Epoch,
    pub(super) platform_id: Arc<str>,
    pub(super) adapter: Arc<dyn Adapter>,
    pub(super) paces: Arc<Paces>,
    /// Cancelled when the platform stops and will not wait any longer.
    pub(super) cut: CancellationToken,
}

/// What is to be noted about a row.
#[derive(Debug)]
enum Outcome {
    Sent(Option<Value>),
    Later { error: String, not_before: Option<i64> },
    Unsent { not_before: Option<i64> },
    Unknown(String),
    Refused(String),
    Unreadable(String),
}

impl Attempt {
    pub(super) async fn run(self, row: OutboxRow) {
        let outcome = match serde_json::from_value::<Outgoing>(row.payload.clone()) {
            Ok(outgoing) => self.send(&row, outgoing).await,
            Err(error) => Outcome::Unreadable(format!("the message cannot be read: {error}")),
        };
        self.count(&outcome);
        self.settle(&row, outcome).await;
    }

    async fn send(&self, row: &OutboxRow, outgoing: Outgoing) -> Outcome {
        let wait = self.paces.wait(&row.session_key, outgoing.pause_ms);
        if wait > SHORT_PAUSE {
            let wait = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
            return Outcome::Unsent { not_before: Some(now().saturating_add(wait)) };
        }
        sleep(wait).await;
        let mut pieces = self.adapter.pieces(outgoing);
        let mut receipts = Vec::new();
        loop {
            let left = pieces.len();
            let Some(piece) = pieces.first() else { return Outcome::Sent(receipt(receipts)) };
            // Counted from the end, so that a piece has the same key in every attempt.
            let key = match left {
                1 => row.idempotency_key.clone(),
                left => format!("{}/{left}", row.idempotency_key),
            };
            match self.deliver(piece, &key).await {
                Delivery::Sent { receipt } => receipts.extend(receipt),
                other => return self.outcome(row, other),
            }
            self.paces.sent(&row.session_key);
            pieces.remove(0);
            if let Some(rest) = joined(&pieces)
                && let Err(error) = self.keep(row, rest).await
            {
                return Outcome::Unknown(error);
            }
        }
    }

    async fn deliver(&self, piece: &Outgoing, key: &str) -> Delivery {
        let delivery = AssertUnwindSafe(self.adapter.deliver(piece, key)).catch_unwind();
        let unknown = |error: &str| Delivery::Unknown { error: error.to_owned() };
        tokio::select! {
            delivered = timeout(LONGEST_SEND, delivery) => match delivered {
                Ok(Ok(delivery)) => delivery,
                Ok(Err(_)) => unknown("the adapter panicked while it was sending"),
                Err(_) => unknown("the adapter came to no end"),
            },
            () = self.cut.cancelled() => {
                unknown("the platform was stopped while the message was being sent")
            }
        }
    }

    fn outcome(&self, row: &OutboxRow, delivery: Delivery) -> Outcome {
        match delivery {
            Delivery::Sent { receipt } => Outcome::Sent(receipt),
            Delivery::Later { error, not_before } => Outcome::Later { error, not_before },
            Delivery::Offline => {
                // Still online as a whole: another account is, and this one may be away for long.
                let online = self.adapter.online().now_or_never().is_some();
                Outcome::Unsent { not_before: online.then(|| now().saturating_add(REST)) }
            }
            Delivery::Unknown { error } if row.resend_safe => {
                Outcome::Later { error, not_before: None }
            }
            Delivery::Unknown { error } => Outcome::Unknown(error),
            Delivery::Refused { error } => Outcome::Refused(error),
        }
    }

    /// Notes what is left. Without that a later attempt would repeat what was sent, so the row is
    /// rather put aside as possibly sent.
    async fn keep(&self, row: &OutboxRow, rest: Outgoing) -> Result<(), String> {
        let kept = self.bus.keep_rest(row.id, self.epoch, json!(rest)).await;
        kept.map_err(|error| format!("a part is sent, and this could not be noted: {error}"))
    }

    /// Notes the outcome, again and again while the database refuses. What cannot be noted before
    /// the end counts as possibly sent.
    async fn settle(&self, row: &OutboxRow, outcome: Outcome) {
        loop {
            match self.note(row, &outcome).await {
                Ok(()) => return,
                Err(BusError::LeaseLost { .. } | BusError::NoSuchRow { .. }) => {
                    return tracing::debug!(
                        outbox = row.id,
                        "the message was taken back meanwhile"
                    );
                }
                Err(error) => {
                    tracing::error!(outbox = row.id, %error, "an outcome could not be stored");
                }
            }
            if self.cut.run_until_cancelled(sleep(SETTLE_AGAIN)).await.is_none() {
                return;
            }
        }
    }

    async fn note(&self, row: &OutboxRow, outcome: &Outcome) -> Result<(), BusError> {
        let (bus, id, epoch) = (&self.bus, row.id, self.epoch);
        match outcome {
            Outcome::Sent(receipt) => bus.sent(id, epoch, receipt.clone()).await,
            Outcome::Later { error, not_before } => {
                let deferred = bus.retry(id, epoch, error, *not_before).await?;
                if let Deferred::Dead = deferred {
                    tracing::warn!(
                        outbox = id,
                        platform = &*self.platform_id,
                        error,
                        "a message had its attempts and is put aside"
                    );
                }
                Ok(())
            }
            Outcome::Unsent { not_before } => bus.put_back_unsent(id, epoch, *not_before).await,
            Outcome::Unknown(error) => bus.uncertain(id, epoch, error).await,
            Outcome::Refused(error) | Outcome::Unreadable(error) => {
                tracing::warn!(
                    outbox = id,
                    platform = &*self.platform_id,
                    error,
                    "a message cannot be delivered and is put aside"
                );
                bus.undeliverable(id, epoch, error).await
            }
        }
    }

    fn count(&self, outcome: &Outcome) {
        let name = match outcome {
            Outcome::Sent(_) => "sent",
            Outcome::Later { .. } => "retried",
            Outcome::Unsent { .. } => "unsent",
            Outcome::Unknown(_) => "uncertain",
            Outcome::Refused(_) => "refused",
            Outcome::Unreadable(_) => "unreadable",
        };
        let labels = [("platform", self.platform_id.to_string()), ("outcome", name.to_owned())];
        metrics::counter!("firstlight_sends_total", &labels).increment(1);
    }
}

/// What is left of a message as one message again.
fn joined(pieces: &[Outgoing]) -> Option<Outgoing> {
    let (first, rest) = pieces.split_first()?;
    let mut joined = first.clone();
    joined.message.chain.extend(rest.iter().flat_map(|piece| piece.message.chain.clone()));
    Some(joined)
}

/// What the platform answered: to the one piece, or to each of them.
fn receipt(mut receipts: Vec<Value>) -> Option<Value> {
    if receipts.len() > 1 { Some(Value::Array(receipts)) } else { receipts.pop() }
}

fn now() -> i64 {
    Timestamp::now().as_millisecond()
}
