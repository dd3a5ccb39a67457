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
    pub(super) now: i64,
}

impl Sent {
    pub(super) fn run(&self, connection: &Connection) -> Result<(), BusError> {
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
        held.promote_next(connection)
    }
}
