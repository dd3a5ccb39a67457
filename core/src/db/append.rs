//! Appending to conversations: what a turn adds to one.

use rusqlite::{Connection, params};

use super::database::now;
use super::{DbError, NewMessage};

/// Appends messages within a transaction of the caller; answers whether the conversation is there,
/// for one that has been deleted gets nothing.
pub(crate) fn append(
    connection: &Connection,
    conversation_id: &str,
    messages: &[NewMessage],
) -> Result<bool, DbError> {
    let (at, tokens) =
        (now(), messages.iter().map(|message| i64::from(message.tokens)).sum::<i64>());
    let there = connection
        .prepare_cached(
            "UPDATE OR FAIL conversations SET token_usage = token_usage + ?, updated_at = ?
             WHERE conversation_id = ?",
        )?
        .execute(params![tokens, at, conversation_id])?;
    if there == 0 {
        return Ok(false);
    }
    let mut insert = connection.prepare_cached(
        "INSERT OR FAIL INTO conversation_messages (conversation_id, role, content, tokens, created_at)
         VALUES (?, ?, ?, ?, ?)",
    )?;
    for NewMessage { role, content, tokens } in messages {
        insert.execute(params![conversation_id, role, content.to_string(), tokens, at])?;
    }
    Ok(true)
}
