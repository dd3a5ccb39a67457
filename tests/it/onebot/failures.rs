//! What goes wrong, and what becomes of the messages.

use std::time::Duration;

use firstlight_core::bus::{BusSettings, OutboxState};
use firstlight_core::model::MessageChain;
use firstlight_runtime::platforms::PlatformState;
use firstlight_tests::fake_onebot::{Account, FakeOneBot, Reply, Role, text};
use futures_util::SinkExt as _;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

use super::world::{GROUP, Gateway, group_message, until};

fn account() -> Account {
    Account { self_id: 10001, token: None, secret: None }
}

#[tokio::test]
async fn each_failure_of_a_call_leads_where_it_belongs() {
    let quick = Duration::from_millis(1);
    let settings = BusSettings { backoff: quick, max_backoff: quick, ..BusSettings::default() };
    let gateway = Gateway::start_with(json!({ "api_timeout": 1 }), settings).await;
    let url = format!("ws://{}", gateway.address().await);
    let fake = FakeOneBot::reverse(account(), &url, &[Role::Universal]).unwrap();
    let check = async |reply: Reply, wanted: OutboxState, told: &str| {
        fake.push(reply.clone());
        let id = gateway.queue(GROUP, MessageChain::text("x")).await;
        let row = gateway.becomes(id, wanted).await;
        let error = row.error.unwrap_or_default();
        assert!(error.contains(told), "{reply:?}: {error}");
    };
    check(Reply::failed(1404), OutboxState::Dead, "1404").await;
    check(Reply::failed(103), OutboxState::Dead, "103").await;
    // Tried again, and then it works; the row remembers why it was.
    check(Reply::failed(201), OutboxState::Sent, "201").await;
    check(Reply::Silence, OutboxState::Uncertain, "in time").await;
    check(Reply::WrongEcho, OutboxState::Uncertain, "in time").await;
    check(Reply::Cut, OutboxState::Uncertain, "lost").await;
    check(Reply::CutMidway, OutboxState::Uncertain, "lost").await;
    // None of what may have been sent was sent twice.
    let shown = fake.shown().len();
    check(Reply::Proper, OutboxState::Sent, "").await;
    assert_eq!(fake.shown().len(), shown + 1);
}

#[tokio::test]
async fn a_full_inbox_answers_busy_and_takes_everything_once_there_is_room() {
    let settings = BusSettings { max_pending: 2, max_unsent: 1, ..BusSettings::default() };
    let keys = json!({ "http_callback_enable": true, "http_callback_secret": "s" });
    let gateway = Gateway::start_with(keys, settings).await;
    // An unsent message fills the outbox, so that no turn begins.
    let blocking = gateway.queue(GROUP, MessageChain::text("first")).await;
    let url = format!("http://{}/", gateway.address().await);
    let account = Account { secret: Some("s".into()), ..account() };
    let poster = FakeOneBot::http(account, &url).unwrap();
    let post = async |words: &str| {
        poster.post(&poster.group_message(200, 300, &[text(words)])).await.unwrap()
    };
    assert_eq!((post("1").await, post("2").await, post("3").await), (204, 204, 503));
    // Over a WebSocket they wait, and the answer to our call is not stuck behind them.
    let mut client = gateway.connect().await;
    for id in 101..=120 {
        client.say(&group_message(id, &id.to_string())).await;
    }
    let call = client.call().await;
    client.answer(&call, json!({ "message_id": 1 })).await;
    gateway.becomes(blocking, OutboxState::Sent).await;
    let events = gateway.received(22).await;
    let over: Vec<_> = events[2..].iter().map(|event| event.message_id.clone()).collect();
    assert_eq!(over, (101..=120).map(|id| id.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn missed_heartbeats_close_the_connection() {
    let gateway = Gateway::start(json!({})).await;
    let mut client = gateway.connect().await;
    let beat = json!({ "post_type": "meta_event", "meta_event_type": "heartbeat",
        "self_id": 10001, "time": 1, "interval": 100, "status": { "online": true } });
    client.say(&beat).await;
    assert!(client.is_closed().await);
    let told = || gateway.status().faults.into_iter().find(|f| f.text.contains("heartbeats"));
    until("it is told", told).await;
}

#[tokio::test]
async fn frames_that_make_no_sense_are_counted_and_the_next_one_is_read() {
    let gateway = Gateway::start(json!({})).await;
    let mut client = gateway.connect().await;
    let deep = "[".repeat(100_000);
    for frame in ["", "{", "[]", "7", "{}", "{\"post_type\":7}", deep.as_str()] {
        client.socket.send(Message::text(frame.to_owned())).await.unwrap();
    }
    client.socket.send(Message::binary(vec![0xff; 10])).await.unwrap();
    client.say(&json!({ "post_type": "message", "user_id": 1 })).await;
    client.say(&group_message(5, "still here")).await;
    assert_eq!(gateway.received(1).await[0].text, "still here");
    let status = gateway.status();
    assert!(status.fault_count >= 8, "{status:?}");
    assert!(matches!(status.state, PlatformState::Running));
}

#[tokio::test]
async fn a_port_that_is_taken_is_said_and_taken_up_once_it_is_free() {
    let gateway = Gateway::start(json!({})).await;
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    gateway.apply(json!({ "ws_reverse_port": port })).await.unwrap();
    let failed = || match gateway.status().state {
        PlatformState::Failed { error, .. } => Some(error),
        _ => None,
    };
    let error = until("it fails", failed).await;
    assert!(error.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{error}");
    drop(taken);
    let runs = || matches!(gateway.status().state, PlatformState::Running).then_some(());
    until("it runs", runs).await;
}

#[tokio::test]
async fn a_stop_of_the_runtime_waits_for_the_answer_to_what_is_on_its_way() {
    let gateway = Gateway::start(json!({})).await;
    let mut client = gateway.connect().await;
    let id = gateway.queue(GROUP, MessageChain::text("goodbye")).await;
    let call = client.call().await;
    let stopped = gateway.control.stop().await.generation().unwrap();
    client.answer(&call, json!({ "message_id": 9 })).await;
    gateway.control.settled(stopped).await;
    let row = gateway.foundation.bus.outbox_row(id).await.unwrap().unwrap();
    assert_eq!(row.state, OutboxState::Sent);
    assert!(client.is_closed().await);
}
