//! How a row of the outbox moves: one statement, which asks the table of states first.

use std::collections::{BTreeSet, HashMap};

use sqlx::SqliteConnection;
use sqlx::types::Json;

use super::reason::PutAside;
use super::{Bus, BusError, BusSettings, Epoch, OutboxState, Queue, Reason, Recovered};

/// The platforms that have as many unsent messages as they may.
pub(super) async fn full_platforms(
    connection: &mut SqliteConnection,
    bound: u32,
) -> Result<Vec<String>, BusError> {
    let full = sqlx::query_scalar(
        "SELECT platform_id FROM bus_depths WHERE queue = 'outbox' AND unfinished >= ?",
    )
    .bind(bound)
    .fetch_all(connection)
    .await?;
    Ok(full)
}

/// A row as a step finds it.
#[derive(sqlx::FromRow)]
pub(super) struct Held {
    id: i64,
    platform_id: String,
    session_key: String,
    resend_safe: bool,
    pub(super) state: OutboxState,
    pub(super) attempts: u32,
    available_at: i64,
    lease_epoch: Option<i64>,
}

/// A step to be made.
pub(super) struct Step {
    pub(super) to: OutboxState,
    pub(super) attempts: u32,
    pub(super) available_at: i64,
    pub(super) error: Option<String>,
    pub(super) finished_at: Option<i64>,
    pub(super) put_aside: Option<PutAside>,
}

impl Step {
    pub(super) fn to(to: OutboxState, held: &Held) -> Self {
        let Held { attempts, available_at, .. } = *held;
        Self { to, attempts, available_at, error: None, finished_at: None, put_aside: None }
    }

    /// To one of the states that wait for the operator.
    pub(super) fn aside(held: &Held, to: OutboxState, why: PutAside, error: String) -> Self {
        Self { error: Some(error), put_aside: Some(why), ..Self::to(to, held) }
    }

    pub(super) fn sent(held: &Held, now: i64) -> Self {
        Self { finished_at: Some(now), ..Self::to(OutboxState::Sent, held) }
    }

    pub(super) fn uncounted(held: &Held) -> Self {
        let attempts = held.attempts.saturating_sub(1);
        Self { attempts, ..Self::to(OutboxState::Pending, held) }
    }

    pub(super) fn not_before(self, time: Option<i64>) -> Self {
        Self { available_at: time.unwrap_or(self.available_at), ..self }
    }

    /// The operator wants another try.
    pub(super) fn replay(held: &Held, now: i64) -> Self {
        Self { attempts: 0, available_at: now, ..Self::to(OutboxState::Pending, held) }
    }

    /// The operator wants no more of it.
    pub(super) fn drop(held: &Held, now: i64) -> Self {
        Self { finished_at: Some(now), ..Self::to(OutboxState::Dropped, held) }
    }
}

impl Held {
    pub(super) async fn load(connection: &mut SqliteConnection, id: i64) -> Result<Self, BusError> {
        sqlx::query_as("SELECT * FROM outbox WHERE id = ?")
            .bind(id)
            .fetch_optional(connection)
            .await?
            .ok_or(BusError::NoSuchRow { queue: Queue::Outbox, id })
    }

    /// Its session, across platforms.
    pub(super) fn session(&self) -> (&str, &str) {
        (&self.platform_id, &self.session_key)
    }

    /// Refuses who does not hold the lease, or holds it no more.
    pub(super) fn is_leased_to(&self, epoch: Epoch) -> Result<(), BusError> {
        if self.state == OutboxState::Leased && self.lease_epoch == Some(epoch.0) {
            return Ok(());
        }
        Err(BusError::LeaseLost { queue: Queue::Outbox, id: self.id })
    }

    /// Refuses rows that are being worked on: only their owner may take these back.
    pub(super) fn only_put_aside(&self, to: OutboxState) -> Result<(), BusError> {
        if self.state.is_unfinished() {
            let (from, to) = (self.state.as_str(), to.as_str());
            return Err(BusError::Refused { queue: Queue::Outbox, id: self.id, from, to });
        }
        Ok(())
    }

