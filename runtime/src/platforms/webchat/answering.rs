//! The answering side of the web chat: parts go to the run, the end goes to the history.

use firstlight_core::db::{HistoryRow, NewHistory};
use firstlight_core::model::{Component, MediaPart, MessageChain, Part, PlatformId};
use serde_json::{Map, Value, json};

use super::event::{ChatEvent, RunStatus, SavedMessage};
use super::runs::Run;
use crate::pipeline::{ATTACHMENT_SCHEME, Answer, AnswerSink, Speaker, Turn, TurnEnd};

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

/// The history rows of a turn, in the order in which things were said; none when there is nothing to
/// show.
pub(crate) fn history_rows(session_id: &str, run: &Run, turn: &Turn) -> Vec<NewHistory> {
    let mut rows: Vec<Map<String, Value>> = Vec::new();
    let mut answer = answer_content(turn);
    for said in &turn.said {
        match said.by {
            Speaker::Plugin | Speaker::Gateway => rows.push(plain_content(&said.message)),
            Speaker::Model => rows.extend(answer.take()),
        }
    }
    rows.extend(answer);
    let row = |content| NewHistory {
        platform_id: PlatformId::WEBCHAT.to_owned(),
        user_id: session_id.to_owned(),
        sender_id: Some("bot".to_owned()),
        sender_name: Some("bot".to_owned()),
        content: Value::Object(content),
        llm_checkpoint_id: Some(run.id().to_string()),
    };
    rows.into_iter().map(row).collect()
}

/// What the model said, in the form that it was decorated to; `None` when it said nothing that is
/// shown.
fn answer_content(turn: &Turn) -> Option<Map<String, Value>> {
    let decorated = turn.said.iter().find(|said| said.by == Speaker::Model);
    match &turn.end {
        TurnEnd::Ignored
        | TurnEnd::Handled
        | TurnEnd::Postponed { .. }
        | TurnEnd::Interrupted { .. } => None,
        // It was not shown: a plugin or the profile withheld it.
        TurnEnd::Answered(answer) if decorated.is_none() && !answer.text.is_empty() => None,
        TurnEnd::Answered(answer) => {
            let said = decorated.map(|said| parts(&said.message)).unwrap_or_default();
            Some(content(answer, said, None, None))
        }
        TurnEnd::Stopped(answer) => Some(content(answer, text(answer), Some("stopped"), None)),
        TurnEnd::Failed { error, partial } => {
            let told = turn.apology.clone().unwrap_or_else(|| error.to_string());
            let error = json!({ "code": error.code(), "message": told });
            Some(content(partial, text(partial), Some("failed"), Some(error)))
        }
    }
}

fn text(answer: &Answer) -> Vec<Part> {
    if answer.text.is_empty() { Vec::new() } else { vec![Part::text(&answer.text)] }
}

/// A message of a plugin, or of the gateway itself.
fn plain_content(message: &MessageChain) -> Map<String, Value> {
    let mut content = Map::new();
    content.insert("type".to_owned(), json!("bot"));
    content.insert("message".to_owned(), json!(parts(message)));
    content
}

/// A message in the parts of the web chat; what it has no part for becomes a stand-in.
fn parts(message: &MessageChain) -> Vec<Part> {
    message.chain.iter().map(part).collect()
}

fn part(component: &Component) -> Part {
    let uploaded = |url: &str| {
        let attachment_id = url.strip_prefix(ATTACHMENT_SCHEME)?.to_owned();
        Some(MediaPart { attachment_id, ..MediaPart::default() })
    };
    let media = match component {
        Component::Plain(plain) => return Part::text(&plain.text),
        Component::Image(image) => uploaded(&image.url).map(Part::Image),
        Component::Record(record) => uploaded(&record.url).map(Part::Record),
        Component::Video(video) => uploaded(&video.url).map(Part::Video),
        Component::File(file) => uploaded(&file.url)
            .map(|media| Part::File(MediaPart { filename: Some(file.name.clone()), ..media })),
        _ => None,
    };
    media.unwrap_or_else(|| Part::text(component.outline()))
}

/// A bot row as the contract has it; `status` and `error` are ours, and absent for a whole answer.
fn content(
    answer: &Answer,
    mut said: Vec<Part>,
    status: Option<&str>,
    error: Option<Value>,
) -> Map<String, Value> {
    let mut content = Map::new();
    let mut put = |key: &str, value: Value| drop(content.insert(key.to_owned(), value));
    put("type", json!("bot"));
    if !answer.reasoning.is_empty() {
        said.insert(0, Part::Think { think: answer.reasoning.clone() });
        put("reasoning", json!(answer.reasoning));
    }
    put("message", json!(said));
    if !answer.provider_id.is_empty() {
        put("agent_stats", answer.statistics());
        put("provider", json!({ "id": answer.provider_id, "model": answer.model }));
    }
    if let Some(status) = status {
        put("status", json!(status));
    }
    if let Some(error) = error {
        put("error", error);
    }
    content
}

/// Tells the listeners how the turn ended, after it was committed as these rows.
pub(crate) fn announce(run: &Run, turn: &Turn, saved: &[HistoryRow]) {
    let status = match &turn.end {
        TurnEnd::Answered(_) | TurnEnd::Ignored | TurnEnd::Handled => RunStatus::Completed,
        TurnEnd::Stopped(_) => RunStatus::Stopped,
        TurnEnd::Failed { .. } => RunStatus::Failed,
        // The message is answered later: the run is not over, it only loses its listeners.
        TurnEnd::Interrupted { .. } | TurnEnd::Postponed { .. } => return,
    };
    for said in turn.said.iter().filter(|said| said.by != Speaker::Model) {
        run.publish(ChatEvent::Plain {
            data: said.message.outline(),
            streaming: false,
            chain_type: None,
            message_id: run.id(),
        });
    }
    if let TurnEnd::Failed { error, .. } = &turn.end {
        run.publish(ChatEvent::Error {
            data: turn.apology.clone().unwrap_or_else(|| error.to_string()),
            code: error.code().to_owned(),
            message_id: run.id(),
        });
    }
    announce_answer(run, turn);
    for row in saved {
        run.publish(ChatEvent::MessageSaved { data: SavedMessage::of(row) });
    }
    run.end(status);
}

fn announce_answer(run: &Run, turn: &Turn) {
    let decorated = turn.said.iter().find(|said| said.by == Speaker::Model);
    let (answer, text) = match (&turn.end, decorated) {
        (TurnEnd::Answered(answer), Some(said)) => (answer, said.message.outline()),
        (TurnEnd::Answered(answer), None) if answer.text.is_empty() => (answer, String::new()),
        (TurnEnd::Stopped(answer) | TurnEnd::Failed { partial: answer, .. }, _) => {
            (answer, answer.text.clone())
        }
        _ => return,
    };
    if answer.is_empty() {
        return;
    }
    run.publish(ChatEvent::AgentStats { data: answer.statistics() });
    run.publish(ChatEvent::Complete {
        data: text,
        reasoning: Some(answer.reasoning.clone()).filter(|text| !text.is_empty()),
        streaming: true,
        message_id: run.id(),
    });
}
