//! What an operator, and the passing of time, do to the bus.

use rusqlite::params;
use serde_json::Value;

use super::settings::millis;
use super::{
    Bus, BusError, InboxRow, InboxState, OutboxRow, OutboxState, Queue, inbox_steps, outbox_steps,
};
use crate::db::Page;

/// How many rows of a platform are in a state. Finished rows are not counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Depth {
    /// Which queue.
    pub queue: Queue,
    /// Which platform.
    pub platform_id: String,
    /// Which state, by its name.
    pub state: String,
    /// How many.
    pub count: i64,
}

/// What one purge removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purged {
    /// Finished messages of the inbox.
    pub inbox: u64,
    /// Finished messages of the outbox.
    pub outbox: u64,
    /// Memories of accepted messages.
    pub keys: u64,
}

impl Purged {
    /// Whether there was nothing to remove.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

impl Bus {
    /// The received messages in a state, the latest first.
    pub async fn inbox_in(&self, state: InboxState, page: Page) -> Result<Vec<InboxRow>, BusError> {
        let rows =
            sqlx::query_as("SELECT * FROM inbox WHERE state = ? ORDER BY id DESC LIMIT ? OFFSET ?")
                .bind(state)
                .bind(page.size)
                .bind(page.offset())
                .fetch_all(self.database.readers())
                .await?;
        Ok(rows)
    }

    /// The messages to be sent in a state, the latest first.
    pub async fn outbox_in(
        &self,
        state: OutboxState,
        page: Page,
    ) -> Result<Vec<OutboxRow>, BusError> {
        let rows = sqlx::query_as(
            "SELECT * FROM outbox WHERE state = ? ORDER BY id DESC LIMIT ? OFFSET ?",
        )
        .bind(state)
        .bind(page.size)
        .bind(page.offset())
        .fetch_all(self.database.readers())
        .await?;
        Ok(rows)
    }

    /// Gives a dead letter, or an uncertain message, another round of attempts, as it is or edited.
    pub async fn replay(
        &self,
        queue: Queue,
        id: i64,
        edited: Option<Value>,
    ) -> Result<(), BusError> {
        let (now, edited) = (self.clock.now(), edited.map(|value| value.to_string()));
        self.change(&[queue], move |connection| {
            let sql = match queue {
                Queue::Inbox => {
                    let held = inbox_steps::Held::load(connection, id)?;
                    held.only_put_aside(InboxState::Pending)?;
                    held.step(connection, &inbox_steps::Step::replay(&held, now))?;
                    "UPDATE inbox SET payload = coalesce(?1, payload),
                         checkpoint = iif(?1 IS NULL, checkpoint, NULL),
                         reason = NULL, put_aside_at = NULL, replayed_at = ?3
                     WHERE id = ?2"
                }
                Queue::Outbox => {
                    let held = outbox_steps::Held::load(connection, id)?;
                    held.only_put_aside(OutboxState::Pending)?;
                    held.step(connection, &outbox_steps::Step::replay(&held, now))?;
                    "UPDATE outbox SET payload = coalesce(?1, payload),
                         reason = NULL, put_aside_at = NULL, replayed_at = ?3
                     WHERE id = ?2"
                }
            };
            connection.prepare_cached(sql)?.execute(params![edited, id, now])?;
            Ok(())
        })
        .await
    }

    /// Ends a message that is not being worked on.
    pub async fn drop_row(&self, queue: Queue, id: i64) -> Result<(), BusError> {
        let now = self.clock.now();
        self.change(&[queue], move |connection| match queue {
            Queue::Inbox => {
                let held = inbox_steps::Held::load(connection, id)?;
                held.step(connection, &inbox_steps::Step::drop(&held, now))
            }
            Queue::Outbox => {
                let held = outbox_steps::Held::load(connection, id)?;
                held.step(connection, &outbox_steps::Step::drop(&held, now))
            }
        })
        .await
    }

