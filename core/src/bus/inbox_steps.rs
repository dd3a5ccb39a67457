//! How a row of the inbox moves: one statement, which asks the table of states first.

use std::collections::{BTreeSet, HashMap};

use sqlx::SqliteConnection;
use sqlx::types::Json;

use super::reason::PutAside;
use super::{Bus, BusError, BusSettings, Epoch, InboxState, Queue, Reason, Recovered};

/// A row as a step finds it.
#[derive(sqlx::FromRow)]
pub(super) struct Held {
    id: i64,
    pub(super) conversation_key: String,
    state: InboxState,
    pub(super) attempts: u32,
    available_at: i64,
    lease_epoch: Option<i64>,
}

/// A step to be made.
pub(super) struct Step {
    pub(super) to: InboxState,
    pub(super) attempts: u32,
    pub(super) available_at: i64,
    pub(super) error: Option<String>,
    pub(super) finished_at: Option<i64>,
    pub(super) put_aside: Option<PutAside>,
}

impl Step {
    pub(super) fn to(to: InboxState, held: &Held) -> Self {
        let Held { attempts, available_at, .. } = *held;
        Self { to, attempts, available_at, error: None, finished_at: None, put_aside: None }
    }

    pub(super) fn dead(held: &Held, why: PutAside, error: String) -> Self {
        let dead = Self::to(InboxState::Dead, held);
        Self { error: Some(error), put_aside: Some(why), ..dead }
    }

    pub(super) fn uncounted(held: &Held) -> Self {
        let attempts = held.attempts.saturating_sub(1);
        Self { attempts, ..Self::to(InboxState::Pending, held) }
    }

    /// The operator wants another try.
    pub(super) fn replay(held: &Held, now: i64) -> Self {
        Self { attempts: 0, available_at: now, ..Self::to(InboxState::Pending, held) }
    }

    /// The operator wants no more of it.
    pub(super) fn drop(held: &Held, now: i64) -> Self {
        Self { finished_at: Some(now), ..Self::to(InboxState::Dropped, held) }
    }
}

impl Held {
    pub(super) async fn load(connection: &mut SqliteConnection, id: i64) -> Result<Self, BusError> {
        sqlx::query_as(
            "SELECT id, conversation_key, state, attempts, available_at, lease_epoch
             FROM inbox WHERE id = ?",
        )
        .bind(id)
        .fetch_optional(connection)
        .await?
        .ok_or(BusError::NoSuchRow { queue: Queue::Inbox, id })
    }

    /// Refuses who does not hold the lease, or holds it no more.
    pub(super) fn is_leased_to(&self, epoch: Epoch) -> Result<(), BusError> {
        if self.state == InboxState::Leased && self.lease_epoch == Some(epoch.0) {
            return Ok(());
        }
        Err(BusError::LeaseLost { queue: Queue::Inbox, id: self.id })
    }

    /// Refuses rows that are being worked on: only their owner may take these back.
    pub(super) fn only_put_aside(&self, to: InboxState) -> Result<(), BusError> {
        if self.state.is_unfinished() {
            let (from, to) = (self.state.as_str(), to.as_str());
            return Err(BusError::Refused { queue: Queue::Inbox, id: self.id, from, to });
        }
        Ok(())
    }

    /// The only statement that moves a row from one state to another; leasing and finishing have
    /// bulk forms of it.
    pub(super) async fn step(
        &self,
        connection: &mut SqliteConnection,
        step: Step,
    ) -> Result<(), BusError> {
        check(self.id, self.state, step.to)?;
        let stays_head = self.state == InboxState::Leased && step.to == InboxState::Pending;
        sqlx::query(
            "UPDATE inbox SET state = ?, head = ?, attempts = ?, available_at = ?,
                 error = coalesce(?, error), finished_at = ?, lease_epoch = NULL
             WHERE id = ?",
        )
        .bind(step.to)
        .bind(stays_head)
        .bind(step.attempts)
        .bind(step.available_at)
        .bind(step.error)
        .bind(step.finished_at)
        .bind(self.id)
        .execute(&mut *connection)
        .await?;
        if let Some(PutAside { reason, at }) = step.put_aside {
            sqlx::query("UPDATE inbox SET reason = ?, put_aside_at = ? WHERE id = ?")
                .bind(reason)
                .bind(at)
                .bind(self.id)
                .execute(&mut *connection)
                .await?;
        }
        if !stays_head {
            promote_all(connection, BTreeSet::from([self.conversation_key.as_str()])).await?;
        }
        Ok(())
    }
}

