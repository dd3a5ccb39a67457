//! One turn: read the message, run its pipeline, commit what came of it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use firstlight_core::bus::{Bus, BusError, Epoch, Finish, InboxRow, Turn as AddedTurn};
use firstlight_core::db::{CallStatus, NewMessage, ProviderCall};
use firstlight_core::model::MessageEvent;
use futures_util::FutureExt;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::pipeline::{Answer, Checkpoint, Ends, Pipelines, Resources, Turn, TurnEnd, TurnError};
use crate::platforms::webchat::answering::{announce, history_row};
use crate::platforms::webchat::{Run, Webchat};
use crate::providers::{Message, tokens};

/// How often a turn is begun before it is given up and marked as cut. It is begun again only when
/// the process died in the middle of it, so a message that kills the process ends here.
const BEGINNINGS: u32 = 3;

pub(super) struct TurnRunner {
    pub(super) bus: Bus,
    pub(super) epoch: Epoch,
    pub(super) pipelines: Pipelines,
    pub(super) resources: Resources,
    pub(super) webchat: Webchat,
}

/// A message on its way through.
struct Received {
    event: MessageEvent,
    session_id: String,
    run: Arc<Run>,
}

impl TurnRunner {
    /// Runs the turn to its end, whatever that is. Never panics.
    pub(super) async fn run(&self, row: InboxRow, gone: CancellationToken) {
        let id = row.id;
        let outcome = AssertUnwindSafe(self.turn(row, gone)).catch_unwind().await;
        let error = match outcome {
            Ok(Ok(())) => return,
            // Another owner has the message now; it is not ours to touch.
            Ok(Err(BusError::LeaseLost { .. })) => {
                return tracing::debug!(inbox = id, "the message was taken back during its turn");
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the turn panicked".to_owned(),
        };
        tracing::error!(inbox = id, error, "a turn could not be ended; it will be tried again");
        if let Err(error) = self.bus.defer(id, self.epoch, &error).await {
            tracing::error!(inbox = id, %error, "the message could not be put back");
        }
    }

    async fn turn(&self, row: InboxRow, gone: CancellationToken) -> Result<(), BusError> {
        let message = match self.read(&row) {
            Ok(message) => message,
            Err(error) => return self.bus.fail(row.id, self.epoch, &error.to_string()).await,
        };
        let turn = if row.attempts > BEGINNINGS {
            given_up(&row)
        } else {
            let ends = Ends { stopped: message.run.stop_token().clone(), gone };
            self.answer(&row, &message, &ends).await
        };
        self.commit(&row, &message, turn).await
    }

    fn read(&self, row: &InboxRow) -> Result<Received, TurnError> {
        let event: MessageEvent =
            serde_json::from_value(row.payload.clone()).map_err(TurnError::Unreadable)?;
        let (username, session_id) = match event.session.webchat_parts() {
            Some((username, session_id)) => (username.to_owned(), session_id.to_owned()),
            None => (event.sender.user_id.clone(), event.session.to_string()),
        };
        let run_id = row.platform_message_id.parse().unwrap_or_else(|_| Uuid::nil());
        let run = self.webchat.runs().open(run_id, &session_id, &username);
        Ok(Received { event, session_id, run })
    }

    async fn answer(&self, row: &InboxRow, message: &Received, ends: &Ends) -> Turn {
        let pipeline = match self.pipelines.of_session(&message.event.session) {
            Ok(pipeline) => pipeline,
            Err(error) => return failed(TurnError::Configuration(error)),
        };
        let checkpoint = InboxCheckpoint { runner: self, inbox_id: row.id };
        let sink = message.run.as_ref();
        pipeline.run(message.event.clone(), &self.resources, sink, &checkpoint, ends).await
    }

    async fn commit(&self, row: &InboxRow, message: &Received, turn: Turn) -> Result<(), BusError> {
        let run = &message.run;
        if let TurnEnd::Interrupted { .. } = turn.end {
            self.webchat.runs().close(run.id());
            return self.bus.put_back(row.id, self.epoch).await;
        }
        let finish = Finish {
            turn: added(&turn),
            history: history_row(&message.session_id, run, &turn.end).into_iter().collect(),
            outbox: Vec::new(),
        };
        let finished = self.bus.finish(row.id, self.epoch, finish).await;
        let finished = match finished {
            Ok(finished) => finished,
            Err(error) => {
                self.webchat.runs().close(run.id());
                return Err(error);
            }
        };
        log_failure(row, &turn.end);
        announce(run, &turn.end, finished.history.first());
        self.webchat.runs().close(run.id());
        self.count(row, message, &turn).await;
        Ok(())
    }

    /// Statistics are worth a log line when they fail, not a turn.
    async fn count(&self, row: &InboxRow, message: &Received, turn: &Turn) {
        let statistics = self.resources.database.statistics();
        let event = &message.event;
        let platform = row.platform_id.as_str();
        let counted = statistics.count_message(platform, &event.platform_type, row.received_at);
        let recorded = async {
            match call_record(event, turn) {
                Some(call) => statistics.record_call(call).await,
                None => Ok(()),
            }
        };
        if let Err(error) = counted.await.and(recorded.await) {
            tracing::warn!(%error, "the statistics of a turn could not be stored");
        }
    }
}

struct InboxCheckpoint<'a> {
    runner: &'a TurnRunner,
    inbox_id: i64,
}

