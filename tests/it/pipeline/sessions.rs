//! Members of a group with sessions of their own.

use firstlight_core::bus::InboxState;
use firstlight_tests::fake_openai::Reply;
use serde_json::json;

use super::fixture::{Gateway, group};

#[tokio::test]
async fn b1_a_turn_of_a_member_keeps_its_identity_and_is_found_and_stopped_by_it() {
    let unique = json!({ "platform_settings": { "unique_session": true } });
    let gateway = Gateway::with(unique).await;
    gateway.model.otherwise(Reply::StallAfter { text: "a long".into() });
    let ada = gateway.receive(group("ada", "m1", "/hello")).await;
    let bob = gateway.receive(group("bob", "m2", "/hello")).await;
    gateway.model.requested(2).await;
    let row = gateway.foundation.bus.inbox_row(ada).await.unwrap().unwrap();
    assert_eq!(row.conversation_key, "qq:GroupMessage:ada_7");
    let state = gateway.control.snapshot().state;
    let lease = state.live().unwrap().lease();
    let session = row.conversation_key.parse().unwrap();
    assert_eq!(lease.live.stop(&session), 1);
    gateway.row(ada, |row| row.state == InboxState::Done).await;
    gateway.at_rest(&session).await;
    let row = gateway.foundation.bus.inbox_row(bob).await.unwrap().unwrap();
    assert_eq!(row.state, InboxState::Leased, "the other member's answer goes on");
}

#[tokio::test]
async fn b1_the_answer_to_a_member_goes_to_the_group_and_their_conversations_are_apart() {
    let unique = json!({ "platform_settings": { "unique_session": true } });
    let gateway = Gateway::with(unique).await;
    assert_eq!(gateway.said(group("ada", "m1", "/one")).await, ["You said: one"]);
    assert_eq!(gateway.said(group("bob", "m2", "/two")).await, ["You said: two"]);
    assert!(!gateway.asked().contains("one"), "{}", gateway.asked());
    for queued in gateway.queued().await {
        assert_eq!(queued.session_key, "qq:GroupMessage:7");
    }
    let conversations = gateway.foundation.database.conversations();
    for session in ["qq:GroupMessage:ada_7", "qq:GroupMessage:bob_7"] {
        assert!(conversations.selected(session).await.unwrap().is_some(), "{session}");
    }
}