/// Whether the step exists.
pub(super) fn check(id: i64, from: InboxState, to: InboxState) -> Result<(), BusError> {
    if from.can_become(to) {
        return Ok(());
    }
    let (from, to) = (from.as_str(), to.as_str());
    Err(BusError::Refused { queue: Queue::Inbox, id, from, to })
}

/// Makes the oldest unfinished message of each conversation its head, unless there is one.
pub(super) async fn promote_all(
    connection: &mut SqliteConnection,
    keys: BTreeSet<&str>,
) -> Result<(), BusError> {
    sqlx::query(
        "UPDATE OR FAIL inbox SET head = 1 WHERE id IN (
             SELECT (SELECT id FROM inbox
                 WHERE conversation_key = ended.value AND state IN ('pending', 'leased')
                 ORDER BY id LIMIT 1)
             FROM json_each(?) AS ended
             WHERE NOT EXISTS (
                 SELECT 1 FROM inbox WHERE conversation_key = ended.value AND head = 1))",
    )
    .bind(Json(keys))
    .execute(connection)
    .await?;
    Ok(())
}

/// The rows of these numbers, as far as they are there.
pub(super) async fn load_all(
    connection: &mut SqliteConnection,
    ids: impl Iterator<Item = i64>,
) -> Result<HashMap<i64, Held>, BusError> {
    let rows: Vec<Held> = sqlx::query_as(
        "SELECT id, conversation_key, state, attempts, available_at, lease_epoch
         FROM inbox WHERE id IN (SELECT value FROM json_each(?))",
    )
    .bind(Json(ids.collect::<Vec<_>>()))
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// The row, if it is leased to that owner.
pub(super) async fn leased(
    connection: &mut SqliteConnection,
    id: i64,
    epoch: Epoch,
) -> Result<Held, BusError> {
    let held = Held::load(connection, id).await?;
    held.is_leased_to(epoch)?;
    Ok(held)
}

/// Takes back leases: of one owner that lets go, or of all owners there were.
pub(super) async fn recover(
    connection: &mut SqliteConnection,
    let_go: Option<Epoch>,
    settings: &BusSettings,
    now: i64,
    recovered: &mut Recovered,
) -> Result<(), BusError> {
    let leases: Vec<Held> = sqlx::query_as(
        "SELECT id, conversation_key, state, attempts, available_at, lease_epoch
         FROM inbox WHERE state = 'leased' AND lease_epoch = coalesce(?, lease_epoch)",
    )
    .bind(let_go.map(|epoch| epoch.0))
    .fetch_all(&mut *connection)
    .await?;
    for held in leases {
        let step = if let_go.is_some() {
            Step::uncounted(&held)
        } else if held.attempts >= settings.max_turn_attempts {
            recovered.dead += 1;
            let error = format!("the process ended during attempt {}", held.attempts);
            Step::dead(&held, PutAside { reason: Reason::Crashed, at: now }, error)
        } else {
            Step { available_at: now, ..Step::to(InboxState::Pending, &held) }
        };
        if step.to == InboxState::Pending {
            recovered.turns += 1;
        }
        held.step(connection, step).await?;
    }
    Ok(())
}

/// When the next message that nothing holds up may be worked on.
pub(super) async fn next_due(bus: &Bus) -> Result<Option<i64>, BusError> {
    let due = sqlx::query_scalar(
        "SELECT min(available_at) FROM inbox WHERE head = 1 AND state = 'pending'",
    )
    .fetch_one(bus.database.readers())
    .await?;
    Ok(due)
}
