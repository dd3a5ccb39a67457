//! What the database says, read from a copy, so that the process finds it as it was left.

use std::path::Path;

use anyhow::{Context as _, Result};
use firstlight_core::bus::{InboxState, OutboxState};
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};
use tempfile::TempDir;

use super::mark;

/// A message that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) id: i64,
    pub(super) mark: Option<u64>,
    pub(super) state: InboxState,
}

/// A message that was to be sent in answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outgoing {
    pub(super) inbox_id: Option<i64>,
    pub(super) state: OutboxState,
    /// The number that the far side gave it.
    pub(super) receipt: Option<i64>,
}

/// Where things stand at the moment of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Depth {
    /// Messages that have no answer yet.
    pub(super) unanswered: usize,
    /// Answers that wait to be sent.
    pub(super) unsent: usize,
    /// Answers that are being sent.
    pub(super) in_flight: usize,
}

/// A copy of a database.
pub(super) struct Copy {
    connection: SqliteConnection,
    _folder: TempDir,
}

impl Copy {
    /// Copies the database of a process that has ended.
    pub(super) async fn of(database: &Path) -> Result<Self> {
        let folder = TempDir::with_prefix("firstlight-copy-")?;
        let copy = folder.path().join("copy.db");
        std::fs::copy(database, &copy)?;
        let wal = |path: &Path| path.with_extension("db-wal");
        if wal(database).exists() {
            std::fs::copy(wal(database), wal(&copy))?;
        }
        let connection = SqliteConnectOptions::new().filename(&copy).connect().await?;
        Ok(Self { connection, _folder: folder })
    }

    pub(super) async fn depth(&mut self) -> Result<Depth> {
        depth(&mut self.connection).await
    }

    pub(super) async fn received(&mut self) -> Result<Vec<Received>> {
        let rows: Vec<(i64, InboxState, String)> =
            sqlx::query_as("SELECT id, state, payload FROM inbox ORDER BY id")
                .fetch_all(&mut self.connection)
                .await?;
        let read = |(id, state, payload): (i64, InboxState, String)| Received {
            id,
            state,
            mark: mark::find(&payload),
        };
        Ok(rows.into_iter().map(read).collect())
    }

    pub(super) async fn outgoing(&mut self) -> Result<Vec<Outgoing>> {
        let rows: Vec<(Option<i64>, OutboxState, Option<String>)> =
            sqlx::query_as("SELECT inbox_id, state, receipt FROM outbox ORDER BY id")
                .fetch_all(&mut self.connection)
                .await?;
        let read = |(inbox_id, state, receipt): (Option<i64>, OutboxState, Option<String>)| {
            let receipt = receipt.as_deref().and_then(number);
            Outgoing { inbox_id, state, receipt }
        };
        Ok(rows.into_iter().map(read).collect())
    }
}

/// The depth of the database of a process that runs.
pub(super) async fn live_depth(database: &Path) -> Result<Depth> {
    let options = SqliteConnectOptions::new().filename(database).read_only(true);
    let mut connection = options.connect().await.context("reading beside the gateway")?;
    depth(&mut connection).await
}

async fn depth(connection: &mut SqliteConnection) -> Result<Depth> {
    let counts: (i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM inbox WHERE state IN ('pending', 'leased')),
                (SELECT count(*) FROM outbox WHERE state = 'pending'),
                (SELECT count(*) FROM outbox WHERE state = 'leased')",
    )
    .fetch_one(connection)
    .await?;
    let [unanswered, unsent, in_flight] =
        [counts.0, counts.1, counts.2].map(|count| usize::try_from(count).unwrap_or(0));
    Ok(Depth { unanswered, unsent, in_flight })
}

/// The message id of a receipt, which is a number or an answer with one in it.
fn number(receipt: &str) -> Option<i64> {
    let receipt: Value = serde_json::from_str(receipt).ok()?;
    let id = receipt.get("message_id").unwrap_or(&receipt);
    id.as_i64().or_else(|| id.as_str()?.parse().ok())
}
