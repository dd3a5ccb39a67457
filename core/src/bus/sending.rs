//! Sent: the platform has a message, and the next of its session may go.

use rusqlite::{Connection, params};
use serde_json::Value;

use super::outbox_steps::{check, leased};
use super::{BusError, Epoch, OutboxState};

/// A message that the platform has, and what it answered.
pub(super) struct Sent {
    pub(super) id: i64,
    pub(super) epoch: Epoch,
    pub(super) receipt: Option<Value>,
    pub(super) max_unsent: u32,
    pub(super) now: i64,
}

/// What may go on because a message is sent.
pub(super) struct Freed {
    /// The next message of its session.
    pub(super) next: bool,
    /// The turns of its platform, whose outbox was full.
    pub(super) turns: bool,
}

impl Sent {
    pub(super) fn run(&self, connection: &Connection) -> Result<Freed, BusError> {
        let held = leased(connection, self.id, self.epoch)?;
        check(self.id, OutboxState::Leased, OutboxState::Sent)?;
        // A step like others, in fewer columns.
        connection
            .prepare_cached(
                "UPDATE OR FAIL outbox SET state = 'sent', head = 0, receipt = ?, finished_at = ?,
                     lease_epoch = NULL
                 WHERE id = ?",
            )?
            .execute(params![self.receipt.as_ref().map(Value::to_string), self.now, self.id])?;
        let unsent = held.unsent_of_platform(connection)?;
        let next = held.promote_next(connection)?;
        Ok(Freed { next, turns: unsent.saturating_add(1) == self.max_unsent })
    }
}
