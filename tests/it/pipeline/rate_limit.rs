//! What becomes of a message above the rate limit.

use std::time::Duration;

use firstlight_core::bus::InboxState;
use serde_json::json;

use super::fixture::{Gateway, group, private};

#[tokio::test]
async fn b16_a_message_above_the_limit_waits_in_the_inbox_and_holds_up_no_other_session() {
    let limit = json!({ "time": 3600, "count": 1, "strategy": "stall" });
    let gateway = Gateway::with(json!({ "platform_settings": { "rate_limit": limit } })).await;
    assert_eq!(gateway.said(private("ada", "m1", "hello")).await.len(), 1);
    let waits = gateway.receive(private("ada", "m2", "again")).await;
    let row = gateway
        .row(waits, |row| row.state == InboxState::Pending && row.available_at > row.accepted_at)
        .await;
    let delay = Duration::from_millis(u64::try_from(row.available_at - row.accepted_at).unwrap());
    assert!(delay > Duration::from_secs(3_500), "{delay:?}");
    assert_eq!(row.attempts, 0, "a turn that did not begin is no attempt");
    let behind = gateway.receive(private("ada", "m3", "and again")).await;
    assert_eq!(gateway.said(private("eve", "m4", "hello")).await.len(), 1);
    let row = gateway.row(behind, |_| true).await;
    assert_eq!(row.state, InboxState::Pending, "the order of the session is kept");
}

#[tokio::test]
async fn a_message_that_waited_is_answered_when_there_is_room() {
    let limit = json!({ "time": 1, "count": 1, "strategy": "stall" });
    let gateway = Gateway::with(json!({ "platform_settings": { "rate_limit": limit } })).await;
    assert_eq!(gateway.said(private("ada", "m1", "hello")).await.len(), 1);
    assert_eq!(gateway.said(private("ada", "m2", "again")).await.len(), 1);
}

#[tokio::test]
async fn where_the_profile_discards_a_message_above_the_limit_is_done_without_a_word() {
    let limit = json!({ "time": 3600, "count": 1, "strategy": "discard" });
    let gateway = Gateway::with(json!({ "platform_settings": { "rate_limit": limit } })).await;
    assert_eq!(gateway.said(private("ada", "m1", "hello")).await.len(), 1);
    assert!(gateway.said(private("ada", "m2", "again")).await.is_empty());
}

#[tokio::test]
async fn p1_what_is_said_in_a_group_and_not_to_the_bot_does_not_count() {
    let limit = json!({ "time": 3600, "count": 1, "strategy": "discard" });
    let gateway = Gateway::with(json!({ "platform_settings": { "rate_limit": limit } })).await;
    for id in ["m1", "m2", "m3"] {
        assert!(gateway.said(group("ada", id, "chatter")).await.is_empty());
    }
    assert_eq!(gateway.said(group("ada", "m4", "/hello")).await.len(), 1);
}
