//! Accepting: what was received becomes a row, once, within the bound of its platform.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Accepted, BusError, InboxState, NewInbox};
use crate::db::{HistoryRow, NewHistory, insert_history};
use crate::failpoint::Point;

/// Messages of one caller, to be accepted in their order, and what people see of a lone one.
pub(super) struct Accept {
    pub(super) messages: Vec<Offered>,
    pub(super) history: Vec<NewHistory>,
    pub(super) bound: u32,
    pub(super) now: i64,
}

/// A message with its payload as it is stored: made into text before the writer has to wait for it.
pub(super) struct Offered {
    platform_id: String,
    platform_message_id: String,
    conversation_key: String,
    payload: String,
    received_at: i64,
}

impl From<NewInbox> for Offered {
    fn from(new: NewInbox) -> Self {
        let NewInbox { platform_id, platform_message_id, conversation_key, payload, received_at } =
            new;
        let payload = payload.to_string();
        Self { platform_id, platform_message_id, conversation_key, payload, received_at }
    }
}

impl Accept {
    /// Does it; answers what became of each message, and with the rows that people see, which are
    /// none when nothing new was stored.
    pub(super) fn run(
        &self,
        connection: &Connection,
    ) -> Result<(Vec<Accepted>, Vec<HistoryRow>), BusError> {
        let mut unfinished = HashMap::new();
        let mut accepted = Vec::with_capacity(self.messages.len());
        for message in &self.messages {
            // None overtakes another that found no room.
            let full = accepted.last() == Some(&Accepted::Full);
            accepted.push(if full {
                Accepted::Full
            } else if let Some(id) = known(connection, message)? {
                Accepted::Duplicate(id)
            } else {
                let waiting = waiting(connection, &mut unfinished, &message.platform_id)?;
                if *waiting >= self.bound {
                    Accepted::Full
                } else {
                    *waiting += 1;
                    Accepted::New(self.insert(connection, message)?)
                }
            });
        }
        let mut shown = Vec::with_capacity(self.history.len());
        if let [Accepted::New(_)] = accepted[..] {
            for message in &self.history {
                shown.push(insert_history(connection, message)?);
            }
        }
        Ok((accepted, shown))
    }

    fn insert(&self, connection: &Connection, new: &Offered) -> Result<i64, BusError> {
        connection
            .prepare_cached(
                "INSERT OR FAIL INTO inbox (platform_id, platform_message_id, conversation_key, payload,
                     state, head, available_at, received_at, accepted_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, NOT EXISTS (
                     SELECT 1 FROM inbox WHERE conversation_key = ?3 AND head = 1), ?6, ?7, ?6)",
            )?
            .execute(params![
                new.platform_id,
                new.platform_message_id,
                new.conversation_key,
                new.payload,
                InboxState::Pending,
                self.now,
                new.received_at,
            ])?;
        let id = connection.last_insert_rowid();
        connection
            .prepare_cached("INSERT OR FAIL INTO inbox_keys VALUES (?, ?, ?, ?)")?
            .execute(params![new.platform_id, new.platform_message_id, id, self.now])?;
        Point::AcceptUncommitted.pass();
        Ok(id)
    }
}

/// The row of a message that was accepted before.
fn known(connection: &Connection, message: &Offered) -> Result<Option<i64>, BusError> {
    let id = connection
        .prepare_cached(
            "SELECT inbox_id FROM inbox_keys WHERE platform_id = ? AND platform_message_id = ?",
        )?
        .query_row([&message.platform_id, &message.platform_message_id], |row| row.get(0))
        .optional()?;
    Ok(id)
}

/// How many unfinished messages the platform has.
fn waiting<'a, 'p>(
    connection: &Connection,
    unfinished: &'a mut HashMap<&'p str, u32>,
    platform_id: &'p str,
) -> Result<&'a mut u32, BusError> {
    use std::collections::hash_map::Entry;
    Ok(match unfinished.entry(platform_id) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(unknown) => {
            let count = connection
                .prepare_cached(
                    "SELECT unfinished FROM bus_depths WHERE queue = 'inbox' AND platform_id = ?",
                )?
                .query_row([platform_id], |row| row.get(0))
                .optional()?;
            unknown.insert(count.unwrap_or(0))
        }
    })
}
