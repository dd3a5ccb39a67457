//! Sessions and messages in the shape of the contract.

use firstlight_core::db::{ChatSession, HistoryRow};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// A chat session.
#[derive(Serialize, JsonSchema)]
pub struct Listed {
    session_id: String,
    platform_id: String,
    creator: String,
    display_name: Option<String>,
    is_group: u8,
    created_at: String,
    updated_at: String,
}

/// One message of a history.
#[derive(Serialize, JsonSchema)]
pub struct Record {
    id: i64,
    platform_id: String,
    user_id: String,
    sender_id: Option<String>,
    sender_name: Option<String>,
    content: Value,
    created_at: String,
    updated_at: String,
}

impl Listed {
    pub fn of(session: ChatSession) -> Self {
        Self {
            session_id: session.session_id,
            platform_id: session.platform_id,
            creator: session.creator,
            display_name: session.display_name,
            is_group: u8::from(session.is_group),
            created_at: utc(session.created_at),
            updated_at: utc(session.updated_at),
        }
    }
}

impl Record {
    pub fn of(row: HistoryRow) -> Self {
        Self {
            id: row.id,
            platform_id: row.platform_id,
            user_id: row.user_id,
            sender_id: row.sender_id,
            sender_name: row.sender_name,
            content: row.content,
            created_at: utc(row.created_at),
            updated_at: utc(row.updated_at),
        }
    }
}

/// Epoch milliseconds as ISO 8601 in UTC.
pub fn utc(milliseconds: i64) -> String {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}