    /// The only statement that moves a row from one state to another; leasing and sending have
    /// bulk forms of it.
    pub(super) async fn step(
        &self,
        connection: &mut SqliteConnection,
        step: Step,
    ) -> Result<(), BusError> {
        check(self.id, self.state, step.to)?;
        let stays_head = self.state == OutboxState::Leased && step.to == OutboxState::Pending;
        sqlx::query(
            "UPDATE outbox SET state = ?, head = ?, attempts = ?, available_at = ?,
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
            sqlx::query("UPDATE outbox SET reason = ?, put_aside_at = ? WHERE id = ?")
                .bind(reason)
                .bind(at)
                .bind(self.id)
                .execute(&mut *connection)
                .await?;
        }
        if !stays_head {
            promote_all(connection, BTreeSet::from([self.session()])).await?;
        }
        Ok(())
    }
}

/// Makes the oldest unsent message of each session its head, unless there is one.
pub(super) async fn promote_all(
    connection: &mut SqliteConnection,
    sessions: BTreeSet<(&str, &str)>,
) -> Result<(), BusError> {
    sqlx::query(
        "WITH ended (platform_id, session_key) AS (
             SELECT value ->> 0, value ->> 1 FROM json_each(?))
         UPDATE OR FAIL outbox SET head = 1 WHERE id IN (
             SELECT (SELECT id FROM outbox
                 WHERE platform_id = ended.platform_id AND session_key = ended.session_key
                     AND state IN ('pending', 'leased')
                 ORDER BY id LIMIT 1)
             FROM ended
             WHERE NOT EXISTS (SELECT 1 FROM outbox
                 WHERE platform_id = ended.platform_id AND session_key = ended.session_key
                     AND head = 1))",
    )
    .bind(Json(sessions))
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
        "SELECT id, platform_id, session_key, resend_safe, state, attempts, available_at,
             lease_epoch
         FROM outbox WHERE id IN (SELECT value FROM json_each(?))",
    )
    .bind(Json(ids.collect::<Vec<_>>()))
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// Whether the step exists.
pub(super) fn check(id: i64, from: OutboxState, to: OutboxState) -> Result<(), BusError> {
    if from.can_become(to) {
        return Ok(());
    }
    let (from, to) = (from.as_str(), to.as_str());
    Err(BusError::Refused { queue: Queue::Outbox, id, from, to })
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
///
/// Nobody knows how far the sending of these got. Where sending twice does no harm they are sent
/// again, else they are put aside as uncertain.
pub(super) async fn recover(
    connection: &mut SqliteConnection,
    let_go: Option<Epoch>,
    settings: &BusSettings,
    now: i64,
    recovered: &mut Recovered,
) -> Result<(), BusError> {
    let leases: Vec<Held> = sqlx::query_as(
        "SELECT * FROM outbox WHERE state = 'leased' AND lease_epoch = coalesce(?, lease_epoch)",
    )
    .bind(let_go.map(|epoch| epoch.0))
    .fetch_all(&mut *connection)
    .await?;
    for held in leases {
        let error = "the gateway ended while the message was being sent".to_owned();
        let crashed = PutAside { reason: Reason::Crashed, at: now };
        let step = if !held.resend_safe {
            recovered.uncertain += 1;
            Step::aside(&held, OutboxState::Uncertain, crashed, error)
        } else if let_go.is_some() {
            recovered.resends += 1;
            Step::uncounted(&held)
        } else if held.attempts >= settings.max_send_attempts {
            recovered.dead += 1;
            Step::aside(&held, OutboxState::Dead, crashed, error)
        } else {
            recovered.resends += 1;
            Step { available_at: now, ..Step::to(OutboxState::Pending, &held) }
        };
        held.step(connection, step).await?;
    }
    Ok(())
}

/// When the next message of the platform that nothing holds up may be sent.
pub(super) async fn next_due(bus: &Bus, platform_id: &str) -> Result<Option<i64>, BusError> {
    let due = sqlx::query_scalar(
        "SELECT min(available_at) FROM outbox
         WHERE platform_id = ? AND head = 1 AND state = 'pending'",
    )
    .bind(platform_id.to_owned())
    .fetch_one(bus.database.readers())
    .await?;
    Ok(due)
}
