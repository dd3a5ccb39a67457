//! A message from the inbox to its answer, through the real runtime on a real database.

use std::path::Path;
use std::sync::Arc;

use firstlight_core::bus::{Bus, BusSettings};
use firstlight_core::config::{ConfigStore, DocumentId};
use firstlight_core::db::{Database, HistoryRow};
use firstlight_core::lifecycle::{Control, Options, supervise};
use firstlight_core::model::{BuiltInChat, ChatAddress, EventOptions, Part};
use firstlight_core::settings::Settings;
use firstlight_runtime::platforms::webchat::{
    ChatEvent, Listener, Next, SendError, Sent, WebchatMessage,
};
use firstlight_runtime::plugins::Compiler;
use firstlight_runtime::{Foundation, Plan, Runtime};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

struct Gateway {
    control: Control<Runtime>,
    foundation: Foundation,
    _folder: TempDir,
}

/// A gateway whose demo provider takes that long for each part of an answer.
async fn gateway(pace_ms: u64) -> Gateway {
    let folder = TempDir::new().unwrap();
    let foundation = foundation(folder.path()).await;
    let providers = json!({ "provider_sources": [], "provider": [{
        "id": "demo", "type": "demo_chat_completion", "provider_type": "chat_completion",
        "enable": true, "chunk_delay_ms": pace_ms }] });
    let revision = foundation.config.view(&DocumentId::Providers).unwrap().revision;
    let saved = foundation.config.save(&DocumentId::Providers, revision, providers, "a test");
    saved.await.unwrap();
    let plan = Plan::open(foundation.clone(), Vec::new(), Compiler::InProcess).await.unwrap();
    let control = supervise(plan, Options::default());
    Gateway { control, foundation, _folder: folder }
}

async fn foundation(folder: &Path) -> Foundation {
    let database = Database::open(&folder.join("test.db")).await.unwrap();
    Foundation {
        config: ConfigStore::open(database.clone()).await.unwrap(),
        bus: Bus::new(database.clone(), BusSettings::default()),
        database,
        settings: Arc::new(Settings { data_dir: folder.to_owned(), ..Settings::default() }),
    }
}

fn message(session: &str, id: u128, text: &str) -> WebchatMessage {
    WebchatMessage {
        address: ChatAddress::new(BuiltInChat::Web, "ada", session).unwrap(),
        uploader: "ada".into(),
        message_id: Uuid::from_u128(id),
        parts: vec![Part::text(text)],
        options: EventOptions::default(),
        persona_prompt: None,
    }
}

impl Gateway {
    async fn start(&self) {
        let began = self.control.start().await.generation().unwrap();
        assert_eq!(self.control.settled(began).await.state.name(), "runtime_ready");
    }

    async fn send(&self, message: WebchatMessage) -> Result<Sent, SendError> {
        let state = self.control.snapshot().state;
        let lease = state.live().unwrap().lease();
        lease.platforms.webchat().send(message).await
    }

    async fn history(&self, session: &str) -> Vec<HistoryRow> {
        self.foundation.database.history().list("webchat", session, 100).await.unwrap()
    }

    /// Waits for the bot's rows of a session.
    async fn answers(&self, session: &str, wanted: usize) -> Vec<Value> {
        loop {
            let rows = self.history(session).await;
            let bot: Vec<Value> = rows
                .into_iter()
                .map(|row| row.content)
                .filter(|content| content["type"] == "bot")
                .collect();
            if bot.len() >= wanted {
                return bot;
            }
            tokio::task::yield_now().await;
        }
    }
}

async fn to_end(listener: &mut Listener) -> Vec<ChatEvent> {
    let mut events = Vec::new();
    loop {
        match listener.next().await {
            Next::Event(event) => {
                let over = matches!(event, ChatEvent::End { .. });
                events.push(event);
                if over {
                    return events;
                }
            }
            Next::Ended => return events,
            Next::Lagged => panic!("the listener read all along"),
        }
    }
}

fn text_of(content: &Value) -> String {
    let parts = content["message"].as_array().unwrap();
    parts.iter().filter_map(|part| part["text"].as_str()).collect()
}

/// Waits until something of the answer was said.
async fn first_text(listener: &mut Listener) {
    loop {
        if let Next::Event(ChatEvent::Plain { .. }) = listener.next().await {
            return;
        }
    }
}

#[tokio::test]
async fn a_message_is_answered_and_both_sides_are_durable() {
    let gateway = gateway(0).await;
    gateway.start().await;
    let sent = gateway.send(message("s", 1, "hello there")).await.unwrap();
    assert!(sent.saved.is_some());
    let events = to_end(&mut sent.listener.unwrap()).await;
    let streamed: String = events
        .iter()
        .filter_map(|event| match event {
            ChatEvent::Plain { data, .. } => Some(data.as_str()),
            _ => None,
        })
        .collect();
    assert!(matches!(events.first(), Some(ChatEvent::RunStarted { .. })), "{events:?}");
    assert!(events.iter().any(|event| matches!(event, ChatEvent::MessageSaved { .. })));
    let history = gateway.history("s").await;
    assert_eq!(history.len(), 2);
    assert_eq!(text_of(&history[1].content), streamed);
    assert!(streamed.contains("hello there"), "{streamed}");
    let key = "webchat:FriendMessage:webchat!ada!s";
    let conversations = gateway.foundation.database.conversations();
    let conversation = conversations.selected(key).await.unwrap().unwrap();
    let window = conversations.window(&conversation.conversation_id, 10_000).await.unwrap();
    let roles: Vec<_> = window.iter().map(|message| message.role.as_str()).collect();
    assert_eq!(roles, ["user", "assistant"]);
}

