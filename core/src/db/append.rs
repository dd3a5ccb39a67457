//! Appending to conversations: the messages of many turns by few statements.

use std::collections::{BTreeMap, HashSet};

use sqlx::types::Json;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::bundle::{slices, with_rows};
use super::database::now;
use super::{DbError, NewMessage};

/// Appends the messages of several turns within a transaction of the caller, and says how many
/// of their conversations there are. Those that have been deleted get nothing.
pub(crate) async fn append_all(
    connection: &mut SqliteConnection,
    turns: &[(&str, &[NewMessage])],
) -> Result<usize, DbError> {
    let mut spent: BTreeMap<&str, i64> = BTreeMap::new();
    for (conversation, messages) in turns {
        let tokens: i64 = messages.iter().map(|message| i64::from(message.tokens)).sum();
        *spent.entry(conversation).or_default() += tokens;
    }
    let (at, spent): (i64, Vec<(&str, i64)>) = (now(), spent.into_iter().collect());
    let mut there: HashSet<String> = HashSet::with_capacity(spent.len());
    for slice in slices(&spent) {
        let sql = with_rows(
            "WITH turn (conversation_id, tokens) AS (VALUES {rows})
             UPDATE OR FAIL conversations SET token_usage = token_usage + turn.tokens, updated_at = ?
             FROM turn WHERE conversations.conversation_id = turn.conversation_id
             RETURNING conversations.conversation_id",
            "(?, ?)",
            slice.len(),
        );
        let mut query = sqlx::query_scalar(AssertSqlSafe(sql));
        for (conversation, tokens) in slice {
            query = query.bind((*conversation).to_owned()).bind(tokens);
        }
        there.extend(query.bind(at).fetch_all(&mut *connection).await?);
    }
    let turns = turns.iter().filter(|(conversation, _)| there.contains(*conversation));
    let messages: Vec<(&str, &NewMessage)> = turns
        .flat_map(|(conversation, messages)| messages.iter().map(move |each| (*conversation, each)))
        .collect();
    for slice in slices(&messages) {
        let sql = with_rows(
            "INSERT OR FAIL INTO conversation_messages
                 (conversation_id, role, content, tokens, created_at)
             VALUES {rows}",
            "(?, ?, ?, ?, ?)",
            slice.len(),
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (conversation, message) in slice {
            query = query
                .bind((*conversation).to_owned())
                .bind(message.role.clone())
                .bind(Json(&message.content))
                .bind(message.tokens)
                .bind(at);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(there.len())
}
