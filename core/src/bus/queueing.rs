//! Queueing: messages that are to be sent become rows, behind what their sessions have already.

use std::collections::HashMap;

use sqlx::types::Json;
use sqlx::{AssertSqlSafe, SqliteConnection};
use uuid::Uuid;

use super::outbox_steps::promote_all;
use super::{BusError, NewOutbox, OutboxState};
use crate::db::{slices, with_rows};

/// A message that is to become a row.
pub(super) struct Draft<'a> {
    pub(super) new: &'a NewOutbox,
    pub(super) inbox_id: Option<i64>,
    pub(super) now: i64,
}

/// Stores messages and answers with their numbers, in the same order. A message whose key is there
/// already is that row.
pub(super) async fn insert_all(
    connection: &mut SqliteConnection,
    drafts: &[Draft<'_>],
) -> Result<Vec<i64>, BusError> {
    let mut ids = Vec::with_capacity(drafts.len());
    let sessions = drafts.iter().map(|draft| draft.new.session()).collect();
    for slice in slices(drafts) {
        let keys: Vec<String> = slice.iter().map(Draft::key).collect();
        let sql = with_rows(
            "INSERT OR FAIL INTO outbox (inbox_id, platform_id, session_key, idempotency_key,
                 resend_safe, payload, state, head, available_at, created_at)
             VALUES {rows}
             ON CONFLICT (idempotency_key) DO UPDATE SET attempts = attempts
             RETURNING idempotency_key, id",
            "(?, ?, ?, ?, ?, ?, ?, 0, ?, ?)",
            slice.len(),
        );
        let mut query = sqlx::query_as(AssertSqlSafe(sql));
        for (Draft { new, inbox_id, now }, key) in slice.iter().zip(&keys) {
            query = query
                .bind(inbox_id)
                .bind(new.platform_id.clone())
                .bind(new.session_key.clone())
                .bind(key.clone())
                .bind(new.resend_safe)
                .bind(Json(&new.payload))
                .bind(OutboxState::Pending)
                .bind(now)
                .bind(now);
        }
        let made: Vec<(String, i64)> = query.fetch_all(&mut *connection).await?;
        let made: HashMap<String, i64> = made.into_iter().collect();
        ids.extend(keys.iter().filter_map(|key| made.get(key)));
    }
    if !ids.is_empty() {
        promote_all(connection, sessions).await?;
    }
    Ok(ids)
}

impl Draft<'_> {
    fn key(&self) -> String {
        self.new.idempotency_key.clone().unwrap_or_else(|| Uuid::now_v7().to_string())
    }
}

impl NewOutbox {
    fn session(&self) -> (&str, &str) {
        (&self.platform_id, &self.session_key)
    }
}
