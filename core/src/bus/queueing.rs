//! Queueing: messages that are to be sent become rows, behind what their sessions have already.

use std::borrow::Cow;

use rusqlite::{Connection, params};
use uuid::Uuid;

use super::outbox_steps::promote;
use super::{BusError, NewOutbox, OutboxState};

/// A message that is to become a row.
pub(super) struct Draft<'a> {
    pub(super) new: &'a NewOutbox,
    pub(super) inbox_id: Option<i64>,
    pub(super) now: i64,
}

/// Stores messages and answers with their numbers, in the same order. A message whose key is there
/// already is that row.
pub(super) fn insert_all<'a>(
    connection: &Connection,
    drafts: impl Iterator<Item = Draft<'a>>,
) -> Result<Vec<i64>, BusError> {
    drafts.map(|draft| draft.insert(connection)).collect()
}

impl Draft<'_> {
    fn insert(&self, connection: &Connection) -> Result<i64, BusError> {
        let Self { new, inbox_id, now } = self;
        let id = connection
            .prepare_cached(
                "INSERT OR FAIL INTO outbox (inbox_id, platform_id, session_key, idempotency_key,
                     resend_safe, payload, state, head, available_at, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?8)
                 ON CONFLICT (idempotency_key) DO UPDATE SET attempts = attempts
                 RETURNING id",
            )?
            .query_row(
                params![
                    inbox_id,
                    new.platform_id,
                    new.session_key,
                    self.key(),
                    new.resend_safe,
                    new.payload.to_string(),
                    OutboxState::Pending,
                    now,
                ],
                |row| row.get(0),
            )?;
        promote(connection, &new.platform_id, &new.session_key)?;
        Ok(id)
    }

    fn key(&self) -> Cow<'_, str> {
        let new_key = || Uuid::now_v7().to_string().into();
        self.new.idempotency_key.as_deref().map_or_else(new_key, Cow::Borrowed)
    }
}
