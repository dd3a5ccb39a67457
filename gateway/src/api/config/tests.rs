//! The rows of the contract, on a real database and, where they need one, a real runtime.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::test::TestRequest;
use actix_web::web::Data;
use firstlight_core::config::DocumentId;
use firstlight_runtime::providers::{ProviderRecord, ProviderStatus};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::saving::{Target, change};
use crate::app::App;
use crate::routes::TABLE;
use crate::testing::{Phase, Seen, TOKEN, app_in, send, signed};

const SECRET: &str = "sk-0123456789abcdefWXYZ";

pub(super) async fn post(app: &Arc<App>, path: &str, body: Value) -> Seen {
    let request = TestRequest::post().uri(&format!("/api/config/{path}"));
    let token = ("authorization", format!("Bearer {TOKEN}"));
    send(app, &TABLE, request.insert_header(token).set_json(body)).await
}

pub(super) async fn get(app: &Arc<App>, path: &str) -> Seen {
    send(app, &TABLE, signed(&format!("/api/config/{path}"))).await
}

/// The data of a success.
pub(super) fn data(mut seen: Seen) -> Value {
    assert_eq!((seen.status, &seen.body["status"]), (200, &json!("ok")), "{}", seen.body);
    let members: Vec<&String> = seen.body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["data", "message", "status"]);
    seen.body["data"].take()
}

/// The code of a business error in the contract's second envelope.
fn refusal(seen: &Seen) -> &str {
    assert_eq!((seen.status, &seen.body["status"]), (200, &json!("error")), "{}", seen.body);
    assert!(seen.body["data"].is_object(), "{}", seen.body);
    &seen.code
}

fn records(app: &App) -> Vec<ProviderRecord> {
    app.control.snapshot().state.live().unwrap().lease().providers.records()
}

fn loaded(app: &App) -> Vec<String> {
    let loaded = |record: &ProviderRecord| record.status == ProviderStatus::Loaded;
    records(app).into_iter().filter(loaded).map(|record| record.id).collect()
}

fn secret_of(app: &App) -> String {
    let snapshot = app.config.snapshot();
    let document = snapshot.document(&DocumentId::Providers).unwrap();
    document.value["provider_sources"][0]["key"][0].as_str().unwrap().to_owned()
}

fn source() -> Value {
    json!({"id": "acme", "type": "openai_chat_completion", "provider": "acme",
        "provider_type": "chat_completion", "key": [SECRET], "api_base": "http://127.0.0.1:1/v1"})
}

async fn with_source(phase: Phase) -> Arc<App> {
    let app = app_in(phase).await;
    data(post(&app, "provider_sources/update", json!({"config": source()})).await);
    let provider = json!({"id": "fast", "provider_source_id": "acme", "model": "m1"});
    data(post(&app, "provider/new", provider).await);
    app
}

#[actix_web::test]
async fn a_profile_is_made_read_renamed_saved_and_deleted() {
    let app = app_in(Phase::Ready).await;
    let made = data(post(&app, "abconf/new", json!({"name": "Night"})).await);
    let id = made["conf_id"].as_str().unwrap().to_owned();
    let shown = data(get(&app, &format!("abconf?id={id}")).await);
    assert_eq!(shown["config"]["provider_settings"]["enable"], json!(true));
    assert_eq!(shown["metadata"]["profile"]["type"], json!("object"));

    data(post(&app, "abconf/update", json!({"id": id, "name": "Day"})).await);
    let listed = data(get(&app, "abconfs").await);
    let day = json!({"id": id, "name": "Day", "path": format!("profile:{id}")});
    assert_eq!(listed["info_list"][0]["id"], json!("default"));
    assert_eq!(listed["info_list"][1], day);

    let mut config = shown["config"].clone();
    config["wake_prefix"] = json!(["!"]);
    config["kept"] = json!({"by": "a newer version"});
    config["provider"] = json!([{"id": "smuggled"}]);
    data(post(&app, "astrbot/update", json!({"conf_id": id, "config": config})).await);
    let saved = data(get(&app, &format!("abconf?id={id}")).await)["config"].clone();
    assert_eq!(saved["wake_prefix"], json!(["!"]));
    assert_eq!(saved["kept"]["by"], json!("a newer version"));
    assert_eq!(saved.get("provider"), None);

    data(post(&app, "abconf/delete", json!({"id": id})).await);
    for gone in [
        get(&app, &format!("abconf?id={id}")).await,
        post(&app, "abconf/delete", json!({"id": id})).await,
        post(&app, "abconf/update", json!({"id": id, "name": "x"})).await,
        post(&app, "astrbot/update", json!({"conf_id": id, "config": {}})).await,
    ] {
        assert_eq!(refusal(&gone), "not_found");
    }
}

