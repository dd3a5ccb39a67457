//! Leasing: rows that are due and not held up, the oldest first.
//!
//! The limit is `0 + ?`, because SQLite prepares a statement with a bare parameter for its limit
//! again each time it is bound.

use rusqlite::{Connection, Row, params};

use super::{BusError, Epoch, InboxRow, InboxState, OutboxRow, OutboxState};
use super::{inbox_steps, outbox_steps, stale};

/// Begins turns.
pub(super) struct LeaseInbox {
    pub(super) epoch: Epoch,
    pub(super) limit: u32,
    pub(super) max_unsent: u32,
    pub(super) now: i64,
}

/// Begins to send.
pub(super) struct LeaseOutbox {
    pub(super) epoch: Epoch,
    pub(super) platform_id: String,
    pub(super) limit: u32,
    pub(super) stale_before: Option<i64>,
    pub(super) now: i64,
}

/// What was leased.
pub(super) struct Leased<R> {
    /// The rows, each with its payload, which is read once the writer need not wait for it.
    pub(super) rows: Vec<(R, String)>,
    /// When the next row is due that nothing holds up.
    pub(super) next_due: Option<i64>,
}

impl LeaseInbox {
    pub(super) fn run(&self, connection: &Connection) -> Result<Leased<InboxRow>, BusError> {
        self.epoch.check(owner(connection)?)?;
        inbox_steps::check(0, InboxState::Pending, InboxState::Leased)?;
        let mut statement = connection.prepare_cached(
            "UPDATE OR FAIL inbox SET state = 'leased', lease_epoch = ?1, attempts = attempts + 1
             WHERE id IN (
                 SELECT id FROM inbox
                 WHERE head = 1 AND state = 'pending' AND available_at <= ?2
                     AND platform_id NOT IN (
                         SELECT platform_id FROM bus_depths
                         WHERE queue = 'outbox' AND unfinished >= ?3)
                 ORDER BY available_at, id LIMIT 0 + ?4)
             RETURNING id, platform_id, platform_message_id, conversation_key, payload, checkpoint,
                 state, attempts, available_at, error, received_at, accepted_at, finished_at,
                 reason, put_aside_at, replayed_at",
        )?;
        let read = |row: &Row<'_>| InboxRow::read(row);
        let rows = statement
            .query_map(params![self.epoch.0, self.now, self.max_unsent, self.limit], read)?;
        let mut rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        rows.sort_by_key(|(row, _)| (row.available_at, row.id));
        let next_due = connection
            .prepare_cached(
                "SELECT min(available_at) FROM inbox WHERE head = 1 AND state = 'pending'",
            )?
            .query_row([], |row| row.get(0))?;
        Ok(Leased { rows, next_due })
    }
}

impl LeaseOutbox {
    pub(super) fn run(&self, connection: &Connection) -> Result<Leased<OutboxRow>, BusError> {
        self.epoch.check(owner(connection)?)?;
        let (platform, before, now) = (self.platform_id.as_str(), self.stale_before, self.now);
        let mut rows = self.lease_up_to(self.limit, connection)?;
        if stale::put_aside(connection, platform, &mut rows, before, now)? {
            let taken = u32::try_from(rows.len()).unwrap_or(self.limit);
            let room = self.limit.saturating_sub(taken);
            rows.extend(self.lease_up_to(room, connection)?);
        }
        rows.sort_by_key(|(row, _)| (row.available_at, row.id));
        let next_due = connection
            .prepare_cached(
                "SELECT min(available_at) FROM outbox
                 WHERE platform_id = ? AND head = 1 AND state = 'pending'",
            )?
            .query_row([platform], |row| row.get(0))?;
        Ok(Leased { rows, next_due })
    }

    fn lease_up_to(
        &self,
        limit: u32,
        connection: &Connection,
    ) -> Result<Vec<(OutboxRow, String)>, BusError> {
        outbox_steps::check(0, OutboxState::Pending, OutboxState::Leased)?;
        let mut statement = connection.prepare_cached(
            "UPDATE OR FAIL outbox SET state = 'leased', lease_epoch = ?1, attempts = attempts + 1
             WHERE id IN (
                 SELECT id FROM outbox
                 WHERE platform_id = ?2 AND head = 1 AND state = 'pending'
                     AND available_at <= ?3
                 ORDER BY available_at, id LIMIT 0 + ?4)
             RETURNING id, inbox_id, platform_id, session_key, idempotency_key, resend_safe,
                 payload, receipt, state, attempts, available_at, error, created_at, finished_at,
                 reason, put_aside_at, replayed_at",
        )?;
        let read = |row: &Row<'_>| OutboxRow::read(row);
        let rows =
            statement.query_map(params![self.epoch.0, self.platform_id, self.now, limit], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

fn owner(connection: &Connection) -> Result<Epoch, BusError> {
    let mut owner = connection.prepare_cached("SELECT epoch FROM bus_owner")?;
    Ok(Epoch(owner.query_row([], |row| row.get(0))?))
}
