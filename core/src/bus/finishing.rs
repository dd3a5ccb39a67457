//! Finishing: a turn ends, and all that came of it is stored with it.

use rusqlite::{Connection, params};

use super::inbox_steps::{self, leased};
use super::queueing::{Draft, insert_all};
use super::{BusError, Epoch, Finish, Finished, InboxState};
use crate::db::{append_turn, insert_history};
use crate::failpoint::Point;

/// A turn that ended.
pub(super) struct FinishTurn {
    pub(super) id: i64,
    pub(super) epoch: Epoch,
    pub(super) finish: Finish,
    pub(super) now: i64,
}

impl FinishTurn {
    /// Does it; answers with what was stored, and whether the conversation has another message.
    pub(super) fn run(&self, connection: &Connection) -> Result<(Finished, bool), BusError> {
        let held = leased(connection, self.id, self.epoch)?;
        inbox_steps::check(self.id, InboxState::Leased, InboxState::Done)?;
        if let Some(turn) = &self.finish.turn {
            // A conversation that has been deleted meanwhile gets nothing.
            append_turn(connection, &turn.conversation_id, &turn.messages)?;
        }
        let draft = |new| Draft { new, inbox_id: Some(self.id), now: self.now };
        let outbox = insert_all(connection, self.finish.outbox.iter().map(draft))?;
        let shown = self.finish.history.iter().map(|message| insert_history(connection, message));
        let history = shown.collect::<Result<_, _>>()?;
        // A step like others, in fewer columns.
        connection
            .prepare_cached(
                "UPDATE OR FAIL inbox SET state = ?, head = 0, checkpoint = NULL, finished_at = ?,
                     lease_epoch = NULL
                 WHERE id = ?",
            )?
            .execute(params![InboxState::Done, self.now, self.id])?;
        let more = inbox_steps::promote(connection, &held.conversation_key)?;
        Point::FinishUncommitted.pass();
        Ok((Finished { history, outbox }, more))
    }
}
