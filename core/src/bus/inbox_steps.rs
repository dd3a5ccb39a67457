//! How a row of the inbox moves: one statement, which asks the table of states first.

use sqlx::SqliteConnection;
use sqlx::types::Json;

use super::reason::PutAside;
use super::{
    Accepted, Bus, BusError, BusSettings, Epoch, InboxState, NewInbox, Queue, Reason, Recovered,
};

pub(super) async fn insert(
    connection: &mut SqliteConnection,
    new: NewInbox,
    bound: u32,
    now: i64,
) -> Result<Accepted, BusError> {
    let known = sqlx::query_scalar(
        "SELECT inbox_id FROM inbox_keys WHERE platform_id = ? AND platform_message_id = ?",
    )
    .bind(new.platform_id.clone())
    .bind(new.platform_message_id.clone())
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(id) = known {
        return Ok(Accepted::Duplicate(id));
    }
    let unfinished: Option<u32> = sqlx::query_scalar(
        "SELECT unfinished FROM bus_depths WHERE queue = 'inbox' AND platform_id = ?",
    )
    .bind(new.platform_id.clone())
    .fetch_optional(&mut *connection)
    .await?;
    if unfinished.unwrap_or(0) >= bound {
        return Ok(Accepted::Full);
    }
    let id = sqlx::query_scalar(
        "INSERT INTO inbox (platform_id, platform_message_id, conversation_key, payload, state,
             head, available_at, received_at, accepted_at)
         VALUES (?1, ?2, ?3, ?4, 'pending',
             NOT EXISTS (SELECT 1 FROM inbox WHERE conversation_key = ?3 AND head = 1),
             ?5, ?6, ?5)
         RETURNING id",
    )
    .bind(new.platform_id.clone())
    .bind(new.platform_message_id.clone())
    .bind(new.conversation_key)
    .bind(Json(new.payload))
    .bind(now)
    .bind(new.received_at)
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query("INSERT INTO inbox_keys VALUES (?, ?, ?, ?)")
        .bind(new.platform_id)
        .bind(new.platform_message_id)
        .bind(id)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(Accepted::New(id))
}

/// A row as a step finds it.
#[derive(sqlx::FromRow)]
pub(super) struct Held {
    id: i64,
    conversation_key: String,
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

    /// Refuses rows that are being worked on: only their owner may take these back.
    pub(super) fn only_put_aside(&self, to: InboxState) -> Result<(), BusError> {
        if self.state.is_unfinished() {
            let (from, to) = (self.state.as_str(), to.as_str());
            return Err(BusError::Refused { queue: Queue::Inbox, id: self.id, from, to });
        }
        Ok(())
    }

    /// The only statement that moves a row from one state to another; leasing is its bulk form.
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
            promote(connection, &self.conversation_key).await?;
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

/// Makes the oldest unfinished message of a conversation its head, unless there is one.
async fn promote(connection: &mut SqliteConnection, key: &str) -> Result<(), BusError> {
    sqlx::query(
        "UPDATE inbox SET head = 1
         WHERE id = (SELECT id FROM inbox
                 WHERE conversation_key = ?1 AND state IN ('pending', 'leased')
                 ORDER BY id LIMIT 1)
             AND NOT EXISTS (SELECT 1 FROM inbox WHERE conversation_key = ?1 AND head = 1)",
    )
    .bind(key.to_owned())
    .execute(connection)
    .await?;
    Ok(())
}

/// The row, if it is leased to that owner.
pub(super) async fn leased(
    connection: &mut SqliteConnection,
    id: i64,
    epoch: Epoch,
) -> Result<Held, BusError> {
    let held = Held::load(connection, id).await?;
    if held.state == InboxState::Leased && held.lease_epoch == Some(epoch.0) {
        return Ok(held);
    }
    Err(BusError::LeaseLost { queue: Queue::Inbox, id })
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