#[actix_web::test]
async fn a_profile_that_does_not_fit_is_refused_with_its_place() {
    let app = app_in(Phase::Stopped).await;
    let body = json!({"conf_id": "default", "config": {"wake_prefix": "no list"}});
    let refused = post(&app, "astrbot/update", body).await;
    assert_eq!(refusal(&refused), "invalid");
    assert_eq!(refused.body["data"]["problems"][0]["pointer"], json!("/wake_prefix"));
    let refused = post(&app, "abconf/delete", json!({"id": "default"})).await;
    assert_eq!(refusal(&refused), "invalid");
    assert_eq!(refusal(&get(&app, "abconf").await), "invalid");
    assert_eq!(
        refusal(&post(&app, "abconf/update", json!({"id": "default"})).await),
        "nothing_to_change"
    );
}

#[actix_web::test]
async fn the_whole_configuration_shows_the_connections_beside_the_default_profile() {
    let app = with_source(Phase::Stopped).await;
    let whole = data(get(&app, "get").await);
    assert_eq!(whole["config"]["provider"][1]["id"], json!("fast"));
    assert_eq!(whole["config"]["provider_sources"][0]["key"], json!(["••••WXYZ"]));
    assert_eq!(whole["config"]["platform"], json!([]));
    assert_eq!(whole["platform_i18n_translations"], json!({}));
    for kind in ["profile", "providers", "platforms"] {
        assert_eq!(whole["metadata"][kind]["type"], json!("object"), "{kind}");
    }
    // Sent back as it is, it changes nothing.
    let body = json!({"conf_id": "default", "config": whole["config"]});
    data(post(&app, "astrbot/update", body).await);
    assert_eq!(data(get(&app, "get").await), whole);
    let defaults = data(get(&app, "default").await);
    assert_eq!(defaults["config"]["provider_sources"], json!([]));
    assert_eq!(defaults["config"]["wake_prefix"], json!(["/"]));
}

#[actix_web::test]
async fn what_counts_only_after_a_restart_is_said() {
    let app = app_in(Phase::Ready).await;
    let mut config = data(get(&app, "abconf?system_config=1").await)["config"].clone();
    config["http_proxy"] = json!("http://127.0.0.1:3128");
    let body = json!({"conf_id": "default", "config": config});
    let saved = post(&app, "astrbot/update", body.clone()).await;
    assert!(saved.body["message"].as_str().unwrap().contains("restart"), "{}", saved.body);
    let again = post(&app, "astrbot/update", body).await;
    assert_eq!(again.body["message"], Value::Null);
}

#[actix_web::test]
async fn routes_are_a_map_outside_and_keep_their_order_inside() {
    let app = app_in(Phase::Stopped).await;
    let id = data(post(&app, "abconf/new", json!({})).await)["conf_id"].clone();
    for umo in ["z::", "a::"] {
        data(post(&app, "umo_abconf_route/update", json!({"umo": umo, "conf_id": id})).await);
    }
    let routing = json!({"a::": "default", "m::": id, "z::": id});
    data(post(&app, "umo_abconf_route/update_all", json!({"routing": routing})).await);
    assert_eq!(data(get(&app, "umo_abconf_routes").await)["routing"], routing);
    let order: Vec<String> =
        app.config.snapshot().routing().unwrap().routes.iter().map(|r| r.umo.clone()).collect();
    assert_eq!(order, ["z::", "a::", "m::"]);

    data(post(&app, "umo_abconf_route/delete", json!({"umo": "m::"})).await);
    let gone = post(&app, "umo_abconf_route/delete", json!({"umo": "m::"})).await;
    assert_eq!(refusal(&gone), "not_found");
    let empty = post(&app, "umo_abconf_route/update_all", json!({"routing": {}})).await;
    assert_eq!(refusal(&empty), "invalid");
    let unknown = json!({"umo": "x::", "conf_id": "nobody"});
    assert_eq!(refusal(&post(&app, "umo_abconf_route/update", unknown).await), "not_found");
    let malformed = json!({"umo": "x", "conf_id": "default"});
    assert_eq!(refusal(&post(&app, "umo_abconf_route/update", malformed).await), "invalid");

    // The rule of a profile that was deleted must not be in the way of the others.
    data(post(&app, "abconf/delete", json!({"id": id})).await);
    let routing = json!({"z::": id, "q::": "default"});
    data(post(&app, "umo_abconf_route/update_all", json!({"routing": routing})).await);
    assert_eq!(data(get(&app, "umo_abconf_routes").await)["routing"], routing);
}

