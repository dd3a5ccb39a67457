//! Reading frames and events (OneBot v11, "Event").
//!
//! What identifies a message is its account, its session, its id and its time: ids are counted by
//! each account for itself, and some clients begin anew. The same event over two ways has the same
//! identity.

use std::borrow::Cow;

use firstlight_core::model::{
    ChainRefused, Component, Group, InvalidSessionKey, MessageChain, MessageEvent, MessageKind,
    PlatformId, Sender, SessionKey,
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answers::Answer;
use super::{notice, segments};

/// Where an event keeps what only OneBot knows.
pub(super) const EXTRA: &str = "onebot";

/// An account of the service itself, which writes into every group that it manages; nothing it says
/// is meant for a bot.
const SERVICE: &str = "2854196310";

/// A frame of a WebSocket.
#[derive(Debug)]
pub(super) enum Frame {
    /// The answer to a call of ours.
    Answer { echo: String, answer: Answer },
    /// An event; it is read further by [`read`].
    Event { account: Option<String> },
    /// A sign of life.
    Meta { account: Option<String>, meta: Meta },
}

/// A sign of life (OneBot v11, "Meta event").
#[derive(Debug)]
pub(super) enum Meta {
    Heartbeat { interval_ms: Option<u64> },
    Lifecycle { kind: String },
    Other,
}

/// What an event is.
#[derive(Debug)]
pub(super) enum Reading {
    /// Something for the inbox.
    Message(Box<Received>),
    /// A sign of life.
    Meta(#[expect(dead_code, reason = "only connections look at it, and they read frames")] Meta),
    /// Nothing that anybody waits for.
    Ignored,
}

/// An event for the inbox.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) event: MessageEvent,
    pub(super) identity: String,
}

/// Why an event was refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum EventError {
    /// It is no JSON object.
    #[error("it is not a JSON object")]
    NoObject,
    /// It lacks what it must have.
    #[error("it has no {0}")]
    Missing(&'static str),
    /// Its message is too large or misshapen.
    #[error(transparent)]
    Message(#[from] ChainRefused),
    /// Its session cannot be named.
    #[error(transparent)]
    Session(#[from] InvalidSessionKey),
}

/// What is looked at before the whole is read. Ids are numbers or texts.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default)]
    post_type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    meta_event_type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    sub_type: Option<Cow<'a, str>>,
    #[serde(default)]
    self_id: Value,
    #[serde(default)]
    interval: Value,
    #[serde(default)]
    echo: Value,
}

/// Reads as much of a frame as says what it is.
pub(super) fn frame(text: &str) -> Result<Frame, EventError> {
    let head: Head<'_> = serde_json::from_str(text).map_err(|_| EventError::NoObject)?;
    let account = text_of(&head.self_id);
    match head.post_type.as_deref() {
        Some("meta_event") => Ok(Frame::Meta { account, meta: head.meta() }),
        Some(_) => Ok(Frame::Event { account }),
        None => {
            let echo = text_of(&head.echo).ok_or(EventError::Missing("post_type or echo"))?;
            let answer = serde_json::from_str(text).map_err(|_| EventError::NoObject)?;
            Ok(Frame::Answer { echo, answer })
        }
    }
}

impl Head<'_> {
    fn meta(&self) -> Meta {
        match self.meta_event_type.as_deref() {
            Some("heartbeat") => Meta::Heartbeat { interval_ms: self.interval.as_u64() },
            Some("lifecycle") => {
                let kind = self.sub_type.as_deref().unwrap_or_default();
                Meta::Lifecycle { kind: kind.chars().take(32).collect() }
            }
            _ => Meta::Other,
        }
    }
}

/// The keys of an event as its readers ask for them.
pub(super) struct Fields<'a> {
    pub(super) map: &'a Map<String, Value>,
    pub(super) platform: &'a PlatformId,
    pub(super) kind: &'static str,
    /// The account that received it.
    pub(super) account: String,
}

