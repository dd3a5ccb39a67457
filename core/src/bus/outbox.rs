//! The steps of a message that is to be sent.

use rusqlite::params;
use serde_json::Value;

use super::bus::Wakes;
use super::leasing::LeaseOutbox;
use super::outbox_steps::{Held, Step, is_full, leased};
use super::queueing::{Draft, insert_all};
use super::reason::PutAside;
use super::sending::{Freed, Sent};
use super::{
    Bus, BusError, Deferred, Enqueued, Epoch, NewOutbox, OutboxRow, OutboxState, Queue, Reason,
};
use crate::db::Order;
use crate::failpoint::Point;

impl Bus {
    /// Queues messages that answer nothing, all or none of them.
    pub async fn enqueue(&self, messages: Vec<NewOutbox>) -> Result<Enqueued, BusError> {
        let (now, bound) = (self.clock.now(), self.settings.max_unsent);
        self.change(&[Queue::Outbox], move |connection| {
            for message in &messages {
                if is_full(connection, &message.platform_id, bound)? {
                    return Ok(Enqueued::Full);
                }
            }
            let draft = |new| Draft { new, inbox_id: None, now };
            Ok(Enqueued::Rows(insert_all(connection, messages.iter().map(draft))?))
        })
        .await
    }

    /// Begins to send: at most one message per session, the oldest first.
    ///
    /// A leased row counts as on its way, so lease no more than is sent at once, and only while the
    /// channel is there: what has become stale meanwhile is put aside and not among the answer.
    pub async fn lease_outbox(
        &self,
        epoch: Epoch,
        platform_id: &str,
        limit: u32,
    ) -> Result<Vec<OutboxRow>, BusError> {
        let now = self.clock.now();
        let (platform_id, stale_before) = (platform_id.to_owned(), self.stale_before(now));
        let lease = LeaseOutbox { epoch, platform_id, limit, stale_before, now };
        let platform = Some(lease.platform_id.clone());
        let rows =
            self.lease(platform, Order::Last, move |connection| lease.run(connection)).await?;
        for _ in &rows {
            Point::OutboxLeased.pass();
        }
        Ok(rows.into_iter().map(OutboxRow::with_payload).collect())
    }

    /// The platform has the message, and answered this.
    pub async fn sent(
        &self,
        id: i64,
        epoch: Epoch,
        receipt: Option<Value>,
    ) -> Result<(), BusError> {
        let now = self.clock.now();
        let sent = Sent { id, epoch, receipt, max_unsent: self.settings.max_unsent, now };
        let wakes = |freed: &Freed| Wakes { inbox: freed.turns, outbox: freed.next };
        self.change_and_wake(move |connection| sent.run(connection), wakes).await?;
        Point::SentCommitted.pass();
        Ok(())
    }

    /// The platform may have the message: the answer to the attempt never came.
    pub async fn uncertain(&self, id: i64, epoch: Epoch, error: &str) -> Result<(), BusError> {
        self.put_aside(id, epoch, OutboxState::Uncertain, Reason::NoAnswer, error).await
    }

    /// The platform refuses the message for good: it becomes a dead letter.
    pub async fn undeliverable(&self, id: i64, epoch: Epoch, error: &str) -> Result<(), BusError> {
        self.put_aside(id, epoch, OutboxState::Dead, Reason::Refused, error).await
    }

    async fn put_aside(
        &self,
        id: i64,
        epoch: Epoch,
        to: OutboxState,
        reason: Reason,
        error: &str,
    ) -> Result<(), BusError> {
        let (error, why) = (error.to_owned(), PutAside { reason, at: self.clock.now() });
        self.change(&[Queue::Inbox, Queue::Outbox], move |connection| {
            let held = leased(connection, id, epoch)?;
            held.step(connection, &Step::aside(&held, to, why, error.clone()))
        })
        .await
    }

    /// The platform does not have the message, for now: it is sent again after a delay, but not
    /// before the time that the platform named. After enough attempts it becomes a dead letter.
    pub async fn retry(
        &self,
        id: i64,
        epoch: Epoch,
        error: &str,
        not_before: Option<i64>,
    ) -> Result<Deferred, BusError> {
        let (now, settings, error) = (self.clock.now(), self.settings.clone(), error.to_owned());
        self.change(&[Queue::Inbox, Queue::Outbox], move |connection| {
            let held = leased(connection, id, epoch)?;
            if held.attempts >= settings.max_send_attempts {
                let why = PutAside { reason: Reason::Attempts, at: now };
                let dead = Step::aside(&held, OutboxState::Dead, why, error.clone());
                held.step(connection, &dead)?;
                return Ok(Deferred::Dead);
            }
            let at = (now + settings.delay(held.attempts)).max(not_before.unwrap_or(now));
            let later = Step { available_at: at, ..Step::to(OutboxState::Pending, &held) };
            held.step(connection, &Step { error: Some(error.clone()), ..later })?;
            Ok(Deferred::Retry { at })
        })
        .await
    }

    /// Puts a leased message back that was not begun to be sent; it is not leased again before the
    /// time that is given, if any.
    pub async fn put_back_unsent(
        &self,
        id: i64,
        epoch: Epoch,
        not_before: Option<i64>,
    ) -> Result<(), BusError> {
        self.change(&[Queue::Outbox], move |connection| {
            let held = leased(connection, id, epoch)?;
            held.step(connection, &Step::uncounted(&held).not_before(not_before))
        })
        .await
    }

    /// The first pieces of a leased message are sent: the payload is what is left of it, so that no
    /// later attempt repeats them.
    pub async fn keep_rest(&self, id: i64, epoch: Epoch, rest: Value) -> Result<(), BusError> {
        let rest = rest.to_string();
        self.change(&[], move |connection| {
            leased(connection, id, epoch)?;
            connection
                .prepare_cached("UPDATE outbox SET payload = ? WHERE id = ?")?
                .execute(params![rest, id])?;
            Ok(())
        })
        .await
    }

    /// An uncertain message turned out to have been sent.
    pub async fn confirm_sent(&self, id: i64) -> Result<(), BusError> {
        let now = self.clock.now();
        self.change(&[], move |connection| {
            let held = Held::load(connection, id)?;
            if held.state != OutboxState::Uncertain {
                let (from, to) = (held.state.as_str(), OutboxState::Sent.as_str());
                return Err(BusError::Refused { queue: Queue::Outbox, id, from, to });
            }
            held.step(connection, &Step::sent(&held, now))
        })
        .await
    }

    /// The message of that number.
    pub async fn outbox_row(&self, id: i64) -> Result<Option<OutboxRow>, BusError> {
        let row = sqlx::query_as("SELECT * FROM outbox WHERE id = ?")
            .bind(id)
            .fetch_optional(self.database.readers())
            .await?;
        Ok(row)
    }

    /// What is to be sent, or was sent, in answer to a received message.
    pub async fn answers_to(&self, inbox_id: i64) -> Result<Vec<OutboxRow>, BusError> {
        let rows = sqlx::query_as("SELECT * FROM outbox WHERE inbox_id = ? ORDER BY id")
            .bind(inbox_id)
            .fetch_all(self.database.readers())
            .await?;
        Ok(rows)
    }
}