#[actix_web::test]
async fn a_platform_that_cannot_run_is_saved_and_reported() {
    let app = app_in(Phase::Ready).await;
    let off = json!({"id": "tg", "type": "telegram", "enable": false, "telegram_token": SECRET});
    data(post(&app, "platform/new", off.clone()).await);
    assert_eq!(refusal(&post(&app, "platform/new", off.clone()).await), "conflict");
    let listed = data(get(&app, "platform/list").await);
    assert_eq!(listed["platforms"][0]["telegram_token"], json!("••••WXYZ"));

    let mut on = listed["platforms"][0].clone();
    on["enable"] = json!(true);
    let refused = post(&app, "platform/update", json!({"id": "tg", "config": on})).await;
    assert_eq!(refusal(&refused), "not_applied");
    assert_eq!(refused.body["data"]["failed"][0]["id"], json!("tg"));
    let stored = app.config.snapshot().document(&DocumentId::Platforms).unwrap().value.clone();
    assert_eq!(stored["platform"][0]["telegram_token"], json!(SECRET));
    assert_eq!(stored["platform"][0]["enable"], json!(true));
    let status = send(&app, &TABLE, signed("/api/platform/stats")).await;
    assert_eq!(status.body["data"]["summary"]["error"], json!(1));

    let renamed = json!({"id": "tg", "config": {"id": "other", "type": "telegram"}});
    assert_eq!(refusal(&post(&app, "platform/update", renamed).await), "invalid");
    data(post(&app, "platform/delete", json!({"id": "tg"})).await);
    let status = send(&app, &TABLE, signed("/api/platform/stats")).await;
    // The two built-in chats, of the page and of the terminal.
    assert_eq!(status.body["data"]["summary"]["total"], json!(2));
    for path in ["platform/update", "platform/delete"] {
        let gone = post(&app, path, json!({"id": "tg", "config": {"type": "telegram"}})).await;
        assert_eq!(refusal(&gone), "not_found");
        assert_eq!(refusal(&post(&app, path, json!({"config": {}})).await), "invalid");
    }
}

#[actix_web::test]
async fn providers_are_loaded_reloaded_and_ended_as_they_are_saved() {
    let app = with_source(Phase::Ready).await;
    assert_eq!(loaded(&app), ["demo", "fast"]);
    let listed = data(get(&app, "provider/list?provider_type=chat_completion,embedding").await);
    assert_eq!(listed[1]["id"], json!("fast"));
    assert_eq!(listed[1]["type"], json!("openai_chat_completion"));
    assert_eq!(listed[1]["key"], json!(["••••WXYZ"]));
    assert_eq!(data(get(&app, "provider/list?provider_type=embedding").await), json!([]));

    let mut fast = listed[1].clone();
    fast["id"] = json!("quick");
    fast["enable"] = json!(false);
    data(post(&app, "provider/update", json!({"id": "fast", "config": fast})).await);
    assert_eq!(loaded(&app), ["demo"]);
    assert!(records(&app).iter().all(|record| record.id != "fast"));

    let broken = json!({"id": "odd", "type": "no_such_adapter"});
    let refused = post(&app, "provider/new", broken).await;
    assert_eq!(refusal(&refused), "not_applied");
    assert!(refused.body["message"].as_str().unwrap().contains("no_such_adapter"));
    let template = data(get(&app, "provider/template").await);
    assert_eq!(template["providers"][2]["id"], json!("odd"));
    assert!(
        template["config_schema"]["provider"]["config_template"]["OpenAI Compatible"].is_object()
    );

    data(post(&app, "provider/delete", json!({"id": "odd"})).await);
    assert_eq!(refusal(&post(&app, "provider/delete", json!({"id": "odd"})).await), "not_found");
    let taken =
        post(&app, "provider/update", json!({"id": "quick", "config": {"id": "demo"}})).await;
    assert_eq!(refusal(&taken), "conflict");
    let gone = post(&app, "provider/update", json!({"id": "odd", "config": {}})).await;
    assert_eq!(refusal(&gone), "not_found");
    assert_eq!(refusal(&post(&app, "provider/new", json!({"type": "x"})).await), "invalid");
    let nowhere = json!({"id": "lost", "provider_source_id": "nowhere"});
    assert_eq!(refusal(&post(&app, "provider/new", nowhere).await), "invalid");
}

