//! Writing messages, and what the client's answer means for them.

use firstlight_core::model::{Component, MessageKind, Outgoing, SessionKey};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};

use super::adapter::OneBot;
use super::answers::CallError;
use super::media::{Media, MediaError};
use super::segments::{is_inline, is_name, is_web};
use crate::platforms::Delivery;

/// How deep bundles within bundles are written.
const DEPTH: usize = 3;

/// Whom a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target<'a> {
    Group(&'a str),
    User(&'a str),
}

/// Sends one piece.
pub(super) async fn deliver(bot: &OneBot, media: &Media, outgoing: &Outgoing) -> Delivery {
    let Some(target) = target(&outgoing.session) else {
        return Delivery::Refused { error: "the session is no group and no user".to_owned() };
    };
    let (action, params) = match call(target, &outgoing.message.chain, media).await {
        Ok(Some(call)) => call,
        // Nothing that could be seen: there is nothing to send, and so it is sent.
        Ok(None) => return Delivery::Sent { receipt: None },
        Err(error @ (MediaError::Database(_) | MediaError::Unreadable { .. })) => {
            return Delivery::Later { error: error.to_string(), not_before: None };
        }
        Err(error) => return Delivery::Refused { error: error.to_string() },
    };
    let limit = bot.settings().api_timeout;
    match bot.links().call(&outgoing.account, action, params, limit).await {
        Ok(data) => Delivery::Sent { receipt: receipt(&data) },
        Err(error) => meaning(error),
    }
}

fn target(session: &SessionKey) -> Option<Target<'_>> {
    let id = session.session();
    match session.kind() {
        MessageKind::Group => Some(Target::Group(id)),
        MessageKind::Friend => Some(Target::User(id)),
        // The session of a notice.
        MessageKind::Other => {
            let group = id.strip_prefix("group_").map(Target::Group);
            group.or_else(|| id.strip_prefix("user_").map(Target::User))
        }
    }
}

pub(super) async fn call(
    target: Target<'_>,
    chain: &[Component],
    media: &Media,
) -> Result<Option<(&'static str, Value)>, MediaError> {
    let (key, id, plain, bundle) = match target {
        Target::Group(id) => ("group_id", id, "send_group_msg", "send_group_forward_msg"),
        Target::User(id) => ("user_id", id, "send_private_msg", "send_private_forward_msg"),
    };
    let mut params = Map::from_iter([(key.to_owned(), number(id))]);
    if let [Component::Nodes(nodes)] = chain {
        params.insert("messages".to_owned(), bundle_of(&nodes.messages, media, 0).await?);
        return Ok(Some((bundle, Value::Object(params))));
    }
    let message = segments(chain, media, 0).await?;
    if message.is_empty() {
        return Ok(None);
    }
    params.insert("message".to_owned(), Value::Array(message));
    Ok(Some((plain, Value::Object(params))))
}

/// The segments of a message.
pub(super) fn segments<'a>(
    chain: &'a [Component],
    media: &'a Media,
    depth: usize,
) -> BoxFuture<'a, Result<Vec<Value>, MediaError>> {
    async move {
        let mut segments = Vec::with_capacity(chain.len());
        for (index, component) in chain.iter().enumerate() {
            segments.push(segment(component, media, depth).await?);
            // A mention and the word behind it would run into each other.
            let next = chain.get(index + 1).and_then(Component::as_text);
            if matches!(component, Component::At(_))
                && next.is_some_and(|text| !text.starts_with(char::is_whitespace))
            {
                segments.push(text(" "));
            }
        }
        Ok(segments)
    }
    .boxed()
}

