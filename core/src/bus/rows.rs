//! What goes into the bus and comes out of it.

use rusqlite::Row;
use serde_json::Value;

use super::{InboxState, OutboxState, Reason};
use crate::db::{HistoryRow, NewHistory, NewMessage, maybe_json};

/// A received message, to be accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct NewInbox {
    /// The platform it came from.
    pub platform_id: String,
    /// What the platform calls it; the same name again is a duplicate.
    pub platform_message_id: String,
    /// Messages with the same key are worked on one at a time, in the order of acceptance.
    pub conversation_key: String,
    /// The message.
    pub payload: Value,
    /// When the platform received it.
    pub received_at: i64,
}

/// What became of a message that was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It is stored and will be worked on.
    New(i64),
    /// It was accepted before, as this row (which may have been purged since).
    Duplicate(i64),
    /// The platform has too many unfinished messages. Nothing was stored: do not acknowledge.
    Full,
}

impl Accepted {
    /// Its name in metrics.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::New(_) => "new",
            Self::Duplicate(_) => "duplicate",
            Self::Full => "full",
        }
    }
}

/// A message of the inbox.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct InboxRow {
    /// Its number, ascending in the order of acceptance.
    pub id: i64,
    /// The platform it came from.
    pub platform_id: String,
    /// What the platform calls it.
    pub platform_message_id: String,
    /// The conversation it belongs to.
    pub conversation_key: String,
    /// The message.
    #[sqlx(json)]
    pub payload: Value,
    /// How far an earlier attempt got, if it said so.
    #[sqlx(json(nullable))]
    pub checkpoint: Option<Value>,
    /// Where it stands.
    pub state: InboxState,
    /// How many attempts were begun, this one included.
    pub attempts: u32,
    /// When it may be worked on.
    pub available_at: i64,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// When the platform received it.
    pub received_at: i64,
    /// When it was accepted.
    pub accepted_at: i64,
    /// When it was done or dropped.
    pub finished_at: Option<i64>,
    /// Why it is a dead letter.
    pub reason: Option<Reason>,
    /// Since when it is a dead letter.
    pub put_aside_at: Option<i64>,
    /// When the operator last sent it on its way again.
    pub replayed_at: Option<i64>,
}

impl InboxRow {
    /// Reads a leased row, and apart from it the payload, which is made into a value later.
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<(Self, String)> {
        let read = Self {
            id: row.get(0)?,
            platform_id: row.get(1)?,
            platform_message_id: row.get(2)?,
            conversation_key: row.get(3)?,
            payload: Value::Null,
            checkpoint: maybe_json(row, "checkpoint")?,
            state: row.get(6)?,
            attempts: row.get(7)?,
            available_at: row.get(8)?,
            error: row.get(9)?,
            received_at: row.get(10)?,
            accepted_at: row.get(11)?,
            finished_at: row.get(12)?,
            reason: row.get(13)?,
            put_aside_at: row.get(14)?,
            replayed_at: row.get(15)?,
        };
        Ok((read, row.get(4)?))
    }

    /// The row with its payload.
    pub(super) fn with_payload((row, payload): (Self, String)) -> Self {
        Self { payload: value_of(payload), ..row }
    }
}

/// A message to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct NewOutbox {
    /// The platform it goes to.
    pub platform_id: String,
    /// Messages with the same key are sent one at a time, in order.
    pub session_key: String,
    /// The message.
    pub payload: Value,
    /// Whether sending it twice does no harm, because the far side knows the idempotency key.
    pub resend_safe: bool,
    /// A key that stays the same when the same message is queued again, as a turn that is begun
    /// again after a crash does: a second row of the key is not stored. Absent, it gets a new one.
    pub idempotency_key: Option<String>,
}

/// What became of messages that were to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enqueued {
    /// They are stored, as these rows.
    Rows(Vec<i64>),
    /// One of their platforms has too many unsent messages. Nothing was stored.
    Full,
}

/// A message of the outbox.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct OutboxRow {
    /// Its number, ascending in the order of queueing.
    pub id: i64,
    /// The message it answers, if any.
    pub inbox_id: Option<i64>,
    /// The platform it goes to.
    pub platform_id: String,
    /// The session it goes to.
    pub session_key: String,
    /// The same for every attempt to send it.
    pub idempotency_key: String,
    /// Whether sending it twice does no harm.
    pub resend_safe: bool,
    /// The message.
    #[sqlx(json)]
    pub payload: Value,
    /// What the platform answered.
    #[sqlx(json(nullable))]
    pub receipt: Option<Value>,
    /// Where it stands.
    pub state: OutboxState,
    /// How many attempts were begun, this one included.
    pub attempts: u32,
    /// When it may be sent.
    pub available_at: i64,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// When it was queued.
    pub created_at: i64,
    /// When it was sent or dropped.
    pub finished_at: Option<i64>,
    /// Why it was put aside.
    pub reason: Option<Reason>,
    /// Since when it is put aside.
    pub put_aside_at: Option<i64>,
    /// When the operator last sent it on its way again.
    pub replayed_at: Option<i64>,
}

impl OutboxRow {
    /// Reads a leased row, and apart from it the payload, which is made into a value later.
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<(Self, String)> {
        let read = Self {
            id: row.get(0)?,
            inbox_id: row.get(1)?,
            platform_id: row.get(2)?,
            session_key: row.get(3)?,
            idempotency_key: row.get(4)?,
            resend_safe: row.get(5)?,
            payload: Value::Null,
            receipt: maybe_json(row, "receipt")?,
            state: row.get(8)?,
            attempts: row.get(9)?,
            available_at: row.get(10)?,
            error: row.get(11)?,
            created_at: row.get(12)?,
            finished_at: row.get(13)?,
            reason: row.get(14)?,
            put_aside_at: row.get(15)?,
            replayed_at: row.get(16)?,
        };
        Ok((read, row.get(6)?))
    }

    /// The row with its payload.
    pub(super) fn with_payload((row, payload): (Self, String)) -> Self {
        Self { payload: value_of(payload), ..row }
    }
}

/// A stored payload. One that is no JSON is handed on as it is: whoever works on the row cannot read
/// it and puts it aside, and the rows that were leased with it go their way.
fn value_of(payload: String) -> Value {
    serde_json::from_str(&payload).unwrap_or(Value::String(payload))
}

/// What a turn adds to a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// The conversation. When it has been deleted meanwhile, the turn adds nothing to it.
    pub conversation_id: String,
    /// Its new messages.
    pub messages: Vec<NewMessage>,
}

/// All that came of a turn; it is stored in one transaction, or not at all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Finish {
    /// What the model is shown from now on.
    pub turn: Option<Turn>,
    /// What people see from now on.
    pub history: Vec<NewHistory>,
    /// What is to be sent.
    pub outbox: Vec<NewOutbox>,
}

/// What was stored for a finished turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// The rows people see.
    pub history: Vec<HistoryRow>,
    /// The numbers of the rows to be sent.
    pub outbox: Vec<i64>,
}

/// What became of a row whose attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deferred {
    /// It is tried again, not before this time.
    Retry {
        /// When.
        at: i64,
    },
    /// It had its attempts and is a dead letter now.
    Dead,
}
