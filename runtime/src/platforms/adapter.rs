//! What every chat platform implements: take messages in, bring messages out, answer questions.

use std::sync::Arc;

use async_trait::async_trait;
use firstlight_core::lifecycle::BoxError;
use firstlight_core::model::{
    Component, Group, MessageChain, MessageEvent, Outgoing, Sender, SessionKey,
};
use jiff::Timestamp;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::health::Health;
use super::intake::Intake;

/// What a platform can do, as its type states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// The type in the configuration, such as `aiocqhttp`.
    pub kind: &'static str,
    /// The name for people.
    pub display_name: &'static str,
    /// Whether it can show an answer while it is being made.
    pub streams: bool,
    /// Whether a message can be sent to it that nobody asked for.
    pub sends_unasked: bool,
    /// Whether the far side drops a repetition of the same idempotency key, so that sending again
    /// after a crash does no harm.
    pub resend_safe: bool,
    /// How many messages may be on their way to it at once, each to another session.
    pub concurrent_sends: u32,
}

/// What became of an attempt to send a message.
#[derive(Debug)]
pub enum Delivery {
    /// The platform has it, and answered this.
    Sent {
        /// The platform's own answer, such as its message id.
        receipt: Option<Value>,
    },
    /// The platform does not have it; it may take it later.
    Later {
        /// Why.
        error: String,
        /// The platform asked to wait until then, in milliseconds since the epoch.
        not_before: Option<i64>,
    },
    /// There is no connection: nothing was tried, so this costs the message no attempt.
    Offline,
    /// The platform may have it: the answer never came.
    Unknown {
        /// What happened.
        error: String,
    },
    /// The platform will not have it, now or later.
    Refused {
        /// Why.
        error: String,
    },
}

/// A message that another one quotes, or one of a forwarded bundle.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Quoted {
    /// Who wrote it.
    pub sender: Sender,
    /// When, in Unix seconds.
    pub time: i64,
    /// What it says.
    pub message: MessageChain,
}

/// Why a platform could not answer a question.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The platform has no such question.
    #[error("the platform cannot tell")]
    Unsupported,
    /// It is not connected.
    #[error("the platform is not connected")]
    Offline,
    /// It refused, or its answer did not come or made no sense.
    #[error("{0}")]
    Failed(String),
}

/// Where a message came from that a question is about. Ids of messages and files mean something
/// only to the account that received them.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The session.
    pub session: &'a SessionKey,
    /// The bot's own account; empty leaves the choice to the platform.
    pub account: &'a str,
}

impl<'a> Origin<'a> {
    /// The origin of a received message.
    pub fn of(event: &'a MessageEvent) -> Self {
        Self { session: event.reply_to(), account: &event.self_id }
    }
}

/// The connections of a platform, as the platform list shows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connections {
    /// Where the far side connects to, where it does.
    pub listening: Option<String>,
    /// One line for each open connection: whose it is and what for.
    pub open: Vec<String>,
    /// When the far side was last heard of.
    pub last_heard: Option<Timestamp>,
}

/// What an adapter runs with.
#[derive(Clone)]
pub struct AdapterContext {
    /// Where received messages go.
    pub intake: Intake,
    /// How it is: up once the adapter takes messages, and what went wrong meanwhile.
    pub health: Health,
    /// Cancelled when the platform is to stop.
    pub stop: CancellationToken,
}

/// One connection to a chat platform, as configured. Made once and run again after a failure.
#[async_trait]
pub trait Adapter: Send + Sync + 'static {
    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// Takes messages until it is told to stop. An error is a fault of this platform alone: it is
    /// run again after a pause. A message is acknowledged to the far side only after
    /// [`Intake::accept`] returned.
    async fn run(self: Arc<Self>, context: AdapterContext) -> Result<(), BoxError>;

    /// How its connections are.
    fn connections(&self) -> Connections {
        Connections::default()
    }

    /// The message as this platform sends it: one piece, or several in order where it is too long
    /// for one or holds what needs a message of its own. What has been sent is taken off the front,
    /// so the pieces of the rest must be the rest of the pieces.
    fn pieces(&self, message: Outgoing) -> Vec<Outgoing> {
        vec![message]
    }

    /// Sends one piece. Has its own deadline, and never panics on what the far side says.
    async fn deliver(&self, message: &Outgoing, idempotency_key: &str) -> Delivery;

    /// Resolves once the platform can be sent to; the sender waits for it instead of trying.
    async fn online(&self);

    /// Reacts to a received message, to say that work on it begins. Best effort; most cannot.
    async fn react(&self, _event: &MessageEvent, _reaction: &str) {}

    /// The message of that id, for a quote that came without its content.
    async fn quoted(&self, _origin: Origin<'_>, _message_id: &str) -> Result<Quoted, QueryError> {
        Err(QueryError::Unsupported)
    }

    /// The messages of a forwarded bundle.
    async fn forwarded(
        &self,
        _origin: Origin<'_>,
        _bundle_id: &str,
    ) -> Result<Vec<Quoted>, QueryError> {
        Err(QueryError::Unsupported)
    }

    /// A group, with its members where the platform tells.
    async fn group(&self, _origin: Origin<'_>, _group_id: &str) -> Result<Group, QueryError> {
        Err(QueryError::Unsupported)
    }

    /// A person, by the name that the session of the origin knows.
    async fn person(&self, _origin: Origin<'_>, _user_id: &str) -> Result<Sender, QueryError> {
        Err(QueryError::Unsupported)
    }

    /// Where a received file, picture or voice can be fetched: an `http(s)` address.
    async fn media_address(
        &self,
        _origin: Origin<'_>,
        _component: &Component,
    ) -> Result<String, QueryError> {
        Err(QueryError::Unsupported)
    }
}