async fn segment(component: &Component, media: &Media, depth: usize) -> Result<Value, MediaError> {
    Ok(match component {
        Component::Plain(plain) => text(&plain.text),
        Component::Image(image) => {
            let found = media.reference(&[&image.url, &image.file]).await?;
            let kind = Some(image.kind.as_str()).filter(|kind| matches!(*kind, "flash" | "show"));
            file("image", found, component, kind.map(|kind| ("type", kind)))
        }
        Component::Record(record) => {
            let found = media.reference(&[&record.file, &record.url]).await?;
            file("record", found, component, None)
        }
        Component::Video(video) => {
            let found = media.reference(&[&video.url, &video.file]).await?;
            file("video", found, component, None)
        }
        Component::File(sent) => {
            let found = media.reference(&[&sent.url, &sent.file]).await?;
            let name = Some(sent.name.as_str()).filter(|name| !name.is_empty());
            file("file", found, component, name.map(|name| ("name", name)))
        }
        Component::At(at) => json!({ "type": "at", "data": { "qq": at.qq } }),
        Component::Reply(reply) => json!({ "type": "reply", "data": { "id": reply.id } }),
        Component::Json(card) => {
            let data = card.data.as_str().map_or_else(|| card.data.to_string(), str::to_owned);
            json!({ "type": "json", "data": { "data": data } })
        }
        Component::Location(place) => json!({ "type": "location", "data": {
            "lat": place.lat.to_string(), "lon": place.lon.to_string(),
            "title": place.title, "content": place.content,
        } }),
        Component::Node(_) | Component::Nodes(_) if depth >= DEPTH => text(&component.outline()),
        Component::Node(_) => node(component, media, depth).await?,
        Component::Nodes(nodes) => {
            let bundle = bundle_of(&nodes.messages, media, depth).await?;
            json!({ "type": "node", "data": { "content": bundle } })
        }
        Component::Face(_)
        | Component::Forward(_)
        | Component::Poke(_)
        | Component::Share(_)
        | Component::Music(_)
        | Component::Contact(_)
        | Component::Rps(_)
        | Component::Dice(_)
        | Component::Shake(_)
        | Component::Unknown(_) => without_places(json!(component)),
        Component::DiscordEmbed(_)
        | Component::DiscordButton(_)
        | Component::DiscordReference(_)
        | Component::DiscordView(_) => text(&component.outline()),
    })
}

/// A bundle: the client's own names for the author of a node differ, so both are given.
async fn bundle_of(nodes: &[Component], media: &Media, depth: usize) -> Result<Value, MediaError> {
    let mut messages = Vec::with_capacity(nodes.len());
    for component in nodes {
        messages.push(node(component, media, depth).await?);
    }
    Ok(Value::Array(messages))
}

async fn node(component: &Component, media: &Media, depth: usize) -> Result<Value, MediaError> {
    let Component::Node(node) = component else {
        let content = segments(std::slice::from_ref(component), media, depth + 1).await?;
        return Ok(json!({ "type": "node", "data": { "content": content } }));
    };
    if !matches!(node.id.as_str(), "" | "0") {
        return Ok(json!({ "type": "node", "data": { "id": node.id } }));
    }
    let content = segments(&node.content, media, depth + 1).await?;
    Ok(json!({ "type": "node", "data": {
        "user_id": node.uin, "nickname": node.name, "uin": node.uin, "name": node.name,
        "content": content,
    } }))
}

fn text(text: &str) -> Value {
    json!({ "type": "text", "data": { "text": text } })
}

/// A media segment, or a stand-in where there is nothing but a path.
fn file(
    kind: &str,
    found: Option<String>,
    component: &Component,
    extra: Option<(&str, &str)>,
) -> Value {
    let Some(found) = found else { return text(&component.outline()) };
    let mut data = Map::from_iter([("file".to_owned(), Value::from(found))]);
    if let Some((key, value)) = extra {
        data.insert(key.to_owned(), value.into());
    }
    json!({ "type": kind, "data": data })
}

/// Removes what names a place on a machine from a segment that is passed on as it is.
fn without_places(mut segment: Value) -> Value {
    if let Some(data) = segment.get_mut("data").and_then(Value::as_object_mut) {
        data.retain(|key, value| match value.as_str() {
            Some(text) if matches!(key.as_str(), "file" | "path" | "cover" | "thumb") => {
                is_web(text) || is_inline(text) || is_name(text)
            }
            _ => true,
        });
    }
    segment
}

/// Ids of OneBot are numbers; what is none is passed on as it is.
fn number(id: &str) -> Value {
    id.parse::<i64>().map_or_else(|_| Value::from(id), Value::from)
}

fn receipt(data: &Value) -> Option<Value> {
    let ids = ["message_id", "forward_id"];
    let found: Map<String, Value> =
        ids.iter().filter_map(|key| Some(((*key).to_owned(), data.get(*key)?.clone()))).collect();
    (!found.is_empty()).then_some(Value::Object(found))
}

/// What became of a message whose call failed. `docs/onebot.md` has the table.
pub(super) fn meaning(error: CallError) -> Delivery {
    let text = error.to_string();
    match error {
        CallError::Offline => Delivery::Offline,
        CallError::Lost | CallError::TimedOut | CallError::Senseless(_) => {
            Delivery::Unknown { error: text }
        }
        CallError::Failed { retcode, message } => {
            let lower = message.to_lowercase();
            if lower.contains("timeout") || lower.contains("timed out") || message.contains("超时")
            {
                // The client does not know itself whether it was sent.
                return Delivery::Unknown { error: text };
            }
            match retcode {
                // A wrong parameter, no permission, no such action.
                100 | 102 | 103 | 1400 | 1404 | 10_000..=10_999 => {
                    Delivery::Refused { error: text }
                }
                _ => Delivery::Later { error: text, not_before: None },
            }
        }
    }
}
