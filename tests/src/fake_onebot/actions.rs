//! What each action does and answers, as the OneBot v11 documentation describes it.

use serde_json::{Value, json};
use tokio::time::Instant;

use super::event::raw;
use super::record::Asked;
use super::reply::Reply;
use super::shared::Shared;

/// An action that was recorded, and what is to be done about it.
pub(super) struct Taken {
    pub(super) reply: Reply,
    /// The proper answer, with the echo.
    pub(super) answer: Value,
}

/// Takes an action: decides about it, records it, and makes the answer.
pub(super) fn take(
    shared: &Shared,
    connection: u64,
    action: &str,
    params: &Value,
    echo: &Value,
) -> Taken {
    let action = action.trim_end_matches("_async").trim_end_matches("_rate_limited");
    let reply = shared.choose(action);
    let (shown, mut answer) = match &reply {
        Reply::Failed { retcode, wording } => (None, failed(*retcode, wording)),
        Reply::Status(status) => (None, failed(1400, &format!("as with HTTP {status}"))),
        Reply::Data(data) => (None, ok(data)),
        _ => perform(shared, action, params),
    };
    let asked = Asked {
        action: action.to_owned(),
        params: params.clone(),
        echo: echo.clone(),
        at: Instant::now(),
        connection,
        shown: shown.filter(|_| reply.takes()),
    };
    shared.records.ask(asked);
    let echo = if reply == Reply::WrongEcho { json!("nobody sent this") } else { echo.clone() };
    if !echo.is_null() {
        answer["echo"] = echo;
    }
    Taken { reply, answer }
}

fn ok(data: &Value) -> Value {
    json!({"status": "ok", "retcode": 0, "data": data})
}

fn failed(retcode: i64, wording: &str) -> Value {
    json!({"status": "failed", "retcode": retcode, "data": null, "message": wording,
        "wording": wording})
}

/// Does what was asked; answers with the number of the message that was sent, if one was.
fn perform(shared: &Shared, action: &str, params: &Value) -> (Option<i64>, Value) {
    if matches!(
        action,
        "send_group_msg"
            | "send_private_msg"
            | "send_msg"
            | "send_group_forward_msg"
            | "send_private_forward_msg"
            | "send_forward_msg"
    ) {
        let id = show(shared, params);
        return (Some(id), ok(&json!({"message_id": id, "forward_id": format!("forward-{id}")})));
    }
    let answer = match question(shared, action, params) {
        Some(data) => ok(&data),
        None => failed(1404, "no such action, or no such message"),
    };
    (None, answer)
}

/// Puts a message of the account into the chat.
fn show(shared: &Shared, params: &Value) -> i64 {
    let (id, me) = (shared.next_message_id(), shared.account.self_id);
    let message = params.get("message").or(params.get("messages")).cloned().unwrap_or_default();
    let group = !params["group_id"].is_null();
    let segments = message.as_array().cloned().unwrap_or_default();
    let shown = json!({
        "message_id": id, "real_id": id, "time": 1_700_000_000, "self_id": me, "user_id": me,
        "message_type": if group { "group" } else { "private" }, "group_id": params["group_id"],
        "sender": {"user_id": me, "nickname": "The bot"},
        "message": message, "raw_message": raw(&segments),
    });
    shared.remember(id, shown);
    id
}

/// The answer to a question, when there is one.
fn question(shared: &Shared, action: &str, params: &Value) -> Option<Value> {
    let number = |name: &str| {
        let value = &params[name];
        value.as_i64().or_else(|| value.as_str()?.parse().ok()).unwrap_or(0)
    };
    let (group, user) = (number("group_id"), number("user_id"));
    let member = |user: i64, role: &str| {
        json!({"group_id": group, "user_id": user, "nickname": format!("User {user}"),
            "card": format!("Card {user}"), "sex": "unknown", "age": 0, "role": role})
    };
    let data = match action {
        "get_msg" => return shared.message(number("message_id")),
        "get_forward_msg" => json!({"messages": [], "message": []}),
        "get_login_info" => json!({"user_id": shared.account.self_id, "nickname": "The bot"}),
        "get_stranger_info" => {
            json!({"user_id": user, "nickname": format!("User {user}"), "sex": "unknown", "age": 0})
        }
        "get_friend_list" => json!([{"user_id": 300, "nickname": "User 300", "remark": ""}]),
        "get_group_info" => json!({"group_id": group, "group_name": format!("Group {group}"),
            "member_count": 2, "max_member_count": 200}),
        "get_group_list" => json!([{"group_id": 200, "group_name": "Group 200",
            "member_count": 2, "max_member_count": 200}]),
        "get_group_member_info" => member(user, "member"),
        "get_group_member_list" => {
            json!([
                member(shared.account.self_id, "admin"),
                member(300, "owner"),
                member(301, "member")
            ])
        }
        "get_status" => json!({"online": true, "good": true}),
        "get_version_info" => {
            json!({"app_name": "fake", "app_version": "1", "protocol_version": "v11"})
        }
        "can_send_image" | "can_send_record" => json!({"yes": true}),
        "delete_msg"
        | "set_friend_add_request"
        | "set_group_add_request"
        | "set_group_ban"
        | "set_group_kick"
        | "set_group_card"
        | "set_group_leave"
        | "send_like" => Value::Null,
        _ => return None,
    };
    Some(data)
}
