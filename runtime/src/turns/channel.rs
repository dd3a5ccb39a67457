//! Where the answer of a message is seen: in the web chat while it is being made, elsewhere once it
//! is committed and the platform's sender has taken it.

use std::sync::Arc;

use firstlight_core::bus::{InboxRow, NewOutbox};
use firstlight_core::db::{Database, DbError, HistoryRow, NewHistory};
use firstlight_core::messages::{Language, Message as Sentence};
use firstlight_core::model::{ChatAddress, MessageEvent};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::pipeline::{AnswerSink, Turn};
use crate::platforms::webchat::answering::{announce, history_rows};
use crate::platforms::webchat::{ChatEvent, Run, RunStatus, Webchat};

/// Where an answer is seen.
pub(super) enum Channel {
    /// A run of a built-in chat.
    Chat { run: Arc<Run> },
    /// The outbox. The token ends the turn.
    Outbox { stop: CancellationToken },
}

impl Channel {
    pub(super) fn of(event: &MessageEvent, row: &InboxRow, webchat: &Webchat) -> Self {
        let run_id = row.platform_message_id.parse().unwrap_or_else(|_| Uuid::nil());
        let runs = webchat.runs();
        // The other chat may have a message of the same id.
        let open =
            |address| runs.open(run_id, &address).or_else(|| runs.open(Uuid::new_v4(), &address));
        let run = ChatAddress::of_key(&event.session).and_then(open);
        match run {
            Some(run) => Self::Chat { run },
            None => Self::Outbox { stop: CancellationToken::new() },
        }
    }

    /// Cancelled when the turn is to end.
    pub(super) fn stop_token(&self) -> &CancellationToken {
        match self {
            Self::Chat { run } => run.stop_token(),
            Self::Outbox { stop } => stop,
        }
    }

    /// Where the parts of an answer go.
    pub(super) fn sink(&self) -> &dyn AnswerSink {
        match self {
            Self::Chat { run } => run.as_ref(),
            Self::Outbox { .. } => &Unseen,
        }
    }

    /// What people see of the turn, to be committed with its end.
    pub(super) async fn history(
        &self,
        turn: &Turn,
        database: &Database,
    ) -> Result<Vec<NewHistory>, DbError> {
        match self {
            Self::Chat { run } => history_rows(run, turn, database).await,
            Self::Outbox { .. } => Ok(Vec::new()),
        }
    }

    /// Tells those who watch how the turn ended, after it was committed.
    pub(super) fn announce(&self, turn: &Turn, saved: &[HistoryRow]) {
        if let Self::Chat { run } = self {
            announce(run, turn, saved);
        }
    }

    /// Tells those who watch that the message waited too long and is not answered.
    pub(super) fn pass_over(&self, language: Language) {
        if let Self::Chat { run } = self {
            run.publish(ChatEvent::Error {
                data: Sentence::MessageStale.text(language).into_owned(),
                code: "message_stale".to_owned(),
                message_id: run.id(),
            });
            run.end(RunStatus::Failed);
        }
    }

    /// Nobody watches any more.
    pub(super) fn close(&self, webchat: &Webchat) {
        if let Self::Chat { run } = self {
            webchat.runs().close(run.id());
        }
    }
}

/// What is sent of a turn. The keys are the same when the turn is begun again after a crash, so that
/// no message is queued twice.
pub(super) fn outbox_rows(row: &InboxRow, turn: &Turn, resend_safe: bool) -> Vec<NewOutbox> {
    let queued = |(position, message): (usize, &firstlight_core::model::Outgoing)| NewOutbox {
        platform_id: message.session.platform().to_string(),
        session_key: message.session.to_string(),
        payload: json!(message),
        resend_safe,
        idempotency_key: Some(format!("in-{}-{}-{position}", row.id, row.accepted_at)),
    };
    turn.outgoing.iter().enumerate().map(queued).collect()
}

/// Nobody sees the answer before it is whole.
struct Unseen;

impl AnswerSink for Unseen {
    fn started(&self) {}
    fn text(&self, _delta: &str) {}
    fn reasoning(&self, _delta: &str) {}
}
