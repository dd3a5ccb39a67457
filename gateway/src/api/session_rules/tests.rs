//! The rows on a real database and a real runtime.

use std::sync::Arc;

use firstlight_core::db::NewConversation;
use serde_json::{Value, json};

use crate::app::App;
use crate::routes::TABLE;
use crate::testing::{Phase, app_in, data, post, send, signed};

const GROUP: &str = "qq:GroupMessage:1";
const FRIEND: &str = "qq:FriendMessage:2";

async fn get(app: &Arc<App>, path: &str) -> Value {
    data(send(app, &TABLE, signed(path)).await)
}

async fn with_two_sessions() -> Arc<App> {
    let app = app_in(Phase::Ready).await;
    for umo in [GROUP, FRIEND] {
        let new = NewConversation {
            platform_id: "qq".into(),
            umo: umo.into(),
            title: None,
            persona_id: None,
        };
        app.database.conversations().create(new).await.unwrap();
    }
    app
}

async fn set(app: &Arc<App>, umo: &str, key: &str, value: Value) -> String {
    let body = json!({"umo": umo, "rule_key": key, "rule_value": value});
    post(app, "/api/session/update-rule", body).await.code
}

#[actix_web::test]
async fn a_rule_is_set_listed_obeyed_and_deleted() {
    let app = with_two_sessions().await;
    let plugins = json!({"enabled_plugins": [], "disabled_plugins": ["dice"]});
    assert_eq!(set(&app, GROUP, "session_plugin_config", plugins.clone()).await, "");
    assert_eq!(set(&app, GROUP, "provider_perf_chat_completion", json!("gpt")).await, "");
    let rule = app.database.session_rules().of(GROUP).await.unwrap();
    assert_eq!(
        (rule.disabled_plugins.as_slice(), rule.chat_provider.as_deref()),
        (["dice".to_owned()].as_slice(), Some("gpt"))
    );
    let list = get(&app, "/api/session/list-rule").await;
    assert_eq!((&list["total"], &list["page_size"]), (&json!(1), &json!(10)));
    let first = &list["rules"][0];
    assert_eq!(first["rules"]["session_plugin_config"], plugins, "as it was sent");
    assert_eq!(
        (&first["platform"], &first["message_type"]),
        (&json!("qq"), &json!("GroupMessage"))
    );
    assert_eq!(list["available_rule_keys"].as_array().unwrap().len(), 6);
    assert_eq!(list["available_kbs"], json!([]));
    let one = json!({"umo": GROUP, "rule_key": "provider_perf_chat_completion"});
    data(post(&app, "/api/session/delete-rule", one).await);
    assert_eq!(app.database.session_rules().of(GROUP).await.unwrap().chat_provider, None);
    let several = json!({"umos": [GROUP, FRIEND]});
    let outcome = data(post(&app, "/api/session/batch-delete-rule", several).await);
    assert_eq!((&outcome["deleted_count"], &outcome["failed_umos"]), (&json!(1), &json!([FRIEND])));
    assert_eq!(get(&app, "/api/session/list-rule").await["total"], 0);
}

#[actix_web::test]
async fn what_a_turn_could_not_read_is_no_rule() {
    let app = with_two_sessions().await;
    for (umo, key, value) in [
        ("nonsense", "kb_config", json!({})),
        (GROUP, "sel_conv_id", json!("c1")),
        (GROUP, "session_service_config", json!({"llm_enabled": "no"})),
        (GROUP, "session_service_config", json!([])),
        (GROUP, "session_plugin_config", json!("dice")),
        (GROUP, "provider_perf_chat_completion", json!("")),
        (GROUP, "provider_perf_text_to_speech", json!(null)),
    ] {
        assert_eq!(set(&app, umo, key, value.clone()).await, "invalid", "{umo} {key} {value}");
    }
    assert_eq!(get(&app, "/api/session/list-rule").await["total"], 0);
}

