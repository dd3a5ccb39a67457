//! Messages in and out.

use firstlight_core::bus::OutboxState;
use firstlight_core::model::{MessageChain, Outgoing};
use firstlight_runtime::platforms::Origin;
use firstlight_tests::fake_onebot::{Account, FakeOneBot, Role, text};
use serde_json::json;

use super::world::{GROUP, Gateway, group_message, until};

#[tokio::test]
async fn a_client_connects_is_heard_and_is_called() {
    let gateway = Gateway::start(json!({})).await;
    let mut client = gateway.connect().await;
    client.say(&group_message(55, "hello")).await;
    let event = &gateway.received(1).await[0];
    assert_eq!((event.session.to_string().as_str(), event.text.as_str()), (GROUP, "hello"));
    assert_eq!(event.sender.nickname.as_deref(), Some("Annie"));
    assert_eq!((event.message_id.as_str(), event.self_id.as_str()), ("55", "10001"));
    assert_eq!(event.group.as_ref().unwrap().group_name.as_deref(), Some("G"));

    let id = gateway.queue(GROUP, MessageChain::text("good day")).await;
    let call = client.call().await;
    assert_eq!(call["action"], "send_group_msg");
    let wanted = json!([{ "type": "text", "data": { "text": "good day" } }]);
    assert_eq!((&call["params"]["group_id"], &call["params"]["message"]), (&json!(200), &wanted));
    client.answer(&call, json!({ "message_id": 56 })).await;
    let sent = gateway.becomes(id, OutboxState::Sent).await;
    assert_eq!(sent.receipt, Some(json!({ "message_id": 56 })));
}

#[tokio::test]
async fn a_message_waits_for_the_connection_and_costs_no_attempt() {
    let gateway = Gateway::start(json!({})).await;
    let id = gateway.queue(GROUP, MessageChain::text("patience")).await;
    let row = gateway.foundation.bus.outbox_row(id).await.unwrap().unwrap();
    assert_eq!((row.state, row.attempts), (OutboxState::Pending, 0));
    let mut client = gateway.connect().await;
    let call = client.call().await;
    client.answer(&call, json!({ "message_id": 1 })).await;
    assert_eq!(gateway.becomes(id, OutboxState::Sent).await.attempts, 1);
}

#[tokio::test]
async fn a_message_whose_payload_cannot_be_read_is_a_dead_letter() {
    let gateway = Gateway::start(json!({})).await;
    let mut client = gateway.connect().await;
    let id = gateway.queue_payload(GROUP, json!({ "session": 7 })).await;
    let dead = gateway.becomes(id, OutboxState::Dead).await;
    assert!(dead.error.unwrap().contains("cannot be read"));
    let next = gateway.queue(GROUP, MessageChain::text("next")).await;
    let call = client.call().await;
    client.answer(&call, json!({})).await;
    gateway.becomes(next, OutboxState::Sent).await;
}

#[tokio::test]
async fn the_same_message_over_two_ways_is_one_row() {
    let keys = json!({ "http_callback_enable": true, "http_callback_secret": "s" });
    let gateway = Gateway::start(keys).await;
    let account = Account { self_id: 10001, token: None, secret: Some("s".into()) };
    let callback = format!("http://{}/", gateway.address().await);
    let poster = FakeOneBot::http(account, &callback).unwrap();
    let mut client = gateway.connect().await;
    let event = poster.group_message(200, 300, &[text("once")]);
    client.say(&event).await;
    gateway.received(1).await;
    assert_eq!(poster.post(&event).await.unwrap(), 204);
    assert_eq!(poster.post(&event).await.unwrap(), 204);
    client.say(&event).await;
    client.say(&group_message(77, "another")).await;
    let events = gateway.received(2).await;
    let texts: Vec<_> = events.iter().map(|event| event.text.as_str()).collect();
    assert_eq!(texts, ["once", "another"]);
}

#[tokio::test]
async fn two_accounts_are_heard_apart_and_answer_each_for_itself() {
    let gateway = Gateway::start(json!({})).await;
    let url = format!("ws://{}", gateway.address().await);
    let account = |self_id| Account { self_id, token: None, secret: None };
    let one = FakeOneBot::reverse(account(1), &url, &[Role::Universal]).unwrap();
    let two = FakeOneBot::reverse(account(2), &url, &[Role::Api, Role::Event]).unwrap();
    // The same id, the same group, the same second: still two messages.
    let (mut first, mut second) = (group_message(9, "x"), group_message(9, "x"));
    first["self_id"] = json!(1);
    second["self_id"] = json!(2);
    one.say(&first).await.unwrap();
    two.say(&second).await.unwrap();
    gateway.received(2).await;
    for (account, fake) in [("1", &one), ("2", &two)] {
        let chain = MessageChain::text(format!("from {account}"));
        let outgoing =
            Outgoing { account: account.into(), ..Outgoing::new(GROUP.parse().unwrap(), chain) };
        let id = gateway.queue_payload(GROUP, json!(outgoing)).await;
        gateway.becomes(id, OutboxState::Sent).await;
        assert_eq!(fake.shows(1).await[0].text(), format!("from {account}"));
    }
    // An account that is away is waited for, and nobody else speaks for it.
    two.present(false);
    until("only one is left", || (gateway.status().connections.open.len() == 1).then_some(()))
        .await;
    let away = Outgoing {
        account: "2".into(),
        ..Outgoing::new(GROUP.parse().unwrap(), MessageChain::text("later"))
    };
    let id = gateway.queue_payload(GROUP, json!(away)).await;
    let other = gateway.queue("qq:GroupMessage:201", MessageChain::text("now")).await;
    gateway.becomes(other, OutboxState::Sent).await;
    let row = gateway.foundation.bus.outbox_row(id).await.unwrap().unwrap();
    assert_ne!(row.state, OutboxState::Sent);
    two.present(true);
    gateway.becomes(id, OutboxState::Sent).await;
    assert_eq!(two.shown().last().unwrap().text(), "later");
}

