//! Session rules set and deleted for many sessions at once.

use serde_json::{Map, Value};
use sqlx::SqliteConnection;
use sqlx::types::Json;

use super::database::now;
use super::session_rule_lists::is_rule;
use super::{Database, DbError, Page, RuleKey, SessionFilter, SessionRules};
use crate::model::MessageKind;

/// How many sessions one job writes to, so that other writers get in between.
const WRITTEN_AT_ONCE: u32 = 500;

/// The sessions that a rule is set for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleTargets {
    /// These.
    Sessions(Vec<String>),
    /// All that have a conversation or a rule.
    Known,
    /// Those of one kind among them.
    KnownOfKind(MessageKind),
}

impl SessionRules {
    /// Forgets all rules of these sessions, and names those that had none.
    pub async fn delete(&self, umos: Vec<String>) -> Result<Vec<String>, DbError> {
        let mut without = Vec::new();
        for some in umos.chunks(WRITTEN_AT_ONCE as usize) {
            let some = some.to_vec();
            let job = write(self.database(), some, |connection, umos| {
                Box::pin(async move {
                    let deleted: Vec<String> = sqlx::query_scalar(concat!(
                        "DELETE FROM preferences WHERE ",
                        is_rule!(),
                        " AND scope_id IN (SELECT value FROM json_each(?)) RETURNING scope_id"
                    ))
                    .bind(Json(umos.clone()))
                    .fetch_all(connection)
                    .await?;
                    Ok(umos.into_iter().filter(|umo| !deleted.contains(umo)).collect::<Vec<_>>())
                })
            });
            without.extend(job.await?);
        }
        Ok(without)
    }

    /// Lays these members over the switches of each session, and says how many sessions that were.
    pub async fn set_switches(
        &self,
        targets: RuleTargets,
        switches: &Map<String, Value>,
    ) -> Result<u64, DbError> {
        let switches = Value::Object(switches.clone());
        self.for_each(targets, move |connection, umos| {
            let switches = Json(switches.clone());
            Box::pin(async move {
                let done = sqlx::query(
                    "INSERT INTO preferences (scope, scope_id, key, value, created_at, updated_at)
                     SELECT 'umo', each.value, 'session_service_config', ?2, ?3, ?3
                     FROM json_each(?1) AS each WHERE true
                     ON CONFLICT (scope, scope_id, key) DO UPDATE SET
                         value = json_patch(iif(json_type(preferences.value) = 'object',
                             preferences.value, '{}'), excluded.value),
                         updated_at = excluded.updated_at",
                )
                .bind(Json(umos))
                .bind(switches)
                .bind(now())
                .execute(connection)
                .await?;
                Ok(done.rows_affected())
            })
        })
        .await
    }

    /// Gives each session a value under a key, or takes it away, and says how many sessions that
    /// were.
    pub async fn set(
        &self,
        targets: RuleTargets,
        key: RuleKey,
        value: Option<Value>,
    ) -> Result<u64, DbError> {
        self.for_each(targets, move |connection, umos| {
            let (value, count) = (value.clone(), umos.len() as u64);
            Box::pin(async move {
                let sql = match value {
                    Some(_) => {
                        "INSERT INTO preferences
                             (scope, scope_id, key, value, created_at, updated_at)
                         SELECT 'umo', each.value, ?2, ?3, ?4, ?4
                         FROM json_each(?1) AS each WHERE true
                         ON CONFLICT (scope, scope_id, key) DO UPDATE SET
                             value = excluded.value, updated_at = excluded.updated_at"
                    }
                    None => {
                        "DELETE FROM preferences WHERE scope = 'umo' AND key = ?2
                             AND scope_id IN (SELECT value FROM json_each(?1))"
                    }
                };
                let statement = sqlx::query(sql).bind(Json(umos)).bind(key.as_str());
                let statement = match value {
                    Some(value) => statement.bind(Json(value)).bind(now()),
                    None => statement,
                };
                statement.execute(connection).await?;
                Ok(count)
            })
        })
        .await
    }

    async fn for_each<F>(&self, targets: RuleTargets, job: F) -> Result<u64, DbError>
    where
        F: for<'c> Fn(&'c mut SqliteConnection, Vec<String>) -> Written<'c, u64>
            + Clone
            + Send
            + 'static,
    {
        let mut count = 0;
        let kind = match targets {
            RuleTargets::Sessions(umos) => {
                for some in umos.chunks(WRITTEN_AT_ONCE as usize) {
                    count += write(self.database(), some.to_vec(), job.clone()).await?;
                }
                return Ok(count);
            }
            RuleTargets::Known => None,
            RuleTargets::KnownOfKind(kind) => Some(kind),
        };
        let filter = SessionFilter { kind, ..SessionFilter::default() };
        let page = Page { number: 1, size: WRITTEN_AT_ONCE };
        let mut after = None;
        loop {
            let some = self.known_keys(&filter, after.take(), page).await?;
            after = some.last().cloned();
            if after.is_none() {
                return Ok(count);
            }
            count += write(self.database(), some, job.clone()).await?;
        }
    }
}

type Written<'c, T> = futures_util::future::BoxFuture<'c, Result<T, DbError>>;

/// Writes to the rules of these sessions, and makes the memory of rules forget them.
async fn write<T, F>(database: &Database, umos: Vec<String>, job: F) -> Result<T, DbError>
where
    F: for<'c> FnOnce(&'c mut SqliteConnection, Vec<String>) -> Written<'c, T> + Send + 'static,
    T: Send + 'static,
{
    let (changed, memory) = (umos.clone(), database.clone());
    let forget = move |_: &T| {
        for umo in &changed {
            memory.rule_cache().forget("umo", umo);
        }
    };
    database.write_then(move |connection| job(connection, umos), forget).await
}
