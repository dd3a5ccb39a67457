//! What a turn sends: rows of the outbox, committed with its end.

use firstlight_core::bus::InboxState;
use firstlight_core::model::Component;
use firstlight_tests::fake_openai::{Answer, Reply};
use serde_json::json;

use super::fixture::{Gateway, Made, group, outgoing, private};

fn says(text: &str) -> Reply {
    Reply::Answer(Answer { text: Some(text.to_owned()), ..Answer::default() })
}

#[tokio::test]
async fn an_answer_waits_in_the_outbox_when_its_message_is_done() {
    let gateway = Gateway::with(json!({})).await;
    gateway.model.push(says("good day"));
    let row = gateway.answer(private("ada", "m1", "hello")).await;
    assert_eq!(row.state, InboxState::Done);
    let queued = gateway.queued().await;
    assert_eq!(queued.len(), 1);
    assert_eq!(queued[0].inbox_id, Some(row.id));
    assert_eq!(queued[0].session_key, "qq:FriendMessage:ada");
    assert!(!queued[0].resend_safe, "a platform that is not there cannot promise anything");
    let key = format!("in-{}-{}-0", row.id, row.accepted_at);
    assert_eq!(queued[0].idempotency_key, key);
    assert_eq!(outgoing(&queued[0]).message.plain_text(), "good day");
    let conversations = gateway.foundation.database.conversations();
    let conversation = conversations.selected("qq:FriendMessage:ada").await.unwrap().unwrap();
    let window = conversations.window(&conversation.conversation_id, 10_000).await.unwrap();
    let roles: Vec<_> = window.iter().map(|message| message.role.as_str()).collect();
    assert_eq!(roles, ["user", "assistant"]);
}

#[tokio::test]
async fn a_message_of_a_group_that_is_not_for_the_bot_is_done_without_a_word() {
    let gateway = Gateway::with(json!({})).await;
    assert!(gateway.said(group("ada", "m1", "hello all")).await.is_empty());
    assert!(gateway.model.requests().is_empty());
}

#[tokio::test]
async fn what_went_wrong_is_told_in_the_chat_in_the_language_of_the_profile() {
    let made = |profile| Made { profile, without_model: true, ..Made::default() };
    for (language, expected) in [("en", "No model is available"), ("zh", "没有")] {
        let gateway = Gateway::made(made(json!({ "language": language }))).await;
        gateway.start().await;
        let said = gateway.said(private("ada", "m1", "hello")).await;
        assert_eq!(said.len(), 1);
        assert!(said[0].contains(expected), "{said:?}");
    }
}

#[tokio::test]
async fn a_persona_has_words_of_its_own_for_what_went_wrong() {
    let persona = json!([{ "name": "default", "custom_error_message": "I have a headache." }]);
    let profile = json!({ "persona": persona, "provider_settings": { "request_max_retries": 1 } });
    let gateway = Gateway::with(profile).await;
    let refused = Reply::Status { status: 400, body: "{}".into(), retry_after: None };
    gateway.model.otherwise(refused);
    let said = gateway.said(private("ada", "m1", "hello")).await;
    assert_eq!(said, ["I have a headache."]);
}

#[tokio::test]
async fn a_restart_in_the_middle_of_an_answer_sends_it_once_and_whole() {
    let gateway = Gateway::with(json!({})).await;
    gateway.model.push(Reply::StallAfter { text: "half of it".into() });
    let id = gateway.receive(private("ada", "m1", "hello")).await;
    gateway.model.requested(1).await;
    gateway.model.push(says("all of it"));
    let began = gateway.control.restart().await.generation().unwrap();
    gateway.control.settled(began).await;
    gateway.row(id, |row| row.state == InboxState::Done).await;
    let queued = gateway.queued().await;
    let texts: Vec<_> = queued.iter().map(|row| outgoing(row).message.plain_text()).collect();
    assert_eq!(texts, ["all of it"]);
}

#[tokio::test]
async fn a_stop_ends_the_call_of_the_model_and_sends_nothing_of_it() {
    let gateway = Gateway::with(json!({})).await;
    gateway.model.push(Reply::StallAfter { text: "half of it".into() });
    let id = gateway.receive(private("ada", "m1", "hello")).await;
    gateway.model.requested(1).await;
    let state = gateway.control.snapshot().state;
    let session = "qq:FriendMessage:ada".parse().unwrap();
    let lease = state.live().unwrap().lease();
    assert_eq!(lease.live.stop(&"qq:FriendMessage:eve".parse().unwrap()), 0);
    assert_eq!(lease.live.stop(&session), 1);
    gateway.row(id, |row| row.state == InboxState::Done).await;
    assert!(gateway.queued().await.is_empty());
    gateway.at_rest(&session).await;
}

#[tokio::test]
async fn an_answer_has_prefix_mention_and_quote_as_the_profile_says() {
    let gateway = Gateway::with(json!({ "platform_settings": {
        "reply_prefix": "bot> ", "reply_with_mention": true, "reply_with_quote": true } }))
    .await;
    gateway.model.otherwise(says("yes"));
    assert_eq!(
        gateway.said(group("ada", "m1", "/hello")).await,
        ["[reply:m1] @name of ada \nbot> yes"]
    );
    assert_eq!(gateway.said(private("ada", "m2", "hello")).await, ["[reply:m2] bot> yes"]);
}

#[tokio::test]
async fn an_answer_is_split_with_pauses_and_only_its_first_piece_quotes() {
    let gateway = Gateway::with(json!({ "platform_settings": {
        "reply_with_quote": true,
        "segmented_reply": { "enable": true, "interval": "0.5,0.6" } } }))
    .await;
    gateway.model.push(says("一。二。三"));
    let said = gateway.said(private("ada", "m1", "hello")).await;
    assert_eq!(said, ["[reply:m1] 一。", "二。", "三"]);
    let queued = gateway.queued().await;
    let pauses: Vec<u32> = queued.iter().map(|row| outgoing(row).pause_ms).collect();
    assert_eq!(pauses[0], 0);
    assert!(pauses[1..].iter().all(|pause| (500..=600).contains(pause)), "{pauses:?}");
}

#[tokio::test]
async fn a_long_answer_is_folded_into_one_forwarded_message() {
    let profile = json!({ "platform_settings": { "forward_threshold": 5 } });
    let gateway = Gateway::with(profile).await;
    gateway.model.push(says("longer than five"));
    gateway.answer(private("ada", "m1", "hello")).await;
    let queued = gateway.queued().await;
    let message = outgoing(&queued[0]).message;
    let [Component::Node(node)] = message.chain.as_slice() else { panic!("{message:?}") };
    assert_eq!(node.content, [Component::text("longer than five")]);
}
