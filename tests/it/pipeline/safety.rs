//! What is not heard, and not said.

use firstlight_core::config::DocumentId;
use firstlight_tests::fake_openai::{Answer, FakeOpenAi, Reply};
use serde_json::{Value, json};

use super::fixture::{Gateway, group, private};

fn judged(flagged: bool) -> Reply {
    let body = json!({ "results": [{ "flagged": flagged }] }).to_string();
    Reply::Raw { content_type: "application/json".into(), pieces: vec![body] }
}

fn moderated(service: &FakeOpenAi, more: &Value) -> Value {
    let mut moderation = json!({ "enable": true, "api_key": "sk-judge",
        "url": format!("http://{}/v1/moderations", service.address()) });
    moderation.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "content_safety": { "moderation": moderation } })
}

#[tokio::test]
async fn a_word_that_the_profile_refuses_is_answered_to_those_who_addressed_the_bot_only() {
    let keywords = json!({ "internal_keywords": { "extra_keywords": ["bad\\w+"] } });
    let gateway = Gateway::with(json!({ "content_safety": keywords })).await;
    let said = gateway.said(private("ada", "m1", "such a badword")).await;
    assert_eq!(said.len(), 1);
    assert!(said[0].contains("not accepted"), "{said:?}");
    assert!(gateway.said(group("ada", "m2", "such a badword")).await.is_empty());
    assert!(gateway.model.requests().is_empty());
    assert_eq!(gateway.said(private("ada", "m3", "not bad")).await.len(), 1);
}

#[tokio::test]
async fn an_answer_with_such_a_word_is_withheld_where_the_profile_wants_that() {
    let safety = json!({ "also_use_in_response": true,
        "internal_keywords": { "extra_keywords": ["badword"] } });
    let gateway = Gateway::with(json!({ "content_safety": safety })).await;
    let answer = Answer { text: Some("a badword".to_owned()), ..Answer::default() };
    gateway.model.push(Reply::Answer(answer));
    let said = gateway.said(private("ada", "m1", "hello")).await;
    assert_eq!(said.len(), 1);
    assert!(said[0].contains("withheld"), "{said:?}");
}

#[tokio::test]
async fn s13_a_pattern_that_the_engine_does_not_understand_is_refused_when_it_is_saved() {
    let gateway = Gateway::with(json!({})).await;
    let id = DocumentId::Profile("default".to_owned());
    let view = gateway.foundation.config.view(&id).unwrap();
    let mut profile = gateway.foundation.config.snapshot().document(&id).unwrap().value.clone();
    profile["content_safety"]["internal_keywords"]["extra_keywords"] = json!(["(a"]);
    let saved = gateway.foundation.config.save(&id, view.revision, profile, "a test").await;
    let error = saved.unwrap_err().to_string();
    assert!(error.contains("/content_safety/internal_keywords/extra_keywords"), "{error}");
    assert_eq!(gateway.said(private("ada", "m1", "hello")).await.len(), 1);
}

#[tokio::test]
async fn a_service_judges_what_is_said_to_the_bot_and_hears_nothing_else() {
    let service = FakeOpenAi::start();
    service.when_path("/v1/moderations", judged(true));
    let gateway = Gateway::with(moderated(&service, &json!({}))).await;
    let said = gateway.said(private("ada", "m1", "hello")).await;
    assert!(said[0].contains("not accepted"), "{said:?}");
    assert_eq!(service.requests()[0].body["input"], "hello");
    assert_eq!(service.requests()[0].key.as_deref(), Some("sk-judge"));
    gateway.said(group("ada", "m2", "chatter of a group")).await;
    assert_eq!(service.requests().len(), 1);
    service.when_path("/v1/moderations", judged(false));
    assert_eq!(gateway.said(private("ada", "m3", "hello")).await, ["You said: hello"]);
}

#[tokio::test]
async fn a_service_that_is_down_lets_texts_pass_or_refuses_them_as_the_profile_says() {
    let service = FakeOpenAi::start();
    let down = Reply::Status { status: 500, body: "oops".into(), retry_after: None };
    service.when_path("/v1/moderations", down);
    let gateway = Gateway::with(moderated(&service, &json!({ "when_down": "pass" }))).await;
    assert_eq!(gateway.said(private("ada", "m1", "hello")).await, ["You said: hello"]);
    service.when_path("/v1/moderations", Reply::Silence);
    let refusing = json!({ "when_down": "refuse", "timeout_seconds": 1 });
    let gateway = Gateway::with(moderated(&service, &refusing)).await;
    let said = gateway.said(private("ada", "m1", "hello")).await;
    assert!(said[0].contains("not accepted"), "{said:?}");
}
