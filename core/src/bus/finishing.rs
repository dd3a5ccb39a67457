//! Finishing: a turn ends, and all that came of it is stored with it.

use std::collections::{BTreeSet, HashSet};

use futures_util::future::BoxFuture;
use sqlx::SqliteConnection;
use sqlx::types::Json;

use super::inbox_steps::{self, check};
use super::queueing::{Draft, insert_all};
use super::{BusError, Epoch, Finish, Finished, InboxState, Queue};
use crate::db::{Bundled, DbError, Done, append_turns, insert_history};
use crate::failpoint::Point;

/// A turn that ended.
pub(super) struct FinishTurn {
    pub(super) id: i64,
    pub(super) epoch: Epoch,
    pub(super) finish: Finish,
    pub(super) now: i64,
}

impl Bundled for FinishTurn {
    type Output = Finished;
    type Error = BusError;

    fn done<'c>(
        jobs: &'c [Self],
        connection: &'c mut SqliteConnection,
    ) -> BoxFuture<'c, Result<Done<Self>, BusError>> {
        Box::pin(async move {
            let held = inbox_steps::load_all(connection, jobs.iter().map(|job| job.id)).await?;
            let (mut ended, mut turns) = (HashSet::new(), Vec::with_capacity(jobs.len()));
            let mut conversations = BTreeSet::new();
            let mut refused = Vec::with_capacity(jobs.len());
            for job in jobs {
                let queue = Queue::Inbox;
                let row = held.get(&job.id).ok_or(BusError::NoSuchRow { queue, id: job.id });
                match row.and_then(|held| held.is_leased_to(job.epoch).map(|()| held)) {
                    Ok(held) if ended.insert(job.id) => {
                        check(job.id, InboxState::Leased, InboxState::Done)?;
                        conversations.insert(held.conversation_key.as_str());
                        turns.push(job);
                        refused.push(None);
                    }
                    // Ended twice in one slice: the second finds the lease gone.
                    Ok(_) => refused.push(Some(BusError::LeaseLost { queue, id: job.id })),
                    Err(error) => refused.push(Some(error)),
                }
            }
            let mut finished = Vec::new();
            if !turns.is_empty() {
                finished = store(connection, &turns).await?;
                end(connection, &turns).await?;
                inbox_steps::promote_all(connection, conversations).await?;
                for _ in &turns {
                    Point::FinishUncommitted.pass();
                }
            }
            let mut finished = finished.into_iter();
            let outcome = |refused: Option<BusError>| match refused {
                Some(error) => Err(error),
                None => finished.next().ok_or(BusError::Database(DbError::Closed)),
            };
            Ok(refused.into_iter().map(outcome).collect())
        })
    }
}

/// Stores what came of the turns, and answers with it, in the same order.
async fn store(
    connection: &mut SqliteConnection,
    turns: &[&FinishTurn],
) -> Result<Vec<Finished>, BusError> {
    let added = turns.iter().filter_map(|turn| turn.finish.turn.as_ref());
    let added = added.map(|turn| (turn.conversation_id.as_str(), turn.messages.as_slice()));
    append_turns(connection, &added.collect::<Vec<_>>()).await?;
    let drafts = turns.iter().flat_map(|turn| {
        let (inbox_id, now) = (Some(turn.id), turn.now);
        turn.finish.outbox.iter().map(move |new| Draft { new, inbox_id, now })
    });
    let drafts: Vec<Draft<'_>> = drafts.collect();
    let mut rows = insert_all(connection, &drafts).await?.into_iter();
    let mut finished = Vec::with_capacity(turns.len());
    for turn in turns {
        let mut history = Vec::with_capacity(turn.finish.history.len());
        for message in &turn.finish.history {
            history.push(insert_history(connection, message.clone()).await?);
        }
        let outbox = rows.by_ref().take(turn.finish.outbox.len()).collect();
        finished.push(Finished { history, outbox });
    }
    Ok(finished)
}

/// The bulk form of the step from leased to done.
async fn end(connection: &mut SqliteConnection, turns: &[&FinishTurn]) -> Result<(), BusError> {
    let ids: Vec<i64> = turns.iter().map(|turn| turn.id).collect();
    sqlx::query(
        "UPDATE OR FAIL inbox SET state = ?, head = 0, checkpoint = NULL, finished_at = ?,
             lease_epoch = NULL
         WHERE id IN (SELECT value FROM json_each(?))",
    )
    .bind(InboxState::Done)
    .bind(turns.iter().map(|turn| turn.now).max())
    .bind(Json(ids))
    .execute(connection)
    .await?;
    Ok(())
}