/// Reads an event. `account` stands in where the event does not say whose it is.
pub(super) fn read(
    bytes: &[u8],
    platform: &PlatformId,
    kind: &'static str,
    account: &str,
) -> Result<Reading, EventError> {
    let value: Value = serde_json::from_slice(bytes).map_err(|_| EventError::NoObject)?;
    let Value::Object(map) = value else { return Err(EventError::NoObject) };
    let account = id(&map, "self_id").unwrap_or_else(|| account.to_owned());
    let fields = Fields { map: &map, platform, kind, account };
    match fields.text("post_type").ok_or(EventError::Missing("post_type"))? {
        "message" => message(&fields),
        "notice" => notice::read(&fields),
        "request" => notice::request(&fields),
        "meta_event" => Ok(Reading::Meta(Meta::Other)),
        // Among them `message_sent`, what the bot itself wrote.
        _ => Ok(Reading::Ignored),
    }
}

impl<'a> Fields<'a> {
    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        self.map.get(key)?.as_str()
    }

    pub(super) fn id(&self, key: &str) -> Option<String> {
        id(self.map, key)
    }

    /// When it happened; now, where it does not say.
    pub(super) fn time(&self) -> Option<i64> {
        let time = self.map.get("time")?;
        time.as_i64().or_else(|| time.as_str()?.parse().ok())
    }

    pub(super) fn group(&self) -> Option<Group> {
        let group_name = self.text("group_name").filter(|name| !name.is_empty());
        let group_id = self.id("group_id")?;
        Some(Group { group_id, group_name: group_name.map(str::to_owned), ..Group::default() })
    }

    /// An event of that session and sender, with everything that does not depend on its kind.
    pub(super) fn event(
        &self,
        session: SessionKey,
        message_id: String,
        sender: Sender,
        chain: Vec<Component>,
    ) -> MessageEvent {
        let chain = MessageChain { chain, ..MessageChain::default() };
        let mut event = MessageEvent::new(session, self.kind, message_id, sender, chain);
        event.self_id.clone_from(&self.account);
        event.group = self.group();
        if let Some(at) = self.time().and_then(|time| Timestamp::from_second(time).ok()) {
            event.at = at;
        }
        event
    }

    pub(super) fn session(
        &self,
        kind: MessageKind,
        id: &str,
    ) -> Result<SessionKey, InvalidSessionKey> {
        SessionKey::new(self.platform.clone(), kind, id)
    }
}

fn message(fields: &Fields<'_>) -> Result<Reading, EventError> {
    let user = fields.id("user_id").ok_or(EventError::Missing("user_id"))?;
    if user == fields.account || user == SERVICE {
        return Ok(Reading::Ignored);
    }
    let message_id = fields.id("message_id").ok_or(EventError::Missing("message_id"))?;
    let session = match fields.text("message_type") {
        Some("group") => {
            let group = fields.id("group_id").ok_or(EventError::Missing("group_id"))?;
            fields.session(MessageKind::Group, &group)?
        }
        Some("private") => fields.session(MessageKind::Friend, &user)?,
        _ => return Err(EventError::Missing("message_type that is known")),
    };
    let given = fields.map.get("message").or_else(|| fields.map.get("raw_message"));
    let chain = segments::read(given.ok_or(EventError::Missing("message"))?)?;
    let time = fields.time().map_or_else(String::new, |time| time.to_string());
    let identity = format!("{}/{session}/{message_id}/{time}", fields.account);
    let text = segments::text(&chain, &fields.account);
    let mut event = fields.event(session, message_id, sender(fields, user), chain);
    event.text = text;
    event.extras.insert(EXTRA.to_owned(), about(fields));
    Ok(Reading::Message(Box::new(Received { event, identity })))
}

/// The sender, by the name that the group knows, which the message itself carries.
fn sender(fields: &Fields<'_>, user_id: String) -> Sender {
    let inner = |outer: &str, key: &str| {
        let name = fields.map.get(outer)?.get(key)?.as_str()?.trim();
        (!name.is_empty()).then(|| name.to_owned())
    };
    let nickname = inner("anonymous", "name")
        .or_else(|| inner("sender", "card"))
        .or_else(|| inner("sender", "nickname"));
    Sender { user_id, nickname }
}

fn about(fields: &Fields<'_>) -> Value {
    let role = fields.map.get("sender").and_then(|sender| sender.get("role"));
    json!({
        "sub_type": fields.text("sub_type"),
        "role": role.and_then(Value::as_str),
    })
}

/// An id, which may be a number or a text.
pub(super) fn id(map: &Map<String, Value>, key: &str) -> Option<String> {
    text_of(map.get(key)?)
}

pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