impl Checkpoint for InboxCheckpoint<'_> {
    async fn store(&self, partial: &Answer) {
        let value = json!({ "text": partial.text, "reasoning": partial.reasoning });
        let stored = self.runner.bus.checkpoint(self.inbox_id, self.runner.epoch, value).await;
        if let Err(error) = stored {
            tracing::warn!(inbox = self.inbox_id, %error, "a checkpoint could not be stored");
        }
    }
}

/// The end of a message that was begun too often: what was said before is kept and marked as cut.
fn given_up(row: &InboxRow) -> Turn {
    let mut partial = Answer::begin("", "");
    let said = |key| row.checkpoint.as_ref().and_then(|value| value.get(key)?.as_str());
    partial.text = said("text").unwrap_or_default().to_owned();
    partial.reasoning = said("reasoning").unwrap_or_default().to_owned();
    let attempts = row.attempts.saturating_sub(1);
    Turn::without_conversation(TurnEnd::Failed { error: TurnError::GivenUp { attempts }, partial })
}

fn failed(error: TurnError) -> Turn {
    Turn::without_conversation(TurnEnd::Failed { error, partial: Answer::begin("", "") })
}

/// What the conversation gains: the question, and as much of an answer as there is.
fn added(turn: &Turn) -> Option<AddedTurn> {
    let (conversation_id, asked) = (turn.conversation.clone()?, turn.asked.as_ref()?);
    let answer = match &turn.end {
        TurnEnd::Answered(answer) | TurnEnd::Stopped(answer) => answer,
        TurnEnd::Failed { partial, .. } => partial,
        TurnEnd::Ignored | TurnEnd::Interrupted { .. } => return None,
    };
    if answer.text.is_empty() {
        // A question without an answer would make the model answer it again next time.
        return None;
    }
    let mut said = Message::assistant(answer.text.clone());
    said.reasoning_content = Some(answer.reasoning.clone()).filter(|text| !text.is_empty());
    let messages = vec![stored("user", asked), stored("assistant", &said)];
    Some(AddedTurn { conversation_id, messages })
}

fn stored(role: &str, message: &Message) -> NewMessage {
    let tokens = tokens::estimate(&message.text());
    NewMessage {
        role: role.to_owned(),
        content: json!(message),
        tokens: u32::try_from(tokens).unwrap_or(u32::MAX),
    }
}

fn call_record(event: &MessageEvent, turn: &Turn) -> Option<ProviderCall> {
    let (answer, status) = match &turn.end {
        TurnEnd::Answered(answer) => (answer, CallStatus::Completed),
        TurnEnd::Stopped(answer) => (answer, CallStatus::Aborted),
        TurnEnd::Failed { partial, .. } => (partial, CallStatus::Error),
        TurnEnd::Ignored | TurnEnd::Interrupted { .. } => return None,
    };
    if answer.provider_id.is_empty() {
        return None;
    }
    let start = answer.started_at.as_millisecond();
    let milliseconds = |d: std::time::Duration| i64::try_from(d.as_millis()).unwrap_or(i64::MAX);
    let count = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
    Some(ProviderCall {
        status,
        umo: event.session.to_string(),
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

fn log_failure(row: &InboxRow, end: &TurnEnd) {
    if let TurnEnd::Failed { error, .. } = end {
        let conversation = row.conversation_key.as_str();
        tracing::warn!(conversation, code = error.code(), %error, "a message got no whole answer");
    }
}
