//! What is put aside for the operator: dead letters and uncertain messages, of both queues.

use std::time::Duration;

use rusqlite::params;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::settings::millis;
use super::{
    Bus, BusError, InboxRow, InboxState, OutboxRow, OutboxState, Queue, Reason, inbox_steps,
    outbox_steps,
};
use crate::db::Page;

/// How a message can be put aside.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(rename_all = "snake_case")]
pub enum LetterState {
    /// Nothing more happens to it by itself.
    Dead,
    /// The platform may have it, or not.
    Uncertain,
}

/// Which messages. What is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterFilter {
    /// Of one queue.
    pub queue: Option<Queue>,
    /// In one state.
    pub state: Option<LetterState>,
    /// Of one platform.
    pub platform_id: Option<String>,
    /// Put aside for one reason.
    pub reason: Option<Reason>,
}

/// A message in the list.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LetterSummary {
    /// Which queue it is in.
    pub queue: Queue,
    /// Its number there.
    pub id: i64,
    /// Its platform.
    pub platform_id: String,
    /// Its conversation.
    pub session_key: String,
    /// How it is put aside.
    pub state: LetterState,
    /// Why.
    pub reason: Option<Reason>,
    /// Why, for people.
    pub error: Option<String>,
    /// How many attempts were begun.
    pub attempts: u32,
    /// When it was accepted or queued, in epoch milliseconds.
    pub created_at: i64,
    /// Since when it is put aside, in epoch milliseconds.
    pub put_aside_at: Option<i64>,
    /// How its text begins.
    pub excerpt: String,
}

/// One page of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterPage {
    /// The messages, the one put aside last first.
    pub letters: Vec<LetterSummary>,
    /// How many there are on all pages.
    pub total: i64,
}

/// A message that is put aside, whole.
#[derive(Debug, Clone, PartialEq)]
pub enum Letter {
    /// It was received.
    Inbox(InboxRow),
    /// It was to be sent.
    Outbox(OutboxRow),
}

/// Each state by its own index; the filter is ?1 to ?4.
macro_rules! put_aside {
    ($columns_in:literal, $columns_out:literal) => {
        concat!(
            "SELECT ",
            $columns_in,
            " FROM inbox WHERE state = 'dead'
                 AND ?1 IS NOT 'outbox' AND ?2 IS NOT 'uncertain'
                 AND (?3 IS NULL OR platform_id = ?3) AND (?4 IS NULL OR reason = ?4)
             UNION ALL
             SELECT ",
            $columns_out,
            " FROM outbox WHERE state = 'dead'
                 AND ?1 IS NOT 'inbox' AND ?2 IS NOT 'uncertain'
                 AND (?3 IS NULL OR platform_id = ?3) AND (?4 IS NULL OR reason = ?4)
             UNION ALL
             SELECT ",
            $columns_out,
            " FROM outbox WHERE state = 'uncertain'
                 AND ?1 IS NOT 'inbox' AND ?2 IS NOT 'dead'
                 AND (?3 IS NULL OR platform_id = ?3) AND (?4 IS NULL OR reason = ?4)"
        )
    };
}

pub(super) const LISTED: &str = concat!(
    put_aside!(
        "'inbox' AS queue, id, platform_id, conversation_key AS session_key, state, reason, error,
         attempts, accepted_at AS created_at, put_aside_at,
         substr(coalesce(payload ->> '$.text', (SELECT group_concat(atom, ' ')
             FROM json_tree(payload) WHERE key = 'text'), payload), 1, 200) AS excerpt",
        "'outbox', id, platform_id, session_key, state, reason, error, attempts, created_at,
         put_aside_at, substr(coalesce(payload ->> '$.text', (SELECT group_concat(atom, ' ')
             FROM json_tree(payload) WHERE key = 'text'), payload), 1, 200)"
    ),
    " ORDER BY put_aside_at DESC, queue, id DESC LIMIT ?5 OFFSET ?6"
);

const COUNTED: &str = concat!("SELECT count(*) FROM (", put_aside!("1", "1"), ")");

