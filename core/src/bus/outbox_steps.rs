//! How a row of the outbox moves: one statement, which asks the table of states first.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::reason::PutAside;
use super::{BusError, BusSettings, Epoch, OutboxState, Queue, Reason, Recovered};

/// Whether the platform has as many unsent messages as it may.
pub(super) fn is_full(
    connection: &Connection,
    platform_id: &str,
    bound: u32,
) -> Result<bool, BusError> {
    let full = connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM bus_depths
                 WHERE queue = 'outbox' AND platform_id = ? AND unfinished >= ?)",
        )?
        .query_row(params![platform_id, bound], |row| row.get(0))?;
    Ok(full)
}

/// What a step wants to know of a row.
macro_rules! held {
    () => {
        "SELECT id, platform_id, session_key, resend_safe, state, attempts,
     available_at, lease_epoch
         FROM outbox"
    };
}

/// A row as a step finds it.
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
    pub(super) fn load(connection: &Connection, id: i64) -> Result<Self, BusError> {
        let held = connection
            .prepare_cached(concat!(held!(), " WHERE id = ?"))?
            .query_row([id], Self::read)
            .optional()?;
        held.ok_or(BusError::NoSuchRow { queue: Queue::Outbox, id })
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            platform_id: row.get(1)?,
            session_key: row.get(2)?,
            resend_safe: row.get(3)?,
            state: row.get(4)?,
            attempts: row.get(5)?,
            available_at: row.get(6)?,
            lease_epoch: row.get(7)?,
        })
    }

    /// How many unsent messages its platform has.
    pub(super) fn unsent_of_platform(&self, connection: &Connection) -> Result<u32, BusError> {
        let unsent = connection
            .prepare_cached(
                "SELECT unfinished FROM bus_depths WHERE queue = 'outbox' AND platform_id = ?",
            )?
            .query_row([&self.platform_id], |row| row.get(0))?;
        Ok(unsent)
    }

    /// The row waits no more: the next of its session may go.
    pub(super) fn promote_next(&self, connection: &Connection) -> Result<bool, BusError> {
        promote(connection, &self.platform_id, &self.session_key)
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
    pub(super) fn step(&self, connection: &Connection, step: &Step) -> Result<(), BusError> {
        check(self.id, self.state, step.to)?;
        let stays_head = self.state == OutboxState::Leased && step.to == OutboxState::Pending;
        connection
            .prepare_cached(
                "UPDATE outbox SET state = ?, head = ?, attempts = ?, available_at = ?,
                     error = coalesce(?, error), finished_at = ?, lease_epoch = NULL
                 WHERE id = ?",
            )?
            .execute(params![
                step.to,
                stays_head,
                step.attempts,
                step.available_at,
                step.error,
                step.finished_at,
                self.id,
            ])?;
        if let Some(PutAside { reason, at }) = step.put_aside {
            connection
                .prepare_cached("UPDATE outbox SET reason = ?, put_aside_at = ? WHERE id = ?")?
                .execute(params![reason, at, self.id])?;
        }
        if !stays_head {
            self.promote_next(connection)?;
        }
        Ok(())
    }
}

/// Makes the oldest unsent message of a session its head, unless there is one. Answers whether it
/// did.
pub(super) fn promote(
    connection: &Connection,
    platform_id: &str,
    session_key: &str,
) -> Result<bool, BusError> {
    let promoted = connection
        .prepare_cached(
            "UPDATE OR FAIL outbox SET head = 1 WHERE id = (
                 SELECT id FROM outbox
                 WHERE platform_id = ?1 AND session_key = ?2 AND state IN ('pending', 'leased')
                 ORDER BY id LIMIT 1)
             AND NOT EXISTS (
                 SELECT 1 FROM outbox WHERE platform_id = ?1 AND session_key = ?2 AND head = 1)",
        )?
        .execute([platform_id, session_key])?;
    Ok(promoted > 0)
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
pub(super) fn leased(connection: &Connection, id: i64, epoch: Epoch) -> Result<Held, BusError> {
    let held = Held::load(connection, id)?;
    held.is_leased_to(epoch)?;
    Ok(held)
}

/// Takes back leases: of one owner that lets go, or of all owners there were.
///
/// Nobody knows how far the sending of these got. Where sending twice does no harm they are sent
/// again, else they are put aside as uncertain.
pub(super) fn recover(
    connection: &Connection,
    let_go: Option<Epoch>,
    settings: &BusSettings,
    now: i64,
    recovered: &mut Recovered,
) -> Result<(), BusError> {
    let leases: Vec<Held> = connection
        .prepare(concat!(
            held!(),
            " WHERE state IN ('pending', 'leased') AND lease_epoch = coalesce(?, lease_epoch)"
        ))?
        .query_map([let_go.map(|epoch| epoch.0)], Held::read)?
        .collect::<rusqlite::Result<_>>()?;
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
        held.step(connection, &step)?;
    }
    Ok(())
}
