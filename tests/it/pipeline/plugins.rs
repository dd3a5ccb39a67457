//! Plugins within the pipeline: commands that end an answer, listeners that overhear, hooks.

use firstlight_core::bus::InboxState;
use firstlight_core::model::{BuiltInChat, ChatAddress, EventOptions, MessageEvent, Part};
use firstlight_plugins_api::{
    Call, Event, Filter, Handler, Hook, HookKind, Host, Manifest, Message, ModelMessage,
    ModelRequest, Permission, Plugin, PluginError, Reply, Version,
};
use firstlight_runtime::platforms::webchat::{ChatEvent, Next, WebchatMessage};
use firstlight_runtime::plugins::Registration;
use firstlight_tests::fake_openai::Reply as ModelReply;
use serde_json::json;
use uuid::Uuid;

use super::fixture::{Gateway, Made, group, private};

/// Marks what each hook saw, so that a second call would be seen.
struct Marks;

impl Plugin for Marks {
    fn manifest() -> Manifest {
        Manifest::new("marks", Version::new(1, 0, 0))
    }

    async fn load(_host: Host) -> Result<Self, PluginError> {
        Ok(Self)
    }

    fn handlers(&self) -> Vec<Handler> {
        vec![
            Handler::message("overhears", Filter::Any),
            Handler::command("halt").permission(Permission::Admin).interrupts(),
            Handler::command("twice"),
        ]
    }

    async fn handle(&self, call: Call) -> Result<Reply, PluginError> {
        Ok(match call.handler.as_str() {
            "twice" => Reply::text("one").and("two"),
            "overhears" if call.event.text.contains("joke") => Reply::text("ha"),
            _ => Reply::nothing(),
        })
    }

    fn hooks(&self) -> Vec<Hook> {
        [HookKind::ModelRequest, HookKind::ModelResponse, HookKind::Decorating]
            .map(Hook::new)
            .to_vec()
    }

    async fn model_request(
        &self,
        _event: &Event,
        request: &mut ModelRequest,
    ) -> Result<Reply, PluginError> {
        let prompt = request.system_prompt.take().unwrap_or_default();
        request.system_prompt = Some(format!("{prompt}<requested>"));
        Ok(Reply::nothing())
    }

    async fn model_response(
        &self,
        _event: &Event,
        response: &mut ModelMessage,
    ) -> Result<Reply, PluginError> {
        response.parts.push(firstlight_plugins_api::ModelPart::Text("<answered>".into()));
        Ok(Reply::nothing())
    }

    async fn decorating(
        &self,
        _event: &Event,
        message: &mut Message,
    ) -> Result<Reply, PluginError> {
        let decorated = Message::text("<decorated>");
        message.pieces.extend(decorated.pieces);
        Ok(Reply::nothing())
    }
}

async fn marked(profile: serde_json::Value) -> Gateway {
    let plugins = vec![Registration::of::<Marks>()];
    let gateway = Gateway::made(Made { profile, plugins, ..Made::default() }).await;
    gateway.start().await;
    gateway
}

#[tokio::test]
async fn p3_each_hook_runs_once_for_each_thing_that_is_said() {
    let gateway = marked(json!({})).await;
    let said = gateway.said(private("ada", "m1", "hello")).await;
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(said[0].matches("<answered>").count(), 1, "{said:?}");
    assert_eq!(said[0].matches("<decorated>").count(), 1, "{said:?}");
    assert_eq!(gateway.asked().matches("<requested>").count(), 1);
    let said = gateway.said(private("ada", "m2", "/twice")).await;
    assert_eq!(said, ["one <decorated>", "two <decorated>"]);
    assert_eq!(gateway.model.requests().len(), 1);
}

#[tokio::test]
async fn p1_a_listener_overhears_a_group_without_waking_the_bot() {
    let limit = json!({ "time": 3600, "count": 1, "strategy": "discard" });
    let gateway = marked(json!({ "platform_settings": { "rate_limit": limit } })).await;
    for id in ["m1", "m2"] {
        assert_eq!(gateway.said(group("ada", id, "a joke")).await, ["ha <decorated>"]);
    }
    assert!(gateway.model.requests().is_empty());
}

#[tokio::test]
async fn s11_what_is_refused_reaches_no_plugin() {
    let keywords = json!({ "internal_keywords": { "extra_keywords": ["joke"] } });
    let gateway = marked(json!({ "content_safety": keywords })).await;
    assert!(gateway.said(group("ada", "m1", "a joke")).await.is_empty());
}

