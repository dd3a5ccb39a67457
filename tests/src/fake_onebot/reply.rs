//! What the fake may be told to do with an action that it is asked for.

use std::time::Duration;

use serde_json::Value;

/// How one action is answered.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Reply {
    /// As a OneBot implementation does: what is to be sent gets the next message id, and what is
    /// asked for is answered from what was said before.
    #[default]
    Proper,
    /// As [`Self::Proper`], after a while. Later actions are not held up.
    After(Duration),
    /// Succeeds with this.
    Data(Value),
    /// `status: failed` with this code and wording. Nothing is sent.
    Failed { retcode: i64, wording: String },
    /// Takes the message, and never answers.
    Silence,
    /// Takes the message, and breaks every connection before it answers.
    Cut,
    /// Takes the message, and breaks the connection in the middle of the answer.
    CutMidway,
    /// Takes the message, and answers this instead of a proper answer.
    Raw(String),
    /// Takes the message, and answers with an echo that nobody sent.
    WrongEcho,
    /// Over HTTP, this status without a body, and nothing is sent; over a WebSocket the action fails.
    Status(u16),
}

impl Reply {
    /// An action that fails with this code.
    pub fn failed(retcode: i64) -> Self {
        Self::Failed { retcode, wording: format!("refused with {retcode}") }
    }

    /// Whether a message that is answered like this was taken by the far side.
    pub(super) fn takes(&self) -> bool {
        !matches!(self, Self::Failed { .. } | Self::Status(_))
    }
}
