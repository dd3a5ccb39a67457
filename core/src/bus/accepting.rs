//! Accepting: what was received becomes a row, once, within the bound of its platform.

use std::collections::{HashMap, HashSet};

use futures_util::future::BoxFuture;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::{Accepted, BusError, InboxState, NewInbox};
use crate::db::{Bundled, Done, HistoryRow, NewHistory, insert_history, slices, with_rows};
use crate::failpoint::Point;

/// Messages of one caller, to be accepted in their order, and what people see of a lone one.
pub(super) struct Accept {
    pub(super) messages: Vec<NewInbox>,
    pub(super) history: Vec<NewHistory>,
    pub(super) bound: u32,
    pub(super) now: i64,
}

/// What becomes of a message of a slice.
#[derive(Clone, Copy)]
enum Fate {
    Known(i64),
    Full,
    /// Stored, as the row of that place among the new ones.
    New(usize),
    /// The same as that new one, which is in the slice as well.
    Again(usize),
}

impl Bundled for Accept {
    type Output = (Vec<Accepted>, Vec<HistoryRow>);
    type Error = BusError;

    fn done<'c>(
        jobs: &'c [Self],
        connection: &'c mut SqliteConnection,
    ) -> BoxFuture<'c, Result<Done<Self>, BusError>> {
        Box::pin(async move {
            let offered: Vec<&NewInbox> = jobs.iter().flat_map(|job| &job.messages).collect();
            let seen = Seen::look(connection, &offered).await?;
            let (fates, new) = seen.decide(jobs);
            let ids = insert(connection, &new).await?;
            for _ in &new {
                Point::AcceptUncommitted.pass();
            }
            let accepted = |fate| match fate {
                Fate::Known(id) => Accepted::Duplicate(id),
                Fate::Full => Accepted::Full,
                Fate::Again(place) => Accepted::Duplicate(id_at(&ids, place)),
                Fate::New(place) => Accepted::New(id_at(&ids, place)),
            };
            let mut done = Vec::with_capacity(jobs.len());
            for (job, fates) in jobs.iter().zip(fates) {
                let accepted: Vec<Accepted> = fates.into_iter().map(accepted).collect();
                let mut shown = Vec::new();
                if let [Accepted::New(_)] = accepted[..] {
                    for message in &job.history {
                        shown.push(insert_history(connection, message.clone()).await?);
                    }
                }
                done.push(Ok((accepted, shown)));
            }
            Ok(done)
        })
    }
}

/// The number of the new row at that place; there is one for each.
fn id_at(ids: &[i64], place: usize) -> i64 {
    ids.get(place).copied().unwrap_or_default()
}

/// What is there already.
#[derive(Default)]
struct Seen {
    /// Offered messages that were accepted before, by platform and name.
    known: HashMap<(String, String), i64>,
    /// How many unfinished messages each platform has.
    unfinished: HashMap<String, u32>,
}

impl Seen {
    async fn look(
        connection: &mut SqliteConnection,
        offered: &[&NewInbox],
    ) -> Result<Self, BusError> {
        let mut seen = Self::default();
        for slice in slices(offered) {
            let sql = with_rows(
                "WITH offered (platform_id, name) AS (VALUES {rows})
                 SELECT inbox_keys.platform_id, inbox_keys.platform_message_id,
                     inbox_keys.inbox_id
                 FROM offered JOIN inbox_keys ON inbox_keys.platform_id = offered.platform_id
                     AND inbox_keys.platform_message_id = offered.name
                 UNION ALL
                 SELECT platform_id, NULL, unfinished FROM bus_depths WHERE queue = 'inbox'",
                "(?, ?)",
                slice.len(),
            );
            let mut query = sqlx::query_as(AssertSqlSafe(sql));
            for new in slice {
                query = query.bind(new.platform_id.clone()).bind(new.platform_message_id.clone());
            }
            let rows: Vec<(String, Option<String>, i64)> =
                query.fetch_all(&mut *connection).await?;
            for (platform, name, number) in rows {
                seen.note(platform, name, number);
            }
        }
        Ok(seen)
    }