/// Begins an answer that does not end by itself.
async fn answering(gateway: &Gateway, event: MessageEvent) -> i64 {
    gateway.model.push(ModelReply::StallAfter { text: "a long".into() });
    let id = gateway.receive(event).await;
    gateway.model.requested(1).await;
    id
}

#[tokio::test]
async fn a_stop_ends_the_answer_that_is_being_made_and_is_itself_answered_after_it() {
    let gateway = Gateway::with(json!({})).await;
    let long = answering(&gateway, private("ada", "m1", "hello")).await;
    assert_eq!(gateway.said(private("ada", "m2", "/stop")).await, ["Stopped."]);
    let row = gateway.row(long, |_| true).await;
    assert_eq!(row.state, InboxState::Done, "its turn came first, and is over");
    assert_eq!(gateway.queued().await.len(), 1, "of the answer nothing is sent");
    assert_eq!(gateway.said(private("ada", "m3", "hello")).await, ["You said: hello"]);
}

#[tokio::test]
async fn what_waits_in_the_session_before_a_stop_ends_with_it_and_what_follows_is_answered() {
    let gateway = Gateway::with(json!({})).await;
    answering(&gateway, private("ada", "m1", "hello")).await;
    let waits = gateway.receive(private("ada", "m2", "and this")).await;
    assert_eq!(gateway.said(private("ada", "m3", "/stop")).await, ["Stopped."]);
    let row = gateway.row(waits, |row| !row.state.is_unfinished()).await;
    assert_eq!(row.state, InboxState::Done);
    assert_eq!(gateway.model.requests().len(), 1);
}

#[tokio::test]
async fn a_stop_leaves_the_answers_of_other_sessions_alone() {
    let gateway = Gateway::with(json!({})).await;
    let long = answering(&gateway, private("ada", "m1", "hello")).await;
    gateway.said(private("eve", "m2", "/stop")).await;
    assert_eq!(gateway.row(long, |_| true).await.state, InboxState::Leased);
}

#[tokio::test]
async fn who_may_not_run_a_command_ends_nothing_with_it() {
    let gateway = marked(json!({ "admins_id": ["qq:boss"] })).await;
    let mut hello = group("boss", "m1", "/hello");
    hello.text = "/hello".into();
    let long = answering(&gateway, hello).await;
    let denied = gateway.receive(group("eve", "m2", "/halt")).await;
    assert_eq!(gateway.row(long, |_| true).await.state, InboxState::Leased);
    gateway.receive(group("boss", "m3", "/halt")).await;
    gateway.row(denied, |row| row.state == InboxState::Done).await;
    assert_eq!(gateway.row(long, |_| true).await.state, InboxState::Done);
}

#[tokio::test]
async fn a_stop_in_the_web_chat_ends_the_answer_and_keeps_what_was_said_marked_as_stopped() {
    let gateway = Gateway::with(json!({})).await;
    let message = |number, text: &str| WebchatMessage {
        address: ChatAddress::new(BuiltInChat::Web, "ada", "s").unwrap(),
        uploader: "ada".into(),
        message_id: Uuid::from_u128(number),
        parts: vec![Part::text(text)],
        options: EventOptions::default(),
        persona_prompt: None,
    };
    gateway.model.push(ModelReply::StallAfter { text: "a long".into() });
    let state = gateway.control.snapshot().state;
    let lease = state.live().unwrap().lease();
    let sent = lease.platforms.webchat().send(message(1, "hello")).await.unwrap();
    let mut listener = sent.listener.unwrap();
    while !matches!(listener.next().await, Next::Event(ChatEvent::Plain { .. })) {}
    let stop = lease.platforms.webchat().send(message(2, "/stop")).await.unwrap();
    while !matches!(listener.next().await, Next::Event(ChatEvent::End { .. })) {}
    let mut listener = stop.listener.unwrap();
    while !matches!(listener.next().await, Next::Event(ChatEvent::End { .. })) {}
    let history = gateway.foundation.database.history();
    let rows = history.list("webchat", "s", 10).await.unwrap();
    let bot: Vec<_> = rows.iter().filter(|row| row.content["type"] == "bot").collect();
    assert_eq!(bot[0].content["status"], "stopped");
    assert_eq!(bot[0].content["message"][0]["text"], "a long");
    assert_eq!(bot[1].content["message"][0]["text"], "Stopped.");
}
