//! The answering side of the web chat: parts go to the run, the end goes to the history.

use firstlight_core::db::{HistoryRow, NewHistory};
use firstlight_core::model::{Part, PlatformId};
use serde_json::{Map, Value, json};

use super::event::{ChatEvent, RunStatus, SavedMessage};
use super::runs::Run;
use crate::pipeline::{Answer, AnswerSink, TurnEnd, TurnError};

impl AnswerSink for Run {
    fn started(&self) {
        Run::started(self);
    }

    fn text(&self, delta: &str) {
        Run::text(self, delta);
    }

    fn reasoning(&self, delta: &str) {
        Run::reasoning(self, delta);
    }
}

/// The history row of a turn's end; `None` when there is nothing to show.
pub(crate) fn history_row(session_id: &str, run: &Run, end: &TurnEnd) -> Option<NewHistory> {
    let content = match end {
        TurnEnd::Ignored | TurnEnd::Interrupted { .. } => return None,
        TurnEnd::Answered(answer) => content(answer, None, None),
        TurnEnd::Stopped(answer) => content(answer, Some("stopped"), None),
        TurnEnd::Failed { error, partial } => content(partial, Some("failed"), Some(error)),
    };
    Some(NewHistory {
        platform_id: PlatformId::WEBCHAT.to_owned(),
        user_id: session_id.to_owned(),
        sender_id: Some("bot".to_owned()),
        sender_name: Some("bot".to_owned()),
        content: Value::Object(content),
        llm_checkpoint_id: Some(run.id().to_string()),
    })
}

/// A bot row as the contract has it; `status` and `error` are ours, and absent for a whole answer.
fn content(answer: &Answer, status: Option<&str>, error: Option<&TurnError>) -> Map<String, Value> {
    let mut parts = Vec::new();
    let mut content = Map::new();
    let mut put = |key: &str, value: Value| drop(content.insert(key.to_owned(), value));
    put("type", json!("bot"));
    if !answer.reasoning.is_empty() {
        parts.push(Part::Think { think: answer.reasoning.clone() });
        put("reasoning", json!(answer.reasoning));
    }
    if !answer.text.is_empty() {
        parts.push(Part::text(&answer.text));
    }
    put("message", json!(parts));
    if !answer.provider_id.is_empty() {
        put("agent_stats", answer.statistics());
        put("provider", json!({ "id": answer.provider_id, "model": answer.model }));
    }
    if let Some(status) = status {
        put("status", json!(status));
    }
    if let Some(error) = error {
        put("error", json!({ "code": error.code(), "message": error.to_string() }));
    }
    content
}

/// Tells the listeners how the turn ended, after it was committed.
pub(crate) fn announce(run: &Run, end: &TurnEnd, saved: Option<&HistoryRow>) {
    let (answer, status) = match end {
        TurnEnd::Answered(answer) => (Some(answer), RunStatus::Completed),
        TurnEnd::Stopped(answer) => (Some(answer), RunStatus::Stopped),
        TurnEnd::Failed { partial, .. } => (Some(partial), RunStatus::Failed),
        TurnEnd::Ignored => (None, RunStatus::Completed),
        // The message is answered later: the run is not over, it only loses its listeners.
        TurnEnd::Interrupted { .. } => return,
    };
    if let TurnEnd::Failed { error, .. } = end {
        run.publish(ChatEvent::Error {
            data: error.to_string(),
            code: error.code().to_owned(),
            message_id: run.id(),
        });
    }
    if let Some(answer) = answer.filter(|answer| !answer.is_empty()) {
        run.publish(ChatEvent::AgentStats { data: answer.statistics() });
        run.publish(ChatEvent::Complete {
            data: answer.text.clone(),
            reasoning: Some(answer.reasoning.clone()).filter(|text| !text.is_empty()),
            streaming: true,
            message_id: run.id(),
        });
    }
    if let Some(row) = saved {
        run.publish(ChatEvent::MessageSaved { data: SavedMessage::of(row) });
    }
    run.end(status);
}
