//! Events as OneBot v11 writes them, and the segments of their messages.

use serde_json::{Value, json};

/// A text segment.
pub fn text(text: &str) -> Value {
    json!({"type": "text", "data": {"text": text}})
}

/// A mention of an account.
pub fn at(user: i64) -> Value {
    json!({"type": "at", "data": {"qq": user.to_string()}})
}

/// A picture with its address.
pub fn image(url: &str) -> Value {
    json!({"type": "image", "data": {"file": "picture.jpg", "url": url}})
}

/// A voice message with its address.
pub fn record(url: &str) -> Value {
    json!({"type": "record", "data": {"file": "voice.amr", "url": url}})
}

/// A quote of a message.
pub fn reply_to(message_id: i64) -> Value {
    json!({"type": "reply", "data": {"id": message_id.to_string()}})
}

/// A message in a group.
pub(super) fn group_message(me: i64, id: i64, group: i64, user: i64, message: &[Value]) -> Value {
    json!({
        "post_type": "message", "message_type": "group", "sub_type": "normal",
        "message_id": id, "group_id": group, "group_name": format!("Group {group}"),
        "user_id": user, "self_id": me, "time": now(), "font": 0, "anonymous": null,
        "message": message, "raw_message": raw(message),
        "sender": {"user_id": user, "nickname": format!("User {user}"), "card": "", "role": "member"},
    })
}

/// A message to the account alone.
pub(super) fn private_message(me: i64, id: i64, user: i64, message: &[Value]) -> Value {
    json!({
        "post_type": "message", "message_type": "private", "sub_type": "friend",
        "message_id": id, "user_id": user, "self_id": me, "time": now(), "font": 0,
        "message": message, "raw_message": raw(message),
        "sender": {"user_id": user, "nickname": format!("User {user}")},
    })
}

pub(super) fn lifecycle(me: i64) -> Value {
    json!({"post_type": "meta_event", "meta_event_type": "lifecycle", "sub_type": "connect",
        "self_id": me, "time": now()})
}

pub(super) fn heartbeat(me: i64, interval: std::time::Duration) -> Value {
    json!({"post_type": "meta_event", "meta_event_type": "heartbeat", "self_id": me, "time": now(),
        "status": {"online": true, "good": true}, "interval": interval.as_millis()})
}

/// The message in the text form of older implementations.
pub(super) fn raw(message: &[Value]) -> String {
    message.iter().map(raw_segment).collect()
}

fn raw_segment(segment: &Value) -> String {
    let kind = segment["type"].as_str().unwrap_or_default();
    if kind == "text" {
        return segment["data"]["text"].as_str().unwrap_or_default().to_owned();
    }
    let data = segment["data"].as_object();
    let pairs = data.into_iter().flatten().map(|(name, value)| match value {
        Value::String(text) => format!(",{name}={text}"),
        other => format!(",{name}={other}"),
    });
    format!("[CQ:{kind}{}]", pairs.collect::<String>())
}

/// Seconds since the epoch.
fn now() -> u64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed();
    since.map_or(0, |since| since.as_secs())
}