#[actix_web::test]
async fn a_source_takes_its_providers_with_it() {
    let app = with_source(Phase::Ready).await;
    let mut shown = data(get(&app, "provider/template").await)["provider_sources"][0].clone();
    shown["id"] = json!("renamed");
    let body = json!({"original_id": "acme", "config": shown});
    data(post(&app, "provider_sources/update", body.clone()).await);
    let template = data(get(&app, "provider/template").await);
    assert_eq!(template["provider_sources"].as_array().unwrap().len(), 1);
    assert_eq!(template["providers"][1]["provider_source_id"], json!("renamed"));
    assert_eq!(secret_of(&app), SECRET);
    assert_eq!(loaded(&app), ["demo", "fast"]);

    let broken = json!({"original_id": "renamed", "config": {"id": "renamed", "type": "odd"}});
    let refused = post(&app, "provider_sources/update", broken).await;
    assert_eq!(refusal(&refused), "not_applied");
    assert_eq!(refused.body["data"]["failed"][0]["id"], json!("fast"));
    assert_eq!(loaded(&app), ["demo"]);

    data(post(&app, "provider_sources/delete", json!({"id": "renamed"})).await);
    let left = data(get(&app, "provider/template").await);
    assert_eq!(
        (&left["provider_sources"], left["providers"].as_array().unwrap().len()),
        (&json!([]), 1)
    );
    assert_eq!(records(&app).len(), 1);
    let gone = post(&app, "provider_sources/delete", json!({"id": "renamed"})).await;
    assert_eq!(refusal(&gone), "not_found");
}

#[actix_web::test]
async fn a_mask_stands_for_the_secret_of_its_own_entry_only() {
    let app = with_source(Phase::Stopped).await;
    let mut other = source();
    other["id"] = json!("other");
    other["key"] = json!(["sk-ffffffffffffffff1111"]);
    data(post(&app, "provider_sources/update", json!({"config": other})).await);
    let shown = data(get(&app, "provider/template").await)["provider_sources"].clone();
    assert!(!shown.to_string().contains("0123456789"), "{shown}");

    let body = json!({"original_id": "acme", "config": shown[0]});
    data(post(&app, "provider_sources/update", body).await);
    assert_eq!(secret_of(&app), SECRET);

    let mut stolen = shown[1].clone();
    stolen["key"] = shown[0]["key"].clone();
    let body = json!({"original_id": "other", "config": stolen});
    assert_eq!(refusal(&post(&app, "provider_sources/update", body).await), "conflict");
    let unknown = json!({"id": "new", "type": "x", "key": ["••••nope"]});
    let refused = post(&app, "provider/new", unknown).await;
    assert_eq!(refusal(&refused), "invalid");
}

#[actix_web::test]
async fn a_save_that_names_an_old_revision_is_refused() {
    let app = with_source(Phase::Stopped).await;
    let revision = data(get(&app, "provider/template").await)["revision"].as_i64().unwrap();
    let body = |revision: i64| {
        json!({"id": "fast", "revision": revision,
            "config": {"provider_source_id": "acme", "model": format!("m{revision}")}})
    };
    let saved = data(post(&app, "provider/update", body(revision)).await);
    assert_eq!(saved["revision"], json!(revision + 1));
    let refused = post(&app, "provider/update", body(revision)).await;
    assert_eq!(refusal(&refused), "conflict");
    assert_eq!(refused.body["data"], json!({"expected": revision, "found": revision + 1}));
    let path = format!("provider/new?revision={revision}");
    assert_eq!(refusal(&post(&app, &path, json!({"id": "x", "type": "y"})).await), "conflict");
}

#[actix_web::test]
async fn trying_a_provider_needs_no_runtime_and_tells_no_secret() {
    for phase in [Phase::Ready, Phase::Stopped, Phase::Failed] {
        let app = with_source(phase).await;
        let report = data(get(&app, "provider/check_one?id=demo").await);
        let expected = json!({"id": "demo", "model": "demo", "type": "chat_completion",
            "name": "demo", "status": "available", "error": null});
        assert_eq!(report, expected, "{phase:?}");
        let report = get(&app, "provider/check_one?id=fast").await;
        assert!(!report.body.to_string().contains("0123456789"), "{}", report.body);
        let report = data(report);
        assert_eq!(report["status"], json!("unavailable"));
        assert!(report["error"].is_string());
        assert_eq!(refusal(&get(&app, "provider/check_one?id=nobody").await), "not_found");

        let models = data(get(&app, "provider/model_list?provider_id=demo").await);
        let expected = json!({"models": ["demo"], "provider_id": "demo", "model_metadata": {}});
        assert_eq!(models, expected);
        let refused = get(&app, "provider_sources/models?source_id=acme").await;
        assert_eq!(refusal(&refused), "provider_failed");
        assert!(!refused.body.to_string().contains("0123456789"), "{}", refused.body);
        let unknown = get(&app, "provider_sources/models?source_id=nobody").await;
        assert_eq!(refusal(&unknown), "not_found");
    }
}

