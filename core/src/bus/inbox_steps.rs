//! How a row of the inbox moves: one statement, which asks the table of states first.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::reason::PutAside;
use super::{BusError, BusSettings, Epoch, InboxState, Queue, Reason, Recovered};

/// What a step wants to know of a row.
macro_rules! held {
    () => {
        "SELECT id, conversation_key, state, attempts, available_at, lease_epoch
         FROM inbox"
    };
}

/// A row as a step finds it.
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
    pub(super) fn load(connection: &Connection, id: i64) -> Result<Self, BusError> {
        let held = connection
            .prepare_cached(concat!(held!(), " WHERE id = ?"))?
            .query_row([id], Self::read)
            .optional()?;
        held.ok_or(BusError::NoSuchRow { queue: Queue::Inbox, id })
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            conversation_key: row.get(1)?,
            state: row.get(2)?,
            attempts: row.get(3)?,
            available_at: row.get(4)?,
            lease_epoch: row.get(5)?,
        })
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
    pub(super) fn step(&self, connection: &Connection, step: &Step) -> Result<(), BusError> {
        check(self.id, self.state, step.to)?;
        let stays_head = self.state == InboxState::Leased && step.to == InboxState::Pending;
        connection
            .prepare_cached(
                "UPDATE inbox SET state = ?, head = ?, attempts = ?, available_at = ?,
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
                .prepare_cached("UPDATE inbox SET reason = ?, put_aside_at = ? WHERE id = ?")?
                .execute(params![reason, at, self.id])?;
        }
        if !stays_head {
            promote(connection, &self.conversation_key)?;
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

/// Makes the oldest unfinished message of a conversation its head, unless there is one. Answers
/// whether it did.
pub(super) fn promote(connection: &Connection, key: &str) -> Result<bool, BusError> {
    let promoted = connection
        .prepare_cached(
            "UPDATE OR FAIL inbox SET head = 1 WHERE id = (
                 SELECT id FROM inbox
                 WHERE conversation_key = ?1 AND state IN ('pending', 'leased')
                 ORDER BY id LIMIT 1)
             AND NOT EXISTS (SELECT 1 FROM inbox WHERE conversation_key = ?1 AND head = 1)",
        )?
        .execute([key])?;
    Ok(promoted > 0)
}

/// The row, if it is leased to that owner.
pub(super) fn leased(connection: &Connection, id: i64, epoch: Epoch) -> Result<Held, BusError> {
    let held = Held::load(connection, id)?;
    held.is_leased_to(epoch)?;
    Ok(held)
}

/// Takes back leases: of one owner that lets go, or of all owners there were.
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
        held.step(connection, &step)?;
    }
    Ok(())
}
