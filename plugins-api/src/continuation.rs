//! What is to happen later: timers, and waiting for somebody's next message.
//!
//! A plugin has no tasks of its own. It tells the host what it waits for and leaves data behind;
//! the host keeps both in its database and calls the plugin when the time or the message has come,
//! also after a restart.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Event;

/// A timer to be kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewTimer {
    /// Its name, unique within the plugin: scheduling it again replaces it.
    pub name: String,
    /// How long until it fires.
    #[serde(rename = "after_ms", with = "crate::encoding::milliseconds")]
    pub after: Duration,
    /// How long until it fires again, each time, at least a second; `None`: it fires once.
    #[serde(default, rename = "every_ms", with = "crate::encoding::maybe_milliseconds")]
    pub every: Option<Duration>,
    /// What the plugin is told then.
    #[serde(default)]
    pub payload: Value,
}

/// A timer that fires.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timer {
    /// Its name.
    pub name: String,
    /// When it was due, in milliseconds since 1970 UTC; long ago after the gateway was down.
    pub due_ms: i64,
    /// What was left behind.
    pub payload: Value,
}

/// Waiting for somebody's next message. Another of the same name, session and person takes its
/// place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wait {
    /// What the plugin knows it by.
    pub name: String,
    /// The session.
    pub session: String,
    /// Where the plugin can say that nobody answered.
    pub reply_to: String,
    /// The id of the person; `None`: anybody in the session.
    #[serde(default)]
    pub sender: Option<String>,
    /// The id of the message that it is begun for, so that it is not taken for its own answer when
    /// its turn is begun again after a crash.
    #[serde(default)]
    pub asked_by: Option<String>,
    /// How long, at most a week.
    #[serde(rename = "within_ms", with = "crate::encoding::milliseconds")]
    pub within: Duration,
    /// What the plugin is told then.
    #[serde(default)]
    pub payload: Value,
}

/// The message that was waited for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// The message.
    pub event: Event,
    /// The [`Wait::name`].
    pub name: String,
    /// What was left behind.
    pub payload: Value,
}

/// Nobody answered in time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unanswered {
    /// The [`Wait::reply_to`].
    pub reply_to: String,
    /// The [`Wait::name`].
    pub name: String,
    /// What was left behind.
    pub payload: Value,
}

impl NewTimer {
    /// A timer that fires once.
    pub fn once(name: impl Into<String>, after: Duration) -> Self {
        Self { name: name.into(), after, every: None, payload: Value::Null }
    }

    /// A timer that fires again and again.
    pub fn every(name: impl Into<String>, every: Duration) -> Self {
        Self { name: name.into(), after: every, every: Some(every), payload: Value::Null }
    }

    /// Leaves this behind.
    #[must_use]
    pub fn payload(mut self, payload: impl Into<Value>) -> Self {
        self.payload = payload.into();
        self
    }
}

impl Wait {
    /// Waits for the next message of the one who sent this one, in the same session.
    pub fn of(event: &Event, name: impl Into<String>, within: Duration) -> Self {
        Self {
            name: name.into(),
            session: event.session.clone(),
            reply_to: event.reply_to.clone(),
            sender: Some(event.sender.id.clone()),
            asked_by: Some(event.message_id.clone()),
            within,
            payload: Value::Null,
        }
    }

    /// Anybody in the session may answer.
    #[must_use]
    pub fn anybody(mut self) -> Self {
        self.sender = None;
        self
    }

    /// Leaves this behind.
    #[must_use]
    pub fn payload(mut self, payload: impl Into<Value>) -> Self {
        self.payload = payload.into();
        self
    }
}
