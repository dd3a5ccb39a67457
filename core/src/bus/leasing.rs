//! Leasing: rows that are due and not held up, the oldest first.
//!
//! The limit is `0 + ?`, because SQLite prepares a statement with a bare parameter for its limit
//! again each time it is bound.

use futures_util::future::BoxFuture;
use sqlx::SqliteConnection;
use sqlx::types::Json;

use super::{BusError, Epoch, InboxRow, InboxState, OutboxRow, OutboxState};
use super::{inbox_steps, outbox_steps, stale};
use crate::db::{Bundled, Done};

/// Begins turns.
pub(super) struct LeaseInbox {
    pub(super) epoch: Epoch,
    pub(super) limit: u32,
    pub(super) max_unsent: u32,
    pub(super) now: i64,
}

/// Begins to send.
pub(super) struct LeaseOutbox {
    pub(super) epoch: Epoch,
    pub(super) platform_id: String,
    pub(super) limit: u32,
    pub(super) stale_before: Option<i64>,
    pub(super) now: i64,
}

impl Bundled for LeaseInbox {
    type Output = Vec<InboxRow>;
    type Error = BusError;
    const LAST: bool = true;

    fn done<'c>(
        jobs: &'c [Self],
        connection: &'c mut SqliteConnection,
    ) -> BoxFuture<'c, Result<Done<Self>, BusError>> {
        Box::pin(async move {
            let mut done = Vec::with_capacity(jobs.len());
            for job in jobs {
                done.push(job.lease(connection).await?);
            }
            Ok(done)
        })
    }
}

impl LeaseInbox {
    async fn lease(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<Result<Vec<InboxRow>, BusError>, BusError> {
        let (owner, full): (i64, Json<Vec<String>>) = sqlx::query_as(
            "SELECT epoch, (SELECT json_group_array(platform_id) FROM bus_depths
                 WHERE queue = 'outbox' AND unfinished >= ?)
             FROM bus_owner",
        )
        .bind(self.max_unsent)
        .fetch_one(&mut *connection)
        .await?;
        if let Err(superseded) = self.epoch.check(Epoch(owner)) {
            return Ok(Err(superseded));
        }
        inbox_steps::check(0, InboxState::Pending, InboxState::Leased)?;
        let mut rows: Vec<InboxRow> = sqlx::query_as(
            "UPDATE OR FAIL inbox SET state = 'leased', lease_epoch = ?1, attempts = attempts + 1
             WHERE id IN (
                 SELECT id FROM inbox
                 WHERE head = 1 AND state = 'pending' AND available_at <= ?2
                     AND platform_id NOT IN (SELECT value FROM json_each(?3))
                 ORDER BY available_at, id LIMIT 0 + ?4)
             RETURNING *",
        )
        .bind(self.epoch.0)
        .bind(self.now)
        .bind(full)
        .bind(self.limit)
        .fetch_all(connection)
        .await?;
        rows.sort_by_key(|row| (row.available_at, row.id));
        Ok(Ok(rows))
    }
}

impl Bundled for LeaseOutbox {
    type Output = Vec<OutboxRow>;
    type Error = BusError;
    const LAST: bool = true;

    fn done<'c>(
        jobs: &'c [Self],
        connection: &'c mut SqliteConnection,
    ) -> BoxFuture<'c, Result<Done<Self>, BusError>> {
        Box::pin(async move {
            let owner = sqlx::query_scalar("SELECT epoch FROM bus_owner");
            let owner = Epoch(owner.fetch_one(&mut *connection).await?);
            let mut done = Vec::with_capacity(jobs.len());
            for job in jobs {
                done.push(match job.epoch.check(owner) {
                    Ok(()) => Ok(job.lease(connection).await?),
                    Err(superseded) => Err(superseded),
                });
            }
            Ok(done)
        })
    }
}

impl LeaseOutbox {
    async fn lease(&self, connection: &mut SqliteConnection) -> Result<Vec<OutboxRow>, BusError> {
        let (platform, before, now) = (self.platform_id.as_str(), self.stale_before, self.now);
        let mut rows = self.lease_up_to(self.limit, connection).await?;
        if stale::put_aside(connection, platform, &mut rows, before, now).await? {
            let taken = u32::try_from(rows.len()).unwrap_or(self.limit);
            let room = self.limit.saturating_sub(taken);
            rows.extend(self.lease_up_to(room, connection).await?);
        }
        rows.sort_by_key(|row| (row.available_at, row.id));
        Ok(rows)
    }

    async fn lease_up_to(
        &self,
        limit: u32,
        connection: &mut SqliteConnection,
    ) -> Result<Vec<OutboxRow>, BusError> {
        outbox_steps::check(0, OutboxState::Pending, OutboxState::Leased)?;
        let rows = sqlx::query_as(
            "UPDATE OR FAIL outbox SET state = 'leased', lease_epoch = ?1, attempts = attempts + 1
             WHERE id IN (
                 SELECT id FROM outbox
                 WHERE platform_id = ?2 AND head = 1 AND state = 'pending'
                     AND available_at <= ?3
                 ORDER BY available_at, id LIMIT 0 + ?4)
             RETURNING *",
        )
        .bind(self.epoch.0)
        .bind(self.platform_id.clone())
        .bind(self.now)
        .bind(limit)
        .fetch_all(connection)
        .await?;
        Ok(rows)
    }
}
