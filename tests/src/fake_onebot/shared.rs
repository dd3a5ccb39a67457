//! What the parts of a fake share: who it is, what it was told, what it has seen.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};

use super::record::{Records, lock};
use super::reply::Reply;

/// The account that the fake is logged in with.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its number.
    pub self_id: i64,
    /// The access token, which the fake sends as a client and demands as a server.
    pub token: Option<String>,
    /// What HTTP callbacks are signed with.
    pub secret: Option<String>,
}

/// What a reverse connection carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Events and actions.
    Universal,
    /// Only events.
    Event,
    /// Only actions.
    Api,
}

/// What a connection is to write next.
pub(super) enum Out {
    /// An event, and who waits for it to be written.
    Event { text: String, written: oneshot::Sender<()> },
    /// An answer.
    Answer(String),
    /// The first half of this, and then the end of the connection.
    Half(String),
    /// A close frame.
    Close,
}

pub(super) struct Shared {
    pub(super) account: Account,
    pub(super) records: Records,
    script: Mutex<Script>,
    chat: Mutex<Chat>,
    /// Whether the fake connects and lets others connect.
    pub(super) present: watch::Sender<bool>,
    /// Counts up when every connection is to break at once.
    pub(super) cuts: watch::Sender<u64>,
    pub(super) heartbeat: watch::Sender<Option<Duration>>,
    /// The connections that carry events, by number.
    pub(super) open: watch::Sender<BTreeMap<u64, mpsc::UnboundedSender<Out>>>,
    /// Where a reverse connection or a callback goes.
    pub(super) gateway: watch::Sender<String>,
}

#[derive(Default)]
struct Script {
    next: VecDeque<Reply>,
    by_action: BTreeMap<String, Reply>,
    otherwise: Reply,
}

/// What was said, by anybody, and the numbers given out.
#[derive(Default)]
struct Chat {
    messages: BTreeMap<i64, Value>,
    last_id: i64,
    connections: u64,
}

impl Account {
    /// An account with a token and a secret.
    pub fn new(self_id: i64) -> Self {
        let token = Some(format!("token of {self_id}"));
        Self { self_id, token, secret: Some(format!("secret of {self_id}")) }
    }
}

impl Role {
    /// As the handshake says it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Universal => "Universal",
            Self::Event => "Event",
            Self::Api => "API",
        }
    }

    /// The path of the gateway's server.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Universal => "/ws",
            Self::Event => "/ws/event",
            Self::Api => "/ws/api",
        }
    }

    pub(super) fn carries_events(self) -> bool {
        self != Self::Api
    }

    pub(super) fn carries_actions(self) -> bool {
        self != Self::Event
    }
}

impl Shared {
    pub(super) fn new(account: Account, gateway: &str) -> Self {
        Self {
            account,
            records: Records::new(),
            script: Mutex::default(),
            chat: Mutex::new(Chat { last_id: 1_000, ..Chat::default() }),
            present: watch::Sender::new(true),
            cuts: watch::Sender::new(0),
            heartbeat: watch::Sender::new(Some(Duration::from_secs(5))),
            open: watch::Sender::default(),
            gateway: watch::Sender::new(gateway.to_owned()),
        }
    }

    pub(super) fn push(&self, reply: Reply) {
        lock(&self.script).next.push_back(reply);
    }

    pub(super) fn when_action(&self, action: &str, reply: Reply) {
        lock(&self.script).by_action.insert(action.to_owned(), reply);
    }

    pub(super) fn otherwise(&self, reply: Reply) {
        lock(&self.script).otherwise = reply;
    }

    pub(super) fn choose(&self, action: &str) -> Reply {
        let mut script = lock(&self.script);
        if let Some(reply) = script.by_action.get(action) {
            return reply.clone();
        }
        script.next.pop_front().unwrap_or_else(|| script.otherwise.clone())
    }

    /// The number of the next message.
    pub(super) fn next_message_id(&self) -> i64 {
        let mut chat = lock(&self.chat);
        chat.last_id += 1;
        chat.last_id
    }

    /// The number of the next connection.
    pub(super) fn next_connection(&self) -> u64 {
        let mut chat = lock(&self.chat);
        chat.connections += 1;
        chat.connections
    }

    /// The number of the connection that was opened last.
    pub(super) fn newest_connection(&self) -> u64 {
        lock(&self.chat).connections
    }

    /// Remembers a message under its number.
    pub(super) fn remember(&self, id: i64, message: Value) {
        lock(&self.chat).messages.insert(id, message);
    }

    /// The message of that number.
    pub(super) fn message(&self, id: i64) -> Option<Value> {
        lock(&self.chat).messages.get(&id).cloned()
    }
}
