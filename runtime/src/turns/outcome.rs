//! What a turn leaves behind: in the conversation, in the statistics, in the log.

use std::time::Duration;

use firstlight_core::bus::{InboxRow, Turn as AddedTurn};
use firstlight_core::db::{CallStatus, NewMessage, ProviderCall};
use serde_json::json;

use crate::pipeline::{Answer, Turn, TurnEnd};
use crate::providers::{Message, tokens};

/// What the conversation gains: the question, and as much of an answer as there is.
pub(super) fn added(turn: &Turn) -> Option<AddedTurn> {
    let (conversation_id, asked) = (turn.conversation.clone()?, turn.asked.as_ref()?);
    let (answer, _) = answered(&turn.end)?;
    if answer.text.is_empty() {
        // A question without an answer would make the model answer it again next time.
        return None;
    }
    let mut said = Message::assistant(answer.text.clone());
    said.reasoning_content = Some(answer.reasoning.clone()).filter(|text| !text.is_empty());
    let messages = vec![stored("user", asked), stored("assistant", &said)];
    Some(AddedTurn { conversation_id, messages })
}

/// What a model said, and how its call ended; `None` when no model was asked, or will be again.
fn answered(end: &TurnEnd) -> Option<(&Answer, CallStatus)> {
    match end {
        TurnEnd::Answered(answer) => Some((answer, CallStatus::Completed)),
        TurnEnd::Stopped(answer) => Some((answer, CallStatus::Aborted)),
        TurnEnd::Failed { partial, .. } => Some((partial, CallStatus::Error)),
        TurnEnd::Ignored
        | TurnEnd::Handled
        | TurnEnd::Postponed { .. }
        | TurnEnd::Interrupted { .. } => None,
    }
}

fn stored(role: &str, message: &Message) -> NewMessage {
    let tokens = tokens::estimate(&message.text());
    NewMessage {
        role: role.to_owned(),
        content: json!(message),
        tokens: u32::try_from(tokens).unwrap_or(u32::MAX),
    }
}

pub(super) fn call_record(turn: &Turn) -> Option<ProviderCall> {
    let (answer, status) = answered(&turn.end)?;
    if answer.provider_id.is_empty() {
        return None;
    }
    let start = answer.started_at.as_millisecond();
    let milliseconds = |d: Duration| i64::try_from(d.as_millis()).unwrap_or(i64::MAX);
    let count = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
    Some(ProviderCall {
        status,
        umo: turn.event.session.to_string(),
        conversation_id: turn.conversation.clone(),
        provider_id: answer.provider_id.clone(),
        provider_model: Some(answer.model.clone()),
        token_input_other: count(answer.usage.input_other),
        token_input_cached: count(answer.usage.input_cached),
        token_output: count(answer.usage.output),
        start_time: start,
        end_time: start.saturating_add(milliseconds(answer.took)),
        time_to_first_token: answer.first_part.map(milliseconds),
    })
}

pub(super) fn log_failure(row: &InboxRow, end: &TurnEnd) {
    if let TurnEnd::Failed { error, .. } = end {
        let conversation = row.conversation_key.as_str();
        tracing::warn!(conversation, code = error.code(), %error, "a message got no whole answer");
    }
}
