//! The states of a row, and which may follow which. Every update of a state asks here first.

use std::fmt;

use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Reason;

/// Which of the two queues.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(rename_all = "snake_case")]
pub enum Queue {
    /// What was received.
    Inbox,
    /// What is to be sent.
    Outbox,
}

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inbox => "inbox",
            Self::Outbox => "outbox",
        })
    }
}

/// Where a received message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(rename_all = "lowercase")]
pub enum InboxState {
    /// Waits for its turn.
    Pending,
    /// Its turn is running, on behalf of the owner with the row's epoch.
    Leased,
    /// Its turn ended, and what came of it was stored in the same transaction.
    Done,
    /// Its turn failed for good. Kept for the operator.
    Dead,
    /// The operator, or the deletion of its chat, ended it.
    Dropped,
}

impl InboxState {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Leased, Self::Done, Self::Dead, Self::Dropped];

    /// Whether a row in this state may go to that one.
    pub fn can_become(self, next: Self) -> bool {
        match self {
            Self::Pending => matches!(next, Self::Leased | Self::Dropped),
            Self::Leased => matches!(next, Self::Done | Self::Pending | Self::Dead),
            Self::Dead => matches!(next, Self::Pending | Self::Dropped),
            Self::Done | Self::Dropped => false,
        }
    }

    /// Whether the row holds up later messages of its conversation.
    pub fn is_unfinished(self) -> bool {
        matches!(self, Self::Pending | Self::Leased)
    }

    /// Its name, as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Leased => "leased",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Dropped => "dropped",
        }
    }
}

/// Where a message to be sent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(rename_all = "lowercase")]
pub enum OutboxState {
    /// Waits to be sent.
    Pending,
    /// Is being sent, on behalf of the owner with the row's epoch.
    Leased,
    /// The platform has it.
    Sent,
    /// The platform may have it. Not sent again unless the operator says so.
    Uncertain,
    /// The platform will not have it. Kept for the operator.
    Dead,
    /// The operator, or the deletion of its chat, ended it.
    Dropped,
}

impl OutboxState {
    /// All states.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Leased, Self::Sent, Self::Uncertain, Self::Dead, Self::Dropped];

    /// Whether a row in this state may go to that one.
    pub fn can_become(self, next: Self) -> bool {
        match self {
            Self::Pending => matches!(next, Self::Leased | Self::Dead | Self::Dropped),
            Self::Leased => {
                matches!(next, Self::Sent | Self::Pending | Self::Uncertain | Self::Dead)
            }
            Self::Uncertain => matches!(next, Self::Pending | Self::Sent | Self::Dropped),
            Self::Dead => matches!(next, Self::Pending | Self::Dropped),
            Self::Sent | Self::Dropped => false,
        }
    }

    /// Whether the row holds up later messages of its session.
    pub fn is_unfinished(self) -> bool {
        matches!(self, Self::Pending | Self::Leased)
    }

    /// Its name, as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Leased => "leased",
            Self::Sent => "sent",
            Self::Uncertain => "uncertain",
            Self::Dead => "dead",
            Self::Dropped => "dropped",
        }
    }
}

/// How a type of names is stored, and read back.
macro_rules! stored_by_name {
    ($type:ty) => {
        impl ToSql for $type {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(self.as_str().into())
            }
        }

        impl FromSql for $type {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                let name = value.as_str()?;
                let found = Self::ALL.into_iter().find(|one| one.as_str() == name);
                found.ok_or(FromSqlError::InvalidType)
            }
        }
    };
}

stored_by_name!(InboxState);
stored_by_name!(OutboxState);
stored_by_name!(Reason);