#[tokio::test]
async fn a_client_that_serves_is_connected_to_and_again_after_a_loss() {
    let account = Account { self_id: 10001, token: Some("hush".into()), secret: None };
    let client = FakeOneBot::forward(account).unwrap();
    let keys =
        json!({ "ws_reverse_enable": false, "ws_url": client.address(), "ws_token": "hush" });
    let gateway = Gateway::start(keys).await;
    client.connected().await;
    client.say(&client.group_message(200, 300, &[text("one")])).await.unwrap();
    gateway.received(1).await;
    client.cut();
    client.disconnected().await;
    client.say(&client.group_message(200, 300, &[text("two")])).await.unwrap();
    assert_eq!(gateway.received(2).await[1].text, "two");
    let id = gateway.queue(GROUP, MessageChain::text("hello")).await;
    gateway.becomes(id, OutboxState::Sent).await;
    assert_eq!(client.shows(1).await[0].text(), "hello");
}

#[tokio::test]
async fn without_a_websocket_events_come_by_callback_and_calls_go_over_http() {
    let gateway = Gateway::start(json!({})).await;
    let account = Account { self_id: 10001, token: Some("hush".into()), secret: Some("s".into()) };
    let fake = FakeOneBot::http(account, "http://127.0.0.1:1/").unwrap();
    gateway
        .apply(json!({
            "ws_reverse_enable": false, "http_callback_enable": true, "http_callback_secret": "s",
            "http_api_url": fake.address(), "http_api_token": "hush",
        }))
        .await
        .unwrap();
    fake.move_to(&format!("http://{}/", gateway.address().await));
    assert_eq!(fake.say(&fake.group_message(200, 300, &[text("hi")])).await.unwrap(), 1);
    assert_eq!(gateway.received(1).await[0].text, "hi");
    let id = gateway.queue(GROUP, MessageChain::text("good day")).await;
    let row = gateway.becomes(id, OutboxState::Sent).await;
    let shown = fake.shows(1).await;
    assert_eq!(row.receipt.unwrap()["message_id"], json!(shown[0].shown));
}

#[tokio::test]
async fn a_long_message_is_sent_in_pieces() {
    let gateway = Gateway::start(json!({ "text_limit": 100 })).await;
    let url = format!("ws://{}", gateway.address().await);
    let account = Account { self_id: 10001, token: None, secret: None };
    let fake = FakeOneBot::reverse(account, &url, &[Role::Universal]).unwrap();
    let long = "word ".repeat(50);
    let id = gateway.queue(GROUP, MessageChain::text(long.clone())).await;
    let row = gateway.becomes(id, OutboxState::Sent).await;
    let shown = fake.shown();
    assert_eq!((shown.len(), row.receipt.unwrap().as_array().unwrap().len()), (3, 3));
    assert_eq!(
        shown.iter().map(firstlight_tests::fake_onebot::Asked::text).collect::<String>(),
        long
    );
}

#[tokio::test]
async fn a_quoted_message_is_asked_for_by_the_account_that_got_the_quote() {
    let gateway = Gateway::start(json!({})).await;
    let url = format!("ws://{}", gateway.address().await);
    let account = Account { self_id: 10001, token: None, secret: None };
    let fake = FakeOneBot::reverse(account, &url, &[Role::Universal]).unwrap();
    let event = fake.group_message(200, 300, &[text("the original")]);
    fake.say(&event).await.unwrap();
    let received = &gateway.received(1).await[0];
    let adapter = gateway.lease().platforms.adapters().find("qq").unwrap();
    let id = event["message_id"].to_string();
    let quoted = adapter.quoted(Origin::of(received), &id).await.unwrap();
    assert_eq!(quoted.message.plain_text(), "the original");
    assert_eq!(quoted.sender.user_id, "300");
    let group = adapter.group(Origin::of(received), "200").await.unwrap();
    assert_eq!(group.group_name.as_deref(), Some("Group 200"));
    assert!(group.members.is_some_and(|members| !members.is_empty()));
    let person = adapter.person(Origin::of(received), "300").await.unwrap();
    assert_eq!(person.user_id, "300");
}