    fn note(&mut self, platform: String, name: Option<String>, number: i64) {
        if let Some(name) = name {
            self.known.insert((platform, name), number);
        } else {
            let unfinished = u32::try_from(number).unwrap_or(u32::MAX);
            self.unfinished.insert(platform, unfinished);
        }
    }

    /// What becomes of each message, and those that are to be stored.
    fn decide(mut self, jobs: &[Accept]) -> (Vec<Vec<Fate>>, Vec<(&NewInbox, i64)>) {
        let mut places: HashMap<(&str, &str), usize> = HashMap::new();
        let mut new = Vec::new();
        let mut decided = Vec::with_capacity(jobs.len());
        for job in jobs {
            let mut fates = Vec::with_capacity(job.messages.len());
            for message in &job.messages {
                let NewInbox { platform_id, platform_message_id, .. } = message;
                let name = (platform_id.as_str(), platform_message_id.as_str());
                let known = self.known.get(&(platform_id.clone(), platform_message_id.clone()));
                let waiting = self.unfinished.entry(platform_id.clone()).or_default();
                fates.push(if let Some(Fate::Full) = fates.last() {
                    Fate::Full
                } else if let Some(id) = known {
                    Fate::Known(*id)
                } else if let Some(place) = places.get(&name) {
                    Fate::Again(*place)
                } else if *waiting >= job.bound {
                    Fate::Full
                } else {
                    *waiting += 1;
                    places.insert(name, new.len());
                    new.push((message, job.now));
                    Fate::New(new.len() - 1)
                });
            }
            decided.push(fates);
        }
        (decided, new)
    }
}

/// Stores new messages and answers with their numbers, in the same order.
async fn insert(
    connection: &mut SqliteConnection,
    new: &[(&NewInbox, i64)],
) -> Result<Vec<i64>, BusError> {
    let mut conversations = HashSet::with_capacity(new.len());
    let mut ids = Vec::with_capacity(new.len());
    for slice in slices(new) {
        let sql = with_rows(
            "INSERT OR FAIL INTO inbox (platform_id, platform_message_id, conversation_key, payload,
                 state, head, available_at, received_at, accepted_at)
             VALUES {rows} RETURNING id",
            "(?, ?, ?, ?, ?, ? AND NOT EXISTS (
                 SELECT 1 FROM inbox WHERE conversation_key = ? AND head = 1), ?, ?, ?)",
            slice.len(),
        );
        let mut query = sqlx::query_scalar(AssertSqlSafe(sql));
        for (new, now) in slice {
            let first = conversations.insert(new.conversation_key.as_str());
            query = query
                .bind(new.platform_id.clone())
                .bind(new.platform_message_id.clone())
                .bind(new.conversation_key.clone())
                .bind(Json(&new.payload))
                .bind(InboxState::Pending)
                .bind(first)
                .bind(new.conversation_key.clone())
                .bind(now)
                .bind(new.received_at)
                .bind(now);
        }
        let mut made: Vec<i64> = query.fetch_all(&mut *connection).await?;
        // Numbers ascend in the order of the rows; the order of what is returned is not promised.
        made.sort_unstable();
        remember(connection, slice, &made).await?;
        ids.extend(made);
    }
    Ok(ids)
}

/// Stores that these were accepted, so that a repetition is recognised.
async fn remember(
    connection: &mut SqliteConnection,
    new: &[(&NewInbox, i64)],
    ids: &[i64],
) -> Result<(), BusError> {
    let sql = with_rows("INSERT OR FAIL INTO inbox_keys VALUES {rows}", "(?, ?, ?, ?)", new.len());
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for ((new, now), id) in new.iter().zip(ids) {
        query = query
            .bind(new.platform_id.clone())
            .bind(new.platform_message_id.clone())
            .bind(id)
            .bind(now);
    }
    query.execute(connection).await?;
    Ok(())
}
