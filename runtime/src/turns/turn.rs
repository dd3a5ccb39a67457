//! One turn: read the message, run its pipeline, commit what came of it.

use std::panic::AssertUnwindSafe;

use firstlight_core::bus::{Bus, BusError, Epoch, Finish, InboxRow};
use firstlight_core::db::CountedMessages;
use firstlight_core::model::MessageEvent;
use futures_util::FutureExt;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::channel::{Channel, outbox_rows};
use super::live::LiveTurns;
use super::outcome::{added, call_record, log_failure};
use super::tally::Tally;
use crate::pipeline::{
    Answer, Checkpoint, Ends, Pipelines, Resources, Turn, TurnEnd, TurnError, tell_failure,
};
use crate::platforms::webchat::Webchat;

/// How often a turn is begun before it is given up and marked as cut. It is begun again only when
/// the process died in the middle of it, so a message that kills the process ends here.
const BEGINNINGS: u32 = 3;

pub(super) struct TurnRunner {
    pub(super) bus: Bus,
    pub(super) epoch: Epoch,
    pub(super) pipelines: Pipelines,
    pub(super) resources: Resources,
    pub(super) webchat: Webchat,
    pub(super) live: LiveTurns,
    pub(super) tally: Tally,
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

    async fn turn(&self, mut row: InboxRow, gone: CancellationToken) -> Result<(), BusError> {
        let payload = std::mem::replace(&mut row.payload, Value::Null);
        let event: MessageEvent = match serde_json::from_value(payload) {
            Ok(event) => event,
            Err(error) => {
                let error = TurnError::Unreadable(error);
                return self.bus.fail(row.id, self.epoch, &error.to_string()).await;
            }
        };
        let channel = Channel::of(&event, &row, &self.webchat);
        let stopped = channel.stop_token().clone();
        let identity = row.platform_message_id.as_str();
        let live = self.live.begin(&event.session, row.id, identity, stopped.clone());
        if row.attempts <= BEGINNINGS && self.bus.is_stale(&row) {
            return self.pass_over(&row, &channel).await;
        }
        let turn = if row.attempts > BEGINNINGS {
            self.given_up(event, &row)
        } else {
            self.answer(event, &row, &channel, &Ends { stopped, gone }).await
        };
        let ended = self.commit(&row, &channel, &turn).await;
        drop(live);
        if !matches!((&ended, &turn.end), (Ok(()), TurnEnd::Postponed { .. })) {
            channel.close(&self.webchat);
        }
        ended?;
        // What was cut off or put back has said nothing.
        if let Some(scope) = turn.scope.as_ref().filter(|_| !turn.said.is_empty()) {
            self.resources.plugins.after_sent(&turn.event, scope).await;
        }
        Ok(())
    }

    /// Too old to be answered as if it had just been sent: it is put aside for the operator, who
    /// can have it answered after all.
    async fn pass_over(&self, row: &InboxRow, channel: &Channel) -> Result<(), BusError> {
        self.bus.fail_stale(row.id, self.epoch).await?;
        let (inbox, conversation) = (row.id, row.conversation_key.as_str());
        tracing::warn!(inbox, conversation, "a message waited too long and was put aside");
        channel.pass_over(self.pipelines.language());
        channel.close(&self.webchat);
        Ok(())
    }

    async fn answer(
        &self,
        event: MessageEvent,
        row: &InboxRow,
        channel: &Channel,
        ends: &Ends,
    ) -> Turn {
        let pipeline = match self.pipelines.of_session(event.reply_to()) {
            Ok(pipeline) => pipeline,
            Err(error) => {
                let language = self.pipelines.language();
                return Turn::failed(event, TurnError::Configuration(error), language);
            }
        };
        let checkpoint = InboxCheckpoint { runner: self, inbox_id: row.id };
        pipeline.run(event, &self.resources, channel.sink(), &checkpoint, ends).await
    }

    async fn commit(&self, row: &InboxRow, channel: &Channel, turn: &Turn) -> Result<(), BusError> {
        match turn.end {
            TurnEnd::Interrupted { .. } => return self.bus.put_back(row.id, self.epoch).await,
            TurnEnd::Postponed { until } => {
                return self.bus.postpone(row.id, self.epoch, until).await;
            }
            _ => {}
        }
        let finish = Finish {
            turn: added(turn),
            history: channel.history(turn, &self.resources.database).await?,
            outbox: outbox_rows(row, turn, self.resend_safe(row)),
        };
        let finished = self.bus.finish(row.id, self.epoch, finish).await?;
        log_failure(row, &turn.end);
        channel.announce(turn, &finished.history);
        let counted =
            CountedMessages::at(&row.platform_id, &turn.event.platform_type, row.received_at);
        self.tally.count(counted, call_record(turn));
        Ok(())
    }

    /// Whether sending an answer again after a crash does no harm; a platform that is not there
    /// cannot say so.
    fn resend_safe(&self, row: &InboxRow) -> bool {
        let adapter = self.resources.adapters.find(&row.platform_id);
        adapter.is_some_and(|adapter| adapter.capabilities().resend_safe)
    }

    /// The end of a message that was begun too often: what was said before is kept and marked as
    /// cut.
    fn given_up(&self, event: MessageEvent, row: &InboxRow) -> Turn {
        let mut partial = Answer::begin("", "");
        let said = |key| row.checkpoint.as_ref().and_then(|value| value.get(key)?.as_str());
        partial.text = said("text").unwrap_or_default().to_owned();
        partial.reasoning = said("reasoning").unwrap_or_default().to_owned();
        let error = TurnError::GivenUp { attempts: row.attempts.saturating_sub(1) };
        let language = self.pipelines.of_session(event.reply_to());
        let language =
            language.map_or_else(|_| self.pipelines.language(), |found| found.profile().language);
        let mut turn = Turn::unbegun(event, TurnEnd::Failed { error, partial });
        tell_failure(&mut turn, language);
        turn
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
