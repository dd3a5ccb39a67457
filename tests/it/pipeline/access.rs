//! Who is heard: the access list and the status of the session.

use firstlight_core::db::Preferences;
use serde_json::{Value, json};

use super::fixture::{Gateway, group, private};

/// Whether a message is answered under these settings of the platform.
async fn heard(settings: Value) -> bool {
    let profile = json!({ "platform_settings": settings, "admins_id": ["tg:ada", "qq:boss"] });
    let gateway = Gateway::with(profile).await;
    !gateway.said(group("ada", "m1", "/hello")).await.is_empty()
}

#[tokio::test]
async fn s11_an_empty_access_list_serves_everybody_and_one_entry_closes_it_for_the_rest() {
    assert!(heard(json!({ "id_whitelist": [] })).await);
    assert!(!heard(json!({ "id_whitelist": ["8"] })).await);
    assert!(heard(json!({ "id_whitelist": ["8"], "enable_id_white_list": false })).await);
}

#[tokio::test]
async fn the_list_names_sessions_or_groups() {
    assert!(heard(json!({ "id_whitelist": [" 7 "] })).await);
    assert!(heard(json!({ "id_whitelist": ["qq:GroupMessage:7"] })).await);
    assert!(!heard(json!({ "id_whitelist": ["ada"] })).await);
    let unique = json!({ "id_whitelist": ["qq:GroupMessage:7"], "unique_session": true });
    assert!(heard(unique).await, "the group is listed, so its members are");
}

#[tokio::test]
async fn s2_an_admin_passes_the_list_and_the_same_id_of_another_platform_does_not() {
    let closed = json!({ "platform_settings": { "id_whitelist": ["8"] },
        "admins_id": ["tg:ada", "qq:boss"] });
    let gateway = Gateway::with(closed).await;
    assert_eq!(gateway.said(group("boss", "m1", "/hello")).await.len(), 1);
    assert!(gateway.said(group("ada", "m2", "/hello")).await.is_empty());
}

#[tokio::test]
async fn a_session_that_is_switched_off_is_not_answered_and_one_without_a_model_asks_none() {
    let gateway = Gateway::with(json!({})).await;
    let preferences: Preferences = gateway.foundation.database.preferences();
    let store = async |user: &str, value: Value| {
        let session = format!("qq:FriendMessage:{user}");
        preferences.store("umo", &session, "session_service_config", value).await.unwrap();
    };
    store("ada", json!({ "session_enabled": false })).await;
    store("bob", json!({ "llm_enabled": false })).await;
    assert!(gateway.said(private("ada", "m1", "hello")).await.is_empty());
    assert!(gateway.said(private("bob", "m2", "hello")).await.is_empty());
    assert!(gateway.model.requests().is_empty());
    assert_eq!(gateway.said(private("eve", "m3", "hello")).await.len(), 1);
    store("ada", json!({ "session_enabled": true })).await;
    assert_eq!(gateway.said(private("ada", "m4", "hello")).await.len(), 1);
}

#[tokio::test]
async fn a_session_may_have_its_own_persona_before_that_of_the_profile() {
    let persona = json!([{ "name": "default", "prompt": "You are plain." },
        { "name": "poet", "prompt": "You are a poet." }]);
    let gateway = Gateway::with(json!({ "persona": persona })).await;
    gateway.said(private("ada", "m1", "hello")).await;
    assert!(gateway.asked().contains("You are plain."));
    let preferences = gateway.foundation.database.preferences();
    let rule = json!({ "persona_id": "poet" });
    let session = "qq:FriendMessage:ada";
    preferences.store("umo", session, "session_service_config", rule).await.unwrap();
    gateway.said(private("ada", "m2", "hello")).await;
    assert!(gateway.asked().contains("You are a poet."));
}
