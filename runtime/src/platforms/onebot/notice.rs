//! Notices and requests (OneBot v11, "Notice event" and "Request event").
//!
//! A poke belongs to the conversation it was made in. Everything else that a plugin may act on is
//! a message of the kind "other" without text, in a session of its own, with the whole event in its
//! extras; nothing answers it by itself. What only decorates a chat is ignored.

use firstlight_core::model::{Component, File, MessageKind, Poke, Sender};
use serde_json::Value;
use sha1::{Digest as _, Sha1};

use super::event::{EXTRA, EventError, Fields, Reading, Received};
use super::segments;

/// The notices that plugins get.
const PASSED_ON: &[&str] = &[
    "friend_add",
    "friend_recall",
    "group_admin",
    "group_ban",
    "group_decrease",
    "group_increase",
    "group_recall",
    "group_upload",
];

pub(super) fn read(fields: &Fields<'_>) -> Result<Reading, EventError> {
    match (fields.text("notice_type"), fields.text("sub_type")) {
        (Some("notify"), Some("poke")) => poke(fields),
        (Some(kind), _) if PASSED_ON.contains(&kind) => other(fields),
        _ => Ok(Reading::Ignored),
    }
}

pub(super) fn request(fields: &Fields<'_>) -> Result<Reading, EventError> {
    match fields.text("request_type") {
        Some("friend" | "group") => other(fields),
        _ => Ok(Reading::Ignored),
    }
}

fn poke(fields: &Fields<'_>) -> Result<Reading, EventError> {
    let user = fields.id("user_id").ok_or(EventError::Missing("user_id"))?;
    let target = fields.id("target_id").ok_or(EventError::Missing("target_id"))?;
    if user == fields.account {
        return Ok(Reading::Ignored);
    }
    let session = match fields.id("group_id") {
        Some(group) => fields.session(MessageKind::Group, &group)?,
        None => fields.session(MessageKind::Friend, &user)?,
    };
    let poke = Poke { kind: "126".to_owned(), id: target, qq: String::new() };
    let identity = identity(fields);
    let sender = Sender { user_id: user, nickname: None };
    let event = fields.event(session, identity.clone(), sender, vec![Component::Poke(poke)]);
    Ok(received(fields, event, identity))
}

fn other(fields: &Fields<'_>) -> Result<Reading, EventError> {
    let user = fields.id("user_id").unwrap_or_default();
    // Named so that an answer finds its way back.
    let session = match fields.id("group_id") {
        Some(group) => fields.session(MessageKind::Other, &format!("group_{group}"))?,
        None if user.is_empty() => return Err(EventError::Missing("user_id or group_id")),
        None => fields.session(MessageKind::Other, &format!("user_{user}"))?,
    };
    let file = fields.map.get("file").and_then(Value::as_object).map(|file| {
        let text = |key: &str| super::event::id(file, key).unwrap_or_default();
        let url = text("url");
        Component::File(File {
            name: text("name"),
            file: Some(text("id")).filter(|id| segments::is_file_id(id)).unwrap_or_default(),
            url: if segments::is_web(&url) { url } else { String::new() },
        })
    });
    let identity = identity(fields);
    let sender = Sender { user_id: user, nickname: None };
    let event = fields.event(session, identity.clone(), sender, file.into_iter().collect());
    Ok(received(fields, event, identity))
}

fn received(
    fields: &Fields<'_>,
    mut event: firstlight_core::model::MessageEvent,
    identity: String,
) -> Reading {
    event.text = String::new();
    event.extras.insert(EXTRA.to_owned(), Value::Object(fields.map.clone()));
    Reading::Message(Box::new(Received { event, identity }))
}

/// Notices have no id: the same content is the same notice. It has its time in it, in seconds.
fn identity(fields: &Fields<'_>) -> String {
    let content = serde_json::to_vec(fields.map).unwrap_or_default();
    format!("{}/notice/{}", fields.account, hex::encode(Sha1::digest(content)))
}