#[actix_web::test]
async fn switches_are_set_for_named_sessions_a_kind_a_group_or_all() {
    let app = with_two_sessions().await;
    let enabled =
        async |umo: &str| app.database.session_rules().of(umo).await.unwrap().service.llm_enabled;
    let switch = async |mut body: Value, on: bool| {
        body["llm_enabled"] = json!(on);
        data(post(&app, "/api/session/batch-update-service", body).await)
    };
    let outcome = switch(json!({"umos": [GROUP, "nonsense"]}), false).await;
    assert_eq!(
        (&outcome["success_count"], &outcome["failed_umos"]),
        (&json!(1), &json!(["nonsense"]))
    );
    assert_eq!((enabled(GROUP).await, enabled(FRIEND).await), (Some(false), None));
    assert_eq!(switch(json!({"scope": "private"}), false).await["success_count"], 1);
    assert_eq!(switch(json!({"scope": "all"}), true).await["success_count"], 2);
    assert_eq!((enabled(GROUP).await, enabled(FRIEND).await), (Some(true), Some(true)));
    let group = json!({"name": "Team", "umos": [FRIEND]});
    let group = data(post(&app, "/api/session/group/create", group).await)["group"]["id"].clone();
    switch(json!({"scope": "custom_group", "group_id": group}), false).await;
    assert_eq!((enabled(GROUP).await, enabled(FRIEND).await), (Some(true), Some(false)));
    let path = "/api/session/batch-update-service";
    assert_eq!(post(&app, path, json!({"scope": "all"})).await.code, "nothing_to_change");
    let nobody = json!({"llm_enabled": true});
    assert_eq!(post(&app, path, nobody).await.code, "invalid");
    let gone = json!({"scope": "custom_group", "group_id": "x", "llm_enabled": true});
    assert_eq!(post(&app, path, gone).await.code, "not_found");
    let list = get(&app, "/api/session/list-all-with-status?message_type=private").await;
    assert_eq!((&list["total"], &list["sessions"][0]["llm_enabled"]), (&json!(1), &json!(false)));
    assert_eq!(list["sessions"][0]["session_enabled"], true, "not set: as the profile says");
    assert_eq!(get(&app, "/api/session/active-umos").await["umos"], json!([FRIEND, GROUP]));
}

#[actix_web::test]
async fn a_provider_that_is_not_there_cannot_be_chosen_and_an_empty_one_takes_the_choice_back() {
    let app = with_two_sessions().await;
    set(&app, GROUP, "provider_perf_chat_completion", json!("gpt")).await;
    let choose = async |kind: &str, id: &str| {
        let body = json!({"scope": "all", "provider_type": kind, "provider_id": id});
        post(&app, "/api/session/batch-update-provider", body).await
    };
    assert_eq!(choose("chat_completion", "nothing").await.code, "not_found");
    assert_eq!(choose("text_to_speech", "voice").await.code, "not_found");
    assert_eq!(choose("smell", "x").await.code, "invalid");
    assert_eq!(data(choose("chat_completion", "").await)["success_count"], 2);
    assert_eq!(app.database.session_rules().of(GROUP).await.unwrap().chat_provider, None);
}

#[actix_web::test]
async fn groups_are_made_changed_listed_and_deleted() {
    let app = with_two_sessions().await;
    let made = json!({"name": "Team", "umos": [GROUP, GROUP]});
    let made = data(post(&app, "/api/session/group/create", made).await)["group"].clone();
    assert_eq!(made["umo_count"], 1);
    let change = json!({"id": made["id"], "add_umos": [FRIEND], "remove_umos": [GROUP]});
    data(post(&app, "/api/session/group/update", change).await);
    let list = get(&app, "/api/session/groups").await;
    assert_eq!(list["groups"][0]["umos"], json!([FRIEND]));
    let id = json!({"id": made["id"]});
    data(post(&app, "/api/session/group/delete", id.clone()).await);
    assert_eq!(post(&app, "/api/session/group/delete", id).await.code, "not_found");
    assert_eq!(post(&app, "/api/session/group/create", json!({"name": " "})).await.code, "invalid");
}
