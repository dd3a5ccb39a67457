//! Questions to the client: quoted messages, bundles, groups, files.

use std::time::Duration;

use firstlight_core::model::{Component, Group, MessageChain, MessageKind, Sender};
use serde_json::{Map, Value, json};

use super::adapter::OneBot;
use super::answers::CallError;
use super::event::{id, text_of};
use super::segments;
use crate::platforms::{Origin, QueryError, Quoted};

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(15);
/// How many messages of a bundle, and members of a group, are taken.
const MOST: usize = 5_000;

pub(super) async fn quoted(
    bot: &OneBot,
    origin: Origin<'_>,
    message_id: &str,
) -> Result<Quoted, QueryError> {
    let data = ask(bot, origin, "get_msg", json!({ "message_id": number(message_id) })).await?;
    let data = data.as_object().ok_or_else(senseless)?;
    message(data).ok_or_else(senseless)
}

pub(super) async fn forwarded(
    bot: &OneBot,
    origin: Origin<'_>,
    bundle_id: &str,
) -> Result<Vec<Quoted>, QueryError> {
    // The clients disagree on the name of the key, and pass over the one they do not know.
    let params = json!({ "id": bundle_id, "message_id": bundle_id });
    let data = ask(bot, origin, "get_forward_msg", params).await?;
    let found = ["messages", "message", "content"].iter().find_map(|key| data.get(*key));
    let messages = found.and_then(Value::as_array).ok_or_else(senseless)?;
    Ok(messages.iter().take(MOST).filter_map(node).collect())
}

pub(super) async fn group(
    bot: &OneBot,
    origin: Origin<'_>,
    group_id: &str,
) -> Result<Group, QueryError> {
    let params = || json!({ "group_id": number(group_id) });
    let info = ask(bot, origin, "get_group_info", params()).await?;
    let name = info.get("group_name").and_then(Value::as_str).map(str::to_owned);
    let mut group = Group {
        group_id: group_id.to_owned(),
        group_name: name,
        group_owner: info.get("owner_id").and_then(text_of),
        ..Group::default()
    };
    // A group is worth something without its members.
    let members = ask(bot, origin, "get_group_member_list", params()).await;
    let Ok(Value::Array(members)) = members else { return Ok(group) };
    let role = |member: &Value, wanted: &str| member.get("role").is_some_and(|r| r == wanted);
    let user = |member: &Value| member.get("user_id").and_then(text_of);
    group.group_owner =
        group.group_owner.or_else(|| members.iter().find(|m| role(m, "owner")).and_then(user));
    group.group_admins =
        Some(members.iter().filter(|m| role(m, "admin")).filter_map(user).collect());
    group.members = Some(members.iter().take(MOST).filter_map(|m| named(m.as_object()?)).collect());
    Ok(group)
}

pub(super) async fn person(
    bot: &OneBot,
    origin: Origin<'_>,
    user_id: &str,
) -> Result<Sender, QueryError> {
    let user = number(user_id);
    if origin.session.kind() == MessageKind::Group {
        let params = json!({ "group_id": session_id(origin), "user_id": user });
        if let Ok(member) = ask(bot, origin, "get_group_member_info", params).await
            && let Some(found) = member.as_object().and_then(named)
        {
            return Ok(found);
        }
    }
    let stranger = ask(bot, origin, "get_stranger_info", json!({ "user_id": user })).await?;
    stranger.as_object().and_then(named).ok_or_else(senseless)
}

pub(super) async fn media_address(
    bot: &OneBot,
    origin: Origin<'_>,
    component: &Component,
) -> Result<String, QueryError> {
    let known = match component {
        Component::Image(image) => [&image.url, &image.file],
        Component::Record(record) => [&record.url, &record.file],
        Component::Video(video) => [&video.url, &video.file],
        Component::File(file) => [&file.url, &file.file],
        _ => return Err(QueryError::Unsupported),
    };
    if let Some(url) = known.iter().find(|url| segments::is_web(url)) {
        return Ok((*url).clone());
    }
    let [_, name] = known;
    if name.is_empty() {
        return Err(QueryError::Unsupported);
    }
    let (action, params) = match component {
        Component::Image(_) => ("get_image", json!({ "file": name })),
        Component::Record(_) => ("get_record", json!({ "file": name, "out_format": "mp3" })),
        Component::File(_) if origin.session.kind() == MessageKind::Friend => {
            ("get_private_file_url", json!({ "file_id": name, "user_id": session_id(origin) }))
        }
        Component::File(_) => {
            ("get_group_file_url", json!({ "file_id": name, "group_id": session_id(origin) }))
        }
        _ => ("get_file", json!({ "file": name, "file_id": name })),
    };
    let data = ask(bot, origin, action, params).await?;
    // A path on the client's machine is of no use here, and must never be read on ours.
    let found = ["url", "file"].iter().find_map(|key| data.get(*key)?.as_str());
    let found = found.filter(|url| segments::is_web(url)).map(str::to_owned);
    found.ok_or_else(|| QueryError::Failed("the client knows no address for the file".to_owned()))
}

async fn ask(
    bot: &OneBot,
    origin: Origin<'_>,
    action: &str,
    params: Value,
) -> Result<Value, QueryError> {
    let asked = bot.links().call(origin.account, action, params, LIMIT).await;
    asked.map_err(|error| match error {
        CallError::Offline => QueryError::Offline,
        other => QueryError::Failed(other.to_string()),
    })
}

/// A message as `get_msg` and bundles carry it.
fn message(data: &Map<String, Value>) -> Option<Quoted> {
    let content = ["message", "content", "raw_message"].iter().find_map(|key| data.get(*key))?;
    let chain = segments::read(content).ok()?;
    let sender = data.get("sender").and_then(Value::as_object).and_then(named);
    Some(Quoted {
        sender: sender.unwrap_or_default(),
        time: data.get("time").and_then(Value::as_i64).unwrap_or_default(),
        message: MessageChain { chain, ..MessageChain::default() },
    })
}

/// One message of a bundle: as a message, or as a node segment.
fn node(value: &Value) -> Option<Quoted> {
    let map = value.as_object()?;
    match map.get("data").and_then(Value::as_object) {
        None => message(map),
        Some(data) => {
            let mut quoted = message(data)?;
            if quoted.sender.user_id.is_empty() {
                let nickname = ["nickname", "name"].iter().find_map(|key| data.get(*key)?.as_str());
                quoted.sender = Sender {
                    user_id: id(data, "user_id").or_else(|| id(data, "uin")).unwrap_or_default(),
                    nickname: nickname.map(str::to_owned),
                };
            }
            Some(quoted)
        }
    }
}

fn named(map: &Map<String, Value>) -> Option<Sender> {
    let name = ["card", "nickname"]
        .iter()
        .find_map(|key| map.get(*key)?.as_str().map(str::trim).filter(|name| !name.is_empty()));
    Some(Sender { user_id: id(map, "user_id")?, nickname: name.map(str::to_owned) })
}

fn session_id(origin: Origin<'_>) -> Value {
    let session = origin.session.session();
    number(session.strip_prefix("group_").unwrap_or(session))
}

fn number(id: &str) -> Value {
    id.parse::<i64>().map_or_else(|_| Value::from(id), Value::from)
}

fn senseless() -> QueryError {
    QueryError::Failed("the answer of the client makes no sense".to_owned())
}
