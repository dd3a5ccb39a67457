//! What can be done with messages that were put aside. HTTP and the command line do the same.

use std::time::Duration;

use firstlight_core::bus::{
    Bus, BusError, Letter, LetterFilter, LetterState, LetterSummary, OutboxState, Queue, Reason,
};
use firstlight_core::db::Page;
use firstlight_core::model::{MessageEvent, Outgoing};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What is asked of the dead letters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Asked {
    /// A page of them.
    List { filter: LetterFilter, page: u32, page_size: u32 },
    /// One, whole.
    Show { queue: Queue, id: i64 },
    /// Another round of attempts, with another content if there is one.
    Replay { queue: Queue, id: i64, payload: Option<Value> },
    /// An uncertain message was sent.
    Confirm { id: i64 },
    /// No more of one.
    Drop { queue: Queue, id: i64 },
    /// No more of all that were put aside longer ago than that.
    Purge { filter: LetterFilter, older_than_seconds: u64 },
}

/// A page of dead letters.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "DeadLetterList")]
pub struct List {
    pub letters: Vec<Listed>,
    pub total: i64,
    pub page: u32,
    pub page_size: u32,
}

/// A dead letter in the list.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ListedDeadLetter")]
pub struct Listed {
    pub queue: Queue,
    pub id: i64,
    pub platform_id: String,
    /// The session key.
    pub session: String,
    pub state: LetterState,
    /// A code; see the documents of the bus.
    pub reason: Option<Reason>,
    /// The reason for people.
    pub error: Option<String>,
    pub attempts: u32,
    /// When it was accepted or queued.
    pub created_at: String,
    /// Since when it is put aside.
    pub put_aside_at: Option<String>,
    /// How its text begins.
    pub excerpt: String,
}

/// A dead letter, whole.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "DeadLetter")]
pub struct Shown {
    pub queue: Queue,
    pub id: i64,
    pub platform_id: String,
    /// The session key.
    pub session: String,
    pub state: LetterState,
    /// A code; see the documents of the bus.
    pub reason: Option<Reason>,
    /// The reason for people.
    pub error: Option<String>,
    pub attempts: u32,
    /// When it was accepted or queued.
    pub created_at: String,
    /// Since when it is put aside.
    pub put_aside_at: Option<String>,
    /// The received message that it answers.
    pub inbox_id: Option<i64>,
    /// The message, in the form that a replay takes.
    pub payload: Value,
}

/// How many were dropped.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "DeadLettersPurged")]
pub struct Purged {
    pub purged: u64,
}

