//! The steps of a received message.

use rusqlite::{Connection, params};
use serde_json::Value;

use super::accepting::{Accept, Offered};
use super::bus::Wakes;
use super::finishing::FinishTurn;
use super::inbox_steps::{Step, leased};
use super::leasing::LeaseInbox;
use super::reason::PutAside;
use super::{
    Accepted, Bus, BusError, Deferred, Epoch, Finish, Finished, InboxRow, InboxState, NewInbox,
    Queue, Reason,
};
use crate::db::{HistoryRow, NewHistory, Order};
use crate::failpoint::Point;

impl Bus {
    /// Stores a received message, unless it is there already. Answered once it is on the disk.
    pub async fn accept(&self, new: NewInbox) -> Result<Accepted, BusError> {
        self.accept_shown(new, Vec::new()).await.map(|(accepted, _)| accepted)
    }

    /// Stores received messages in their order, in one transaction. Once one is `Full`, so are all
    /// that follow it, so that none overtakes another.
    pub async fn accept_all(&self, messages: Vec<NewInbox>) -> Result<Vec<Accepted>, BusError> {
        let platforms: Vec<_> = messages.iter().map(|new| new.platform_id.clone()).collect();
        let (bound, now) = (self.settings.max_pending, self.clock.now());
        let messages = messages.into_iter().map(Offered::from).collect();
        let accept = Accept { messages, history: Vec::new(), bound, now };
        let (accepted, _) =
            self.change(&[Queue::Inbox], move |connection| accept.run(connection)).await?;
        for (platform, accepted) in platforms.into_iter().zip(&accepted) {
            Point::AcceptCommitted.pass();
            offered(platform, *accepted);
        }
        Ok(accepted)
    }

    /// [`Self::accept`], and in the same transaction what people see of the message. Answers with
    /// the rows that they see, which are none when nothing new was stored.
    pub async fn accept_shown(
        &self,
        new: NewInbox,
        history: Vec<NewHistory>,
    ) -> Result<(Accepted, Vec<HistoryRow>), BusError> {
        let platform = new.platform_id.clone();
        let (bound, now) = (self.settings.max_pending, self.clock.now());
        let accept = Accept { messages: vec![new.into()], history, bound, now };
        let (accepted, shown) =
            self.change(&[Queue::Inbox], move |connection| accept.run(connection)).await?;
        Point::AcceptCommitted.pass();
        let accepted = accepted.into_iter().next().unwrap_or(Accepted::Full);
        offered(platform, accepted);
        Ok((accepted, shown))
    }

    /// Begins turns: at most one per conversation, the oldest first, none for platforms whose
    /// outbox is full.
    pub async fn lease_next(&self, epoch: Epoch, limit: u32) -> Result<Vec<InboxRow>, BusError> {
        let (max_unsent, now) = (self.settings.max_unsent, self.clock.now());
        let lease = LeaseInbox { epoch, limit, max_unsent, now };
        // A turn whose beginning is forgotten is begun again, as one is that did not end.
        let order = Order::LastUnsynced;
        let rows = self.lease(None, order, move |connection| lease.run(connection)).await?;
        for _ in &rows {
            Point::TurnLeased.pass();
        }
        Ok(rows.into_iter().map(InboxRow::with_payload).collect())
    }

    /// Notes how far a turn has got, for the attempt after a crash.
    pub async fn checkpoint(&self, id: i64, epoch: Epoch, value: Value) -> Result<(), BusError> {
        let value = value.to_string();
        self.change(&[], move |connection| {
            leased(connection, id, epoch)?;
            connection
                .prepare_cached("UPDATE inbox SET checkpoint = ? WHERE id = ?")?
                .execute(params![value, id])?;
            Ok(())
        })
        .await
    }

    /// Ends a turn and stores all that came of it, in one transaction.
    pub async fn finish(
        &self,
        id: i64,
        epoch: Epoch,
        finish: Finish,
    ) -> Result<Finished, BusError> {
        let now = self.clock.now();
        let turn = FinishTurn { id, epoch, finish, now };
        let wakes = |(finished, more): &(Finished, bool)| Wakes {
            inbox: *more,
            outbox: !finished.outbox.is_empty(),
        };
        let finish = move |connection: &Connection| turn.run(connection);
        let (finished, _) = self.change_and_wake(finish, wakes).await?;
        Point::FinishCommitted.pass();
        Ok(finished)
    }

    /// Ends an attempt that failed: another one follows after a delay, unless there were enough.
    pub async fn defer(&self, id: i64, epoch: Epoch, error: &str) -> Result<Deferred, BusError> {
        let (now, settings, error) = (self.clock.now(), self.settings.clone(), error.to_owned());
        self.change(&[Queue::Inbox], move |connection| {
            let held = leased(connection, id, epoch)?;
            if held.attempts >= settings.max_turn_attempts {
                let why = PutAside { reason: Reason::Attempts, at: now };
                held.step(connection, &Step::dead(&held, why, error.clone()))?;
                return Ok(Deferred::Dead);
            }
            let at = now + settings.delay(held.attempts);
            let later = Step { available_at: at, ..Step::to(InboxState::Pending, &held) };
            held.step(connection, &Step { error: Some(error.clone()), ..later })?;
            Ok(Deferred::Retry { at })
        })
        .await
    }

    /// Ends a turn that no further attempt can save: the message becomes a dead letter.
    pub async fn fail(&self, id: i64, epoch: Epoch, error: &str) -> Result<(), BusError> {
        let error = error.to_owned();
        let why = PutAside { reason: Reason::Failed, at: self.clock.now() };
        self.change(&[Queue::Inbox], move |connection| {
            let held = leased(connection, id, epoch)?;
            held.step(connection, &Step::dead(&held, why, error.clone()))
        })
        .await
    }

    /// Puts a leased message back, as if its turn had not been begun.
    pub async fn put_back(&self, id: i64, epoch: Epoch) -> Result<(), BusError> {
        self.change(&[Queue::Inbox], move |connection| {
            let held = leased(connection, id, epoch)?;
            held.step(connection, &Step::uncounted(&held))
        })
        .await
    }

    /// [`Self::put_back`], for a turn that may not begin before that time. What follows it in its
    /// conversation waits with it.
    pub async fn postpone(&self, id: i64, epoch: Epoch, not_before: i64) -> Result<(), BusError> {
        self.change(&[Queue::Inbox], move |connection| {
            let held = leased(connection, id, epoch)?;
            let later = Step { available_at: not_before, ..Step::uncounted(&held) };
            held.step(connection, &later)
        })
        .await
    }

    /// The message of that number.
    pub async fn inbox_row(&self, id: i64) -> Result<Option<InboxRow>, BusError> {
        let row = sqlx::query_as("SELECT * FROM inbox WHERE id = ?")
            .bind(id)
            .fetch_optional(self.database.readers())
            .await?;
        Ok(row)
    }

    /// What a conversation still has to work on, the oldest first.
    pub async fn unfinished(&self, conversation_key: &str) -> Result<Vec<InboxRow>, BusError> {
        let rows = sqlx::query_as(
            "SELECT * FROM inbox
             WHERE conversation_key = ? AND state IN ('pending', 'leased') ORDER BY id",
        )
        .bind(conversation_key.to_owned())
        .fetch_all(self.database.readers())
        .await?;
        Ok(rows)
    }
}

/// Counts what became of a message that was offered.
fn offered(platform: String, accepted: Accepted) {
    let labels = [("platform", platform), ("outcome", accepted.as_str().to_owned())];
    metrics::counter!("firstlight_inbox_offered_total", &labels).increment(1);
}
