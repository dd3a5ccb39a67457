//! The answering side of the web chat: parts go to the run, the end goes to the history.

use firstlight_core::db::{Database, DbError, HistoryRow, NewHistory};
use firstlight_core::model::{ChatAddress, MessageChain, Part};
use serde_json::{Map, Value, json};

use super::event::{ChatEvent, RunStatus, SavedMessage};
use super::outbound;
use super::runs::Run;
use crate::pipeline::{Answer, AnswerSink, Speaker, Turn, TurnEnd};

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
pub(crate) async fn history_rows(
    run: &Run,
    turn: &Turn,
    database: &Database,
) -> Result<Vec<NewHistory>, DbError> {
    let reader = run.address().username();
    let mut rows = Vec::new();
    for shown in shown(turn) {
        let content = match shown {
            Shown::Said(message) => {
                let parts = outbound::parts(message, database, reader).await?;
                Map::from_iter([
                    ("type".to_owned(), json!("bot")),
                    ("message".to_owned(), json!(parts)),
                ])
            }
            Shown::Answer(answer, decorated) => {
                let said = match decorated {
                    Some(message) => outbound::parts(message, database, reader).await?,
                    None => text(answer),
                };
                answer_content(turn, answer, said)
            }
        };
        rows.push(NewHistory {
            llm_checkpoint_id: Some(run.id().to_string()),
            ..bot_row(run.address(), Value::Object(content))
        });
    }
    Ok(rows)
}

/// A row that the bot wrote.
pub(super) fn bot_row(address: &ChatAddress, content: Value) -> NewHistory {
    NewHistory {
        platform_id: address.chat().id().to_owned(),
        user_id: address.session_id().to_owned(),
        sender_id: Some("bot".to_owned()),
        sender_name: Some("bot".to_owned()),
        content,
        llm_checkpoint_id: None,
    }
}

/// One row of a turn.
enum Shown<'a> {
    /// A plugin, or the gateway itself, said this.
    Said(&'a MessageChain),
    /// The model's answer, and the form that it was decorated to.
    Answer(&'a Answer, Option<&'a MessageChain>),
}

/// What is shown of a turn, row by row.
fn shown(turn: &Turn) -> Vec<Shown<'_>> {
    let mut rows = Vec::new();
    let mut answer = shown_answer(turn);
    for said in &turn.said {
        match said.by {
            Speaker::Plugin | Speaker::Gateway => rows.push(Shown::Said(&said.message)),
            Speaker::Model => rows.extend(answer.take()),
        }
    }
    rows.extend(answer);
    rows
}

/// What the model said; `None` when it said nothing that is shown.
fn shown_answer(turn: &Turn) -> Option<Shown<'_>> {
    let decorated = turn.said.iter().find(|said| said.by == Speaker::Model);
    match &turn.end {
        TurnEnd::Ignored
        | TurnEnd::Handled
        | TurnEnd::Postponed { .. }
        | TurnEnd::Interrupted { .. } => None,
        // It was not shown: a plugin or the profile withheld it.
        TurnEnd::Answered(answer) if decorated.is_none() && !answer.text.is_empty() => None,
        TurnEnd::Answered(answer) => {
            Some(Shown::Answer(answer, decorated.map(|said| &said.message)))
        }
        TurnEnd::Stopped(answer) | TurnEnd::Failed { partial: answer, .. } => {
            Some(Shown::Answer(answer, None))
        }
    }
}

fn text(answer: &Answer) -> Vec<Part> {
    if answer.text.is_empty() { Vec::new() } else { vec![Part::text(&answer.text)] }
}

fn answer_content(turn: &Turn, answer: &Answer, said: Vec<Part>) -> Map<String, Value> {
    match &turn.end {
        TurnEnd::Stopped(_) => content(answer, said, Some("stopped"), None),
        TurnEnd::Failed { error, .. } => {
            let told = turn.apology.clone().unwrap_or_else(|| error.to_string());
            let error = json!({ "code": error.code(), "message": told });
            content(answer, said, Some("failed"), Some(error))
        }
        _ => content(answer, said, None, None),
    }
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
    if let TurnEnd::Failed { error, .. } = &turn.end {
        run.publish(ChatEvent::Error {
            data: turn.apology.clone().unwrap_or_else(|| error.to_string()),
            code: error.code().to_owned(),
            message_id: run.id(),
        });
    }
    for (shown, row) in shown(turn).iter().zip(saved) {
        let stored = row.content.get("message").and_then(Value::as_array).into_iter().flatten();
        let parts: Vec<Part> = stored.filter_map(Part::from_stored).collect();
        match shown {
            Shown::Said(_) => outbound::texts(&parts, run.id()).for_each(|text| run.publish(text)),
            Shown::Answer(answer, decorated) => announce_answer(run, answer, *decorated),
        }
        outbound::files(&parts, run.id()).for_each(|file| run.publish(file));
        run.publish(ChatEvent::MessageSaved { data: SavedMessage::of(row) });
    }
    run.end(status);
}

fn announce_answer(run: &Run, answer: &Answer, decorated: Option<&MessageChain>) {
    if answer.is_empty() {
        return;
    }
    run.publish(ChatEvent::AgentStats { data: answer.statistics() });
    run.publish(ChatEvent::Complete {
        data: decorated.map_or_else(|| answer.text.clone(), MessageChain::outline),
        reasoning: Some(answer.reasoning.clone()).filter(|text| !text.is_empty()),
        streaming: true,
        message_id: run.id(),
    });
}