#[tokio::test]
async fn stop_ends_the_model_call_and_keeps_what_was_said() {
    let gateway = gateway(50).await;
    gateway.start().await;
    let sent = gateway.send(message("s", 1, "hello there")).await.unwrap();
    let mut listener = sent.listener.unwrap();
    first_text(&mut listener).await;
    let state = gateway.control.snapshot().state;
    assert_eq!(state.live().unwrap().lease().platforms.webchat().stop("s"), 1);
    to_end(&mut listener).await;
    let answers = gateway.answers("s", 1).await;
    assert_eq!(answers[0]["status"], "stopped");
    assert!(!text_of(&answers[0]).is_empty());
}

#[tokio::test]
async fn a_restart_in_the_middle_of_an_answer_answers_it_once_and_whole() {
    let gateway = gateway(20).await;
    gateway.start().await;
    let sent = gateway.send(message("s", 1, "hello there")).await.unwrap();
    let mut listener = sent.listener.unwrap();
    first_text(&mut listener).await;
    let began = gateway.control.restart().await.generation().unwrap();
    let interrupted = to_end(&mut listener).await;
    assert!(!interrupted.iter().any(|event| matches!(event, ChatEvent::End { .. })));
    gateway.control.settled(began).await;
    let answers = gateway.answers("s", 1).await;
    assert_eq!(answers.len(), 1);
    assert!(answers[0].get("status").is_none(), "{}", answers[0]);
    assert!(text_of(&answers[0]).contains("hello there"));
}

#[tokio::test]
async fn a_message_that_killed_the_process_each_time_is_marked_as_cut_with_what_was_said() {
    let gateway = gateway(0).await;
    gateway.start().await;
    let idle = gateway.control.stop().await.generation().unwrap();
    gateway.control.settled(idle).await;
    let bus = gateway.foundation.bus.clone();
    let mut event = serde_json::to_value(firstlight_core::model::MessageEvent::new(
        "webchat:FriendMessage:webchat!ada!s".parse().unwrap(),
        "webchat",
        Uuid::from_u128(1).to_string(),
        firstlight_core::model::Sender { user_id: "ada".into(), nickname: None },
        firstlight_core::model::MessageChain::text("hello"),
    ))
    .unwrap();
    event["self_id"] = json!("webchat");
    let accepted = bus.accept(firstlight_core::bus::NewInbox {
        platform_id: "webchat".into(),
        platform_message_id: Uuid::from_u128(1).to_string(),
        conversation_key: "webchat:FriendMessage:webchat!ada!s".into(),
        payload: event,
        received_at: 0,
    });
    accepted.await.unwrap();
    for _ in 0..3 {
        // An owner that leases and is never heard of again: a process that was killed.
        let (epoch, _) = bus.take_over().await.unwrap();
        let rows = bus.lease_next(epoch, 1).await.unwrap();
        let said = json!({ "text": "half an ans", "reasoning": "" });
        bus.checkpoint(rows[0].id, epoch, said).await.unwrap();
    }
    gateway.start().await;
    let answers = gateway.answers("s", 1).await;
    assert_eq!(text_of(&answers[0]), "half an ans");
    assert_eq!(answers[0]["status"], "failed");
    assert_eq!(answers[0]["error"]["code"], "answer_cut");
}

#[tokio::test]
async fn the_same_message_id_is_answered_once() {
    let gateway = gateway(0).await;
    gateway.start().await;
    let first = gateway.send(message("s", 1, "hello")).await.unwrap();
    to_end(&mut first.listener.unwrap()).await;
    let second = gateway.send(message("s", 1, "hello")).await.unwrap();
    assert!(second.saved.is_none() && second.listener.is_none());
    assert_eq!(gateway.history("s").await.len(), 2);
}

#[tokio::test]
async fn messages_of_one_session_are_answered_in_their_order() {
    let gateway = gateway(0).await;
    gateway.start().await;
    for number in 1..=5 {
        gateway.send(message("s", number, &format!("number {number}"))).await.unwrap();
    }
    let answers = gateway.answers("s", 5).await;
    for (index, answer) in answers.iter().enumerate() {
        let wanted = format!("number {}", index + 1);
        assert!(text_of(answer).contains(&wanted), "{answer}");
    }
}

#[tokio::test]
async fn a_session_of_somebody_else_is_refused_and_keeps_its_history() {
    let gateway = gateway(0).await;
    gateway.start().await;
    let sent = gateway.send(message("s", 1, "hello")).await.unwrap();
    to_end(&mut sent.listener.unwrap()).await;
    let address = ChatAddress::new(BuiltInChat::Web, "eve", "s").unwrap();
    let foreign = WebchatMessage { address, ..message("s", 2, "give me that") };
    assert!(matches!(gateway.send(foreign).await, Err(SendError::NotYours)));
    assert_eq!(gateway.history("s").await.len(), 2);
}

#[tokio::test]
async fn without_a_provider_the_person_reads_what_to_do() {
    let gateway = gateway(0).await;
    let revision = gateway.foundation.config.view(&DocumentId::Providers).unwrap().revision;
    let none = json!({ "provider_sources": [], "provider": [] });
    let config = &gateway.foundation.config;
    config.save(&DocumentId::Providers, revision, none, "a test").await.unwrap();
    gateway.start().await;
    let sent = gateway.send(message("s", 1, "hello")).await.unwrap();
    let events = to_end(&mut sent.listener.unwrap()).await;
    let error = events.iter().find_map(|event| match event {
        ChatEvent::Error { code, data, .. } => Some((code.as_str(), data.as_str())),
        _ => None,
    });
    let (code, text) = error.unwrap();
    assert_eq!(code, "provider_missing");
    assert!(text.contains("configuration page"), "{text}");
    assert_eq!(gateway.answers("s", 1).await[0]["error"]["code"], "provider_missing");
}
