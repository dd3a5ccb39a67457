//! Messages that waited too long: put aside with a reason, and not answered or sent late.
//!
//! The age of a message counts from its acceptance or queueing, or from when the operator last sent
//! it on its way again.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};
use serde_json::json;

use super::inbox_steps::{self, leased};
use super::outbox_steps;
use super::reason::PutAside;
use super::settings::millis;
use super::{Bus, BusError, Epoch, InboxRow, OutboxRow, OutboxState, Queue, Reason};

/// What people read beside the code.
const WAITED: &str = "it waited longer than bus.stale_after";

impl Bus {
    /// Whether the message waited longer for its turn than [`super::BusSettings::stale_after`].
    pub fn is_stale(&self, row: &InboxRow) -> bool {
        let since = row.replayed_at.unwrap_or(row.accepted_at);
        self.stale_before(self.clock.now()).is_some_and(|before| since < before)
    }

    /// Ends the turn of a stale message without an answer: it becomes a dead letter, which the
    /// operator can replay.
    pub async fn fail_stale(&self, id: i64, epoch: Epoch) -> Result<(), BusError> {
        let put_aside = PutAside { reason: Reason::Stale, at: self.clock.now() };
        self.change(&[Queue::Inbox], move |connection| {
            let held = leased(connection, id, epoch)?;
            let error = WAITED.to_owned();
            held.step(connection, &inbox_steps::Step::dead(&held, put_aside, error))
        })
        .await
    }

    /// What began to wait before this is stale by now; nothing is when the limit is off.
    pub(super) fn stale_before(&self, now: i64) -> Option<i64> {
        let limit = self.settings.stale_after;
        (!limit.is_zero()).then(|| now.saturating_sub(millis(limit)))
    }
}

/// Takes the stale ones out of messages that were just leased. When there are any, every unsent
/// message of the platform that is stale is put aside with them: the channel was away for long.
pub(super) fn put_aside(
    connection: &Connection,
    platform_id: &str,
    rows: &mut Vec<(OutboxRow, String)>,
    before: Option<i64>,
    now: i64,
) -> Result<bool, BusError> {
    let Some(before) = before else { return Ok(false) };
    let is_stale = |row: &OutboxRow| row.replayed_at.unwrap_or(row.created_at) < before;
    let leased: Vec<i64> =
        rows.iter().map(|(row, _)| row).filter(|row| is_stale(row)).map(|row| row.id).collect();
    if leased.is_empty() {
        return Ok(false);
    }
    rows.retain(|(row, _)| !is_stale(row));
    outbox_steps::check(0, OutboxState::Leased, OutboxState::Dead)?;
    outbox_steps::check(0, OutboxState::Pending, OutboxState::Dead)?;
    let mut put_aside = connection.prepare_cached(
        "UPDATE outbox SET state = 'dead', head = 0, lease_epoch = NULL, reason = ?1, error = ?2,
             put_aside_at = ?3, attempts = attempts - (state = 'leased')
         WHERE platform_id = ?4 AND state IN ('pending', 'leased')
             AND (state = 'pending' OR id IN (SELECT value FROM json_each(?5)))
             AND coalesce(replayed_at, created_at) < ?6
         RETURNING session_key",
    )?;
    let (leased, mut count) = (json!(leased).to_string(), 0_usize);
    let sessions: BTreeSet<String> = put_aside
        .query_map(params![Reason::Stale, WAITED, now, platform_id, leased, before], |row| {
            row.get(0)
        })?
        .inspect(|_| count += 1)
        .collect::<rusqlite::Result<_>>()?;
    tracing::warn!(platform = platform_id, count, "messages were not sent: they waited too long");
    for session in sessions {
        outbox_steps::promote(connection, platform_id, &session)?;
    }
    Ok(true)
}