/// Why it could not be done.
#[derive(Debug, thiserror::Error)]
pub enum LetterError {
    /// The bus would not.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The new content cannot be read as a message.
    #[error("the new content is no message: {0}")]
    Unreadable(#[source] serde_json::Error),
    /// An edit may change what is said, not where.
    #[error("the new content belongs to another session than the message")]
    Elsewhere,
}

/// Does what is asked, on behalf of that person or command.
pub async fn obey(bus: &Bus, asked: Asked, by: &str) -> Result<Value, LetterError> {
    Ok(match asked {
        Asked::List { filter, page, page_size } => {
            json!(list(bus, &filter, Page { number: page, size: page_size }).await?)
        }
        Asked::Show { queue, id } => json!(show(bus, queue, id).await?),
        Asked::Replay { queue, id, payload } => {
            replay(bus, queue, id, payload, by).await?;
            Value::Null
        }
        Asked::Confirm { id } => {
            confirm(bus, id, by).await?;
            Value::Null
        }
        Asked::Drop { queue, id } => {
            discard(bus, queue, id, by).await?;
            Value::Null
        }
        Asked::Purge { filter, older_than_seconds } => {
            json!(purge(bus, &filter, Duration::from_secs(older_than_seconds), by).await?)
        }
    })
}

/// A page of what is put aside.
pub async fn list(bus: &Bus, of: &LetterFilter, page: Page) -> Result<List, LetterError> {
    let found = bus.letters(of, page).await?;
    Ok(List {
        letters: found.letters.into_iter().map(Listed::of).collect(),
        total: found.total,
        page: page.number,
        page_size: page.size,
    })
}

/// One message that is put aside.
pub async fn show(bus: &Bus, queue: Queue, id: i64) -> Result<Shown, LetterError> {
    Ok(Shown::of(bus.letter(queue, id).await?))
}

/// Gives a message another round of attempts, as it is or edited.
pub async fn replay(
    bus: &Bus,
    queue: Queue,
    id: i64,
    payload: Option<Value>,
    by: &str,
) -> Result<(), LetterError> {
    let edited = payload.is_some();
    if let Some(payload) = &payload {
        match bus.letter(queue, id).await? {
            Letter::Inbox(row) => {
                let event = MessageEvent::deserialize(payload).map_err(LetterError::Unreadable)?;
                let address = event.address.map(|address| address.to_string());
                same_place(&row.payload, &event.session.to_string(), address.as_deref())?;
            }
            Letter::Outbox(row) => {
                let message = Outgoing::deserialize(payload).map_err(LetterError::Unreadable)?;
                same_place(&row.payload, &message.session.to_string(), None)?;
            }
        }
    }
    bus.replay(queue, id, payload).await?;
    tracing::info!(%queue, id, edited, by, "a dead letter is on its way again");
    Ok(())
}

/// Notes that an uncertain message was sent.
pub async fn confirm(bus: &Bus, id: i64, by: &str) -> Result<(), LetterError> {
    bus.confirm_sent(id).await?;
    tracing::info!(id, by, "an uncertain message was confirmed as sent");
    Ok(())
}

/// Ends a message that is put aside.
pub async fn discard(bus: &Bus, queue: Queue, id: i64, by: &str) -> Result<(), LetterError> {
    let letter = Shown::of(bus.letter(queue, id).await?);
    bus.drop_row(queue, id).await?;
    let reason = letter.reason.map(Reason::as_str);
    tracing::info!(%queue, id, session = letter.session, reason, by, "a dead letter was dropped");
    Ok(())
}

/// Ends everything that was put aside longer ago than that.
pub async fn purge(
    bus: &Bus,
    of: &LetterFilter,
    older_than: Duration,
    by: &str,
) -> Result<Purged, LetterError> {
    let purged = bus.clear_letters(of, older_than).await?;
    tracing::info!(purged, ?of, ?older_than, by, "dead letters were dropped by age");
    Ok(Purged { purged })
}

/// A row whose own content cannot be read may become anything.
fn same_place(before: &Value, session: &str, address: Option<&str>) -> Result<(), LetterError> {
    let text = |member| before.get(member).and_then(Value::as_str);
    match text("session") {
        Some(known) if known != session || text("address") != address => {
            Err(LetterError::Elsewhere)
        }
        _ => Ok(()),
    }
}

fn utc(milliseconds: i64) -> String {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

impl Listed {
    fn of(letter: LetterSummary) -> Self {
        Self {
            queue: letter.queue,
            id: letter.id,
            platform_id: letter.platform_id,
            session: letter.session_key,
            state: letter.state,
            reason: letter.reason,
            error: letter.error,
            attempts: letter.attempts,
            created_at: utc(letter.created_at),
            put_aside_at: letter.put_aside_at.map(utc),
            excerpt: letter.excerpt,
        }
    }
}

impl Shown {
    fn of(letter: Letter) -> Self {
        match letter {
            Letter::Inbox(row) => Self {
                queue: Queue::Inbox,
                id: row.id,
                platform_id: row.platform_id,
                session: row.conversation_key,
                state: LetterState::Dead,
                reason: row.reason,
                error: row.error,
                attempts: row.attempts,
                created_at: utc(row.accepted_at),
                put_aside_at: row.put_aside_at.map(utc),
                inbox_id: None,
                payload: row.payload,
            },
            Letter::Outbox(row) => Self {
                queue: Queue::Outbox,
                id: row.id,
                platform_id: row.platform_id,
                session: row.session_key,
                state: match row.state {
                    OutboxState::Uncertain => LetterState::Uncertain,
                    _ => LetterState::Dead,
                },
                reason: row.reason,
                error: row.error,
                attempts: row.attempts,
                created_at: utc(row.created_at),
                put_aside_at: row.put_aside_at.map(utc),
                inbox_id: row.inbox_id,
                payload: row.payload,
            },
        }
    }
}
