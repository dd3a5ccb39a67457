//! Calls that wait for their answer, and what an answer says.

use std::collections::HashMap;

use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::oneshot;

/// What a client says to a call (OneBot v11, "API").
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Answer {
    status: String,
    retcode: i64,
    data: Value,
    message: Value,
    wording: Value,
    msg: Value,
}

/// Why a call has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum CallError {
    /// The account has no connection, or the call did not leave on it.
    #[error("the account is not connected")]
    Offline,
    /// The connection broke after the call had left.
    #[error("the connection was lost before the answer came")]
    Lost,
    /// The answer did not come in time.
    #[error("the answer did not come in time")]
    TimedOut,
    /// The answer cannot be read.
    #[error("the answer makes no sense: {0}")]
    Senseless(String),
    /// The client says no.
    #[error("the client refused with {retcode}: {message}")]
    Failed {
        /// Its code.
        retcode: i64,
        /// Its words.
        message: String,
    },
}

impl Answer {
    /// The result. `async` means that the client took the call and will do it.
    pub(super) fn result(self) -> Result<Value, CallError> {
        let fine = matches!(self.status.as_str(), "ok" | "async")
            || (self.status.is_empty() && self.retcode == 0);
        if fine {
            return Ok(self.data);
        }
        let said = [&self.wording, &self.message, &self.msg];
        let words = said.iter().find_map(|said| said.as_str().filter(|said| !said.is_empty()));
        let message = words.unwrap_or("no reason given").chars().take(300).collect();
        Err(CallError::Failed { retcode: self.retcode, message })
    }
}

/// The calls of one connection that wait. Closing it ends them all.
#[derive(Default)]
pub(super) struct Waiting {
    calls: Mutex<Option<HashMap<String, oneshot::Sender<Answer>>>>,
}

impl Waiting {
    pub(super) fn open() -> Self {
        Self { calls: Mutex::new(Some(HashMap::new())) }
    }

    /// Waits for the answer with that echo. None when the connection is closed already.
    pub(super) fn enter(&self, echo: &str) -> Option<oneshot::Receiver<Answer>> {
        let (sender, receiver) = oneshot::channel();
        self.calls.lock().as_mut()?.insert(echo.to_owned(), sender);
        Some(receiver)
    }

    /// Nobody waits for that answer any more.
    pub(super) fn leave(&self, echo: &str) {
        if let Some(calls) = self.calls.lock().as_mut() {
            calls.remove(echo);
        }
    }

    /// Hands an answer to who waits for it. Says whether somebody did.
    pub(super) fn answer(&self, echo: &str, answer: Answer) -> bool {
        let waiting = self.calls.lock().as_mut().and_then(|calls| calls.remove(echo));
        waiting.is_some_and(|waiting| waiting.send(answer).is_ok())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.calls.lock().as_ref().is_none_or(HashMap::is_empty)
    }

    pub(super) fn close(&self) {
        self.calls.lock().take();
    }
}