#[actix_web::test]
async fn the_settings_of_a_plugin_are_saved_and_shown_masked() {
    let app = app_in(Phase::Ready).await;
    let none = data(get(&app, "get?plugin_name=runtime-status").await);
    assert_eq!((&none["config"], &none["metadata"]), (&Value::Null, &Value::Null));
    let path = "plugin/update?plugin_name=runtime-status";
    data(post(&app, path, json!({"greeting": "hello"})).await);
    let shown = data(get(&app, "get?plugin_name=runtime-status").await);
    assert_eq!(shown["config"], json!({"greeting": "••••"}));
    assert!(shown["metadata"]["runtime-status"].is_object());
    data(post(&app, path, shown["config"].clone()).await);
    let id = DocumentId::Plugin("runtime-status".into());
    let stored = app.config.snapshot().document(&id).unwrap().value.clone();
    assert_eq!(stored, json!({"greeting": "hello"}));
    let unknown = post(&app, "plugin/update?plugin_name=nobody", json!({})).await;
    assert_eq!(refusal(&unknown), "not_found");
}

#[actix_web::test]
async fn every_row_is_open_after_a_failure_and_a_stop_and_closed_while_something_is_under_way() {
    let rows: Vec<_> =
        TABLE.rows().iter().filter(|row| row.path.starts_with("/api/config/")).collect();
    assert_eq!(rows.len(), 33);
    for phase in [Phase::Failed, Phase::Stopped, Phase::Loading, Phase::Stopping] {
        let app = app_in(phase).await;
        for row in &rows {
            let path = row.path.trim_start_matches("/api/config/");
            let seen = match row.method {
                Method::POST => post(&app, path, json!([])).await,
                _ => get(&app, path).await,
            };
            let closed = matches!(phase, Phase::Loading | Phase::Stopping);
            let expected = (closed, if closed { "runtime_loading" } else { seen.code.as_str() });
            let found = (seen.status == 503, seen.code.as_str());
            assert_eq!(found, expected, "{phase:?} {} {}", row.path, seen.body);
            assert_ne!(seen.status, 500, "{phase:?} {} {}", row.path, seen.body);
        }
    }
}

#[actix_web::test]
async fn what_was_repaired_without_a_runtime_counts_in_the_next() {
    let app = app_in(Phase::Stopped).await;
    data(post(&app, "provider/new", json!({"id": "second", "type": "demo_chat_completion"})).await);
    let began = app.control.start().await.generation().unwrap();
    app.control.settled(began).await;
    assert_eq!(loaded(&app), ["demo", "second"]);
}

#[actix_web::test]
async fn a_save_is_carried_out_and_applied_when_its_caller_goes_away() {
    let app = Data::from(app_in(Phase::Ready).await);
    let target = Target { id: DocumentId::Providers, expected: None, author: "ada".into() };
    let mut saving = Box::pin(change(&app, target, |document| {
        document["provider"][0]["id"] = json!("renamed");
        Ok(Vec::new())
    }));
    assert!(futures_util::poll!(&mut saving).is_pending());
    drop(saving);
    let unfinished = app.background.end(Duration::from_secs(30)).await;
    assert_eq!(unfinished, Vec::<String>::new());
    assert_eq!(loaded(&app), ["renamed"]);
}

#[actix_web::test]
async fn what_runs_after_crossing_saves_is_what_is_saved() {
    let app = app_in(Phase::Ready).await;
    data(post(&app, "provider/new", json!({"id": "p", "type": "demo_chat_completion"})).await);
    let saves = (0..12).map(|n| {
        let config = json!({"id": "p", "type": "demo_chat_completion", "model": format!("m{n}")});
        post(&app, "provider/update", json!({"id": "p", "config": config})).boxed_local()
    });
    for seen in join_all(saves).await {
        data(seen);
    }
    let stored = app.config.snapshot().providers().unwrap().provider[1].model.clone();
    let running = records(&app).into_iter().find(|record| record.id == "p").unwrap();
    assert_eq!(running.model, stored);
}
