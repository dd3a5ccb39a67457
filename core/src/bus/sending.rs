//! Sent: the platform has a message, and the next of its session may go.

use std::collections::{BTreeSet, HashSet};

use futures_util::future::BoxFuture;
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::outbox_steps::{self, check};
use super::{BusError, Epoch, OutboxState, Queue};
use crate::db::{Bundled, Done, slices, with_rows};

/// A message that the platform has, and what it answered.
pub(super) struct Sent {
    pub(super) id: i64,
    pub(super) epoch: Epoch,
    pub(super) receipt: Option<Value>,
    pub(super) now: i64,
}

impl Bundled for Sent {
    type Output = ();
    type Error = BusError;

    fn done<'c>(
        jobs: &'c [Self],
        connection: &'c mut SqliteConnection,
    ) -> BoxFuture<'c, Result<Done<Self>, BusError>> {
        Box::pin(async move {
            let held = outbox_steps::load_all(connection, jobs.iter().map(|job| job.id)).await?;
            let (mut ended, mut sent) = (HashSet::new(), Vec::with_capacity(jobs.len()));
            let mut sessions = BTreeSet::new();
            let mut done = Vec::with_capacity(jobs.len());
            for job in jobs {
                let queue = Queue::Outbox;
                let row = held.get(&job.id).ok_or(BusError::NoSuchRow { queue, id: job.id });
                match row.and_then(|held| held.is_leased_to(job.epoch).map(|()| held)) {
                    Ok(held) if ended.insert(job.id) => {
                        check(job.id, OutboxState::Leased, OutboxState::Sent)?;
                        sessions.insert(held.session());
                        sent.push(job);
                        done.push(Ok(()));
                    }
                    // Ended twice in one slice: the second finds the lease gone.
                    Ok(_) => done.push(Err(BusError::LeaseLost { queue, id: job.id })),
                    Err(error) => done.push(Err(error)),
                }
            }
            if !sent.is_empty() {
                end(connection, &sent).await?;
                outbox_steps::promote_all(connection, sessions).await?;
            }
            Ok(done)
        })
    }
}

/// The bulk form of the step from leased to sent.
async fn end(connection: &mut SqliteConnection, sent: &[&Sent]) -> Result<(), BusError> {
    for slice in slices(sent) {
        let sql = with_rows(
            "WITH sent (id, receipt, at) AS (VALUES {rows})
             UPDATE OR FAIL outbox SET state = 'sent', head = 0, receipt = sent.receipt,
                 finished_at = sent.at, lease_epoch = NULL
             FROM sent WHERE outbox.id = sent.id",
            "(?, ?, ?)",
            slice.len(),
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for job in slice {
            query = query.bind(job.id).bind(job.receipt.as_ref().map(Json)).bind(job.now);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}