/// What was put aside before that was noted counts from its beginning.
macro_rules! clear {
    ($table:literal, $state:literal, $since:literal) => {
        concat!(
            "UPDATE ",
            $table,
            " SET state = 'dropped', finished_at = ?4 WHERE id IN (
                 SELECT id FROM ",
            $table,
            " WHERE state = '",
            $state,
            "'
                     AND (?1 IS NULL OR platform_id = ?1) AND (?2 IS NULL OR reason = ?2)
                     AND coalesce(put_aside_at, ",
            $since,
            ") < ?3
                 ORDER BY id LIMIT ?5)"
        )
    };
}

const CLEAR_INBOX: &str = clear!("inbox", "dead", "accepted_at");
const CLEAR_OUTBOX: &str = clear!("outbox", "dead", "created_at");
const CLEAR_UNCERTAIN: &str = clear!("outbox", "uncertain", "created_at");

impl Bus {
    /// What is put aside.
    pub async fn letters(&self, of: &LetterFilter, page: Page) -> Result<LetterPage, BusError> {
        let letters = sqlx::query_as(LISTED)
            .bind(of.queue)
            .bind(of.state)
            .bind(of.platform_id.clone())
            .bind(of.reason)
            .bind(page.size)
            .bind(page.offset())
            .fetch_all(self.database.readers())
            .await?;
        let total = sqlx::query_scalar(COUNTED)
            .bind(of.queue)
            .bind(of.state)
            .bind(of.platform_id.clone())
            .bind(of.reason)
            .fetch_one(self.database.readers())
            .await?;
        Ok(LetterPage { letters, total })
    }

    /// One message that is put aside. [`BusError::NoSuchRow`] when it is not, or not any more.
    pub async fn letter(&self, queue: Queue, id: i64) -> Result<Letter, BusError> {
        let found = match queue {
            Queue::Inbox => self
                .inbox_row(id)
                .await?
                .filter(|row| row.state == InboxState::Dead)
                .map(Letter::Inbox),
            Queue::Outbox => self
                .outbox_row(id)
                .await?
                .filter(|row| matches!(row.state, OutboxState::Dead | OutboxState::Uncertain))
                .map(Letter::Outbox),
        };
        found.ok_or(BusError::NoSuchRow { queue, id })
    }

    /// Drops what was put aside longer ago than that, in small batches, and says how much it was.
    pub async fn clear_letters(
        &self,
        of: &LetterFilter,
        older_than: Duration,
    ) -> Result<u64, BusError> {
        let before = self.clock.now().saturating_sub(millis(older_than));
        let shelves = [
            (Queue::Inbox, LetterState::Dead, CLEAR_INBOX),
            (Queue::Outbox, LetterState::Dead, CLEAR_OUTBOX),
            (Queue::Outbox, LetterState::Uncertain, CLEAR_UNCERTAIN),
        ];
        let mut cleared = 0;
        for (queue, state, sql) in shelves {
            if of.queue.is_none_or(|only| only == queue)
                && of.state.is_none_or(|only| only == state)
            {
                cleared += self.clear_shelf(sql, of, before).await?;
            }
        }
        Ok(cleared)
    }

    async fn clear_shelf(
        &self,
        sql: &'static str,
        of: &LetterFilter,
        before: i64,
    ) -> Result<u64, BusError> {
        inbox_steps::check(0, InboxState::Dead, InboxState::Dropped)?;
        outbox_steps::check(0, OutboxState::Dead, OutboxState::Dropped)?;
        outbox_steps::check(0, OutboxState::Uncertain, OutboxState::Dropped)?;
        let batch = self.settings.purge_batch;
        let mut cleared = 0;
        loop {
            let (of, now) = (of.clone(), self.clock.now());
            let clear = self.change(&[], move |connection| {
                let cleared = connection.prepare_cached(sql)?.execute(params![
                    of.platform_id,
                    of.reason,
                    before,
                    now,
                    batch
                ])?;
                Ok(cleared as u64)
            });
            let count = clear.await?;
            cleared += count;
            if count < u64::from(batch) {
                return Ok(cleared);
            }
        }
    }
}