    /// Ends what waits in a conversation that is being deleted, and says how many messages that
    /// were. A turn that is running is not among them: stop it, and what follows finds no chat.
    pub async fn drop_conversation(&self, conversation_key: &str) -> Result<usize, BusError> {
        let (now, key) = (self.clock.now(), conversation_key.to_owned());
        self.change(&[Queue::Inbox], move |connection| {
            let waiting: Vec<i64> = connection
                .prepare_cached(
                    "SELECT id FROM inbox WHERE conversation_key = ? AND state = 'pending'",
                )?
                .query_map([&key], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            for id in &waiting {
                let held = inbox_steps::Held::load(connection, *id)?;
                held.step(connection, &inbox_steps::Step::drop(&held, now))?;
            }
            Ok(waiting.len())
        })
        .await
    }

    /// How much there is in each queue, by platform and state.
    pub async fn depths(&self) -> Result<Vec<Depth>, BusError> {
        let read = |queue, sql| async move {
            let rows: Vec<(String, String, i64)> =
                sqlx::query_as(sql).fetch_all(self.database.readers()).await?;
            let depth =
                move |(platform_id, state, count)| Depth { queue, platform_id, state, count };
            Ok::<_, BusError>(rows.into_iter().map(depth))
        };
        let inbox = read(
            Queue::Inbox,
            "SELECT platform_id, state, count(*) FROM inbox WHERE state IN ('pending', 'leased')
             GROUP BY 1, 2
             UNION ALL
             SELECT platform_id, state, count(*) FROM inbox WHERE state = 'dead' GROUP BY 1, 2",
        )
        .await?;
        let outbox = read(
            Queue::Outbox,
            "SELECT platform_id, state, count(*) FROM outbox WHERE state IN ('pending', 'leased')
             GROUP BY 1, 2
             UNION ALL
             SELECT platform_id, state, count(*) FROM outbox WHERE state = 'uncertain' GROUP BY 1, 2
             UNION ALL
             SELECT platform_id, state, count(*) FROM outbox WHERE state = 'dead' GROUP BY 1, 2",
        )
        .await?;
        Ok(inbox.chain(outbox).collect())
    }

    /// Removes one batch of what has been kept long enough. Repeat until it removes nothing; small
    /// batches let other writers in between.
    pub async fn purge(&self) -> Result<Purged, BusError> {
        let batch = self.settings.purge_batch;
        let finished = self.clock.now() - millis(self.settings.keep_finished);
        let keys = self.clock.now() - millis(self.settings.keep_keys);
        self.change(&[], move |connection| {
            let mut removed = [0_usize; 3];
            let statements = [
                (
                    "DELETE FROM inbox WHERE id IN (
                         SELECT id FROM inbox WHERE state IN ('done', 'dropped')
                             AND finished_at < ? ORDER BY finished_at LIMIT ?)",
                    finished,
                ),
                (
                    "DELETE FROM outbox WHERE id IN (
                         SELECT id FROM outbox WHERE state IN ('sent', 'dropped')
                             AND finished_at < ? ORDER BY finished_at LIMIT ?)",
                    finished,
                ),
                (
                    "DELETE FROM inbox_keys WHERE (platform_id, platform_message_id) IN (
                         SELECT platform_id, platform_message_id FROM inbox_keys
                         WHERE accepted_at < ? AND NOT EXISTS (
                             SELECT 1 FROM inbox WHERE inbox.id = inbox_keys.inbox_id)
                         ORDER BY accepted_at LIMIT ?)",
                    keys,
                ),
            ];
            for (count, (sql, before)) in removed.iter_mut().zip(statements) {
                *count = connection.prepare_cached(sql)?.execute(params![before, batch])?;
            }
            let [inbox, outbox, keys] = removed.map(|count| count as u64);
            Ok(Purged { inbox, outbox, keys })
        })
        .await
    }
}
