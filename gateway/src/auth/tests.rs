//! Log-ins, keys, throttle and set-up, against the real rows and a real database.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::test::TestRequest;
use serde_json::{Value, json};

use super::{AuthError, Throttle};
use crate::app::App;
use crate::routes::TABLE;
use crate::testing::{PHASES, Phase, Seen, app_in};

const PASSWORD: &str = "correct horse";

async fn ask(app: &Arc<App>, request: TestRequest) -> Seen {
    crate::testing::send(app, &TABLE, request).await
}

async fn post(app: &Arc<App>, path: &str, token: &str, body: Value) -> Seen {
    let request = TestRequest::post().uri(path).set_json(body);
    ask(app, request.insert_header(("authorization", format!("Bearer {token}")))).await
}

async fn get(app: &Arc<App>, path: &str, token: &str) -> Seen {
    ask(app, TestRequest::get().uri(path).insert_header(("authorization", token))).await
}

async fn log_in(app: &Arc<App>, username: &str, password: &str) -> Seen {
    let body = json!({ "username": username, "password": password });
    ask(app, TestRequest::post().uri("/api/auth/login").set_json(body)).await
}

async fn with_account(phase: Phase) -> (Arc<App>, String) {
    let app = app_in(phase).await;
    app.auth.reset("ada", PASSWORD.to_owned()).await.unwrap();
    let seen = log_in(&app, "ada", PASSWORD).await;
    let token = seen.body["data"]["token"].as_str().unwrap().to_owned();
    (app, token)
}

#[actix_web::test]
async fn log_in_works_in_every_phase_and_sets_a_cookie_that_scripts_cannot_read() {
    for phase in PHASES {
        let (app, token) = with_account(phase).await;
        let seen = log_in(&app, "ada", PASSWORD).await;
        assert_eq!(seen.status, 200, "{phase:?}");
        assert_eq!(seen.body["data"]["username"], "ada");
        assert_eq!(seen.body["data"]["change_pwd_hint"], false);
        let cookie = seen.headers.get("set-cookie").unwrap().to_str().unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
        let me = get(&app, "/api/auth/me", &token).await;
        assert_eq!(me.body["data"]["username"], "ada");
        let cookie = cookie.split(';').next().unwrap();
        let request = TestRequest::get().uri("/api/auth/me").insert_header(("cookie", cookie));
        assert_eq!(ask(&app, request).await.status, 200);
    }
}

#[actix_web::test]
async fn a_wrong_password_and_an_unknown_name_get_the_same_answer() {
    let (app, _) = with_account(Phase::Ready).await;
    let (wrong, unknown) =
        (log_in(&app, "ada", "something").await, log_in(&app, "bob", "something").await);
    for seen in [&wrong, &unknown] {
        assert_eq!((seen.status, seen.code.as_str()), (200, "credentials_wrong"));
    }
    assert_eq!(wrong.body["message"], unknown.body["message"]);
}

#[actix_web::test]
async fn guessing_is_slowed_down_also_for_the_right_password() {
    let (app, _) = with_account(Phase::Ready).await;
    let mut codes = Vec::new();
    for _ in 0..6 {
        codes.push(log_in(&app, "ada", "a guess").await.code);
    }
    assert_eq!(codes.last().map(String::as_str), Some("throttled"), "{codes:?}");
    let seen = log_in(&app, "ada", PASSWORD).await;
    assert_eq!((seen.status, seen.code.as_str()), (429, "throttled"));
    assert!(seen.headers.contains_key("retry-after"));
}

#[tokio::test(start_paused = true)]
async fn the_pauses_double_and_others_are_not_locked_out() {
    let throttle = Throttle::default();
    let (evil, good) = ([10, 0, 0, 1], [10, 0, 0, 2]);
    let address = |octets: [u8; 4]| IpAddr::V4(Ipv4Addr::from(octets));
    let mut waits = Vec::new();
    while waits.len() < 4 {
        if let Err(AuthError::Throttled { seconds }) = throttle.attempt("ada", address(evil)) {
            waits.push(seconds);
            tokio::time::advance(std::time::Duration::from_secs(seconds.into())).await;
        }
    }
    assert_eq!(waits, [1, 2, 4, 8]);
    throttle.attempt("ada", address(good)).unwrap();
    throttle.attempt("bob", address(evil)).unwrap();
}

#[actix_web::test]
async fn the_set_up_secret_works_once_and_only_while_there_is_no_account() {
    let app = app_in(Phase::Loading).await;
    let needed = |seen: Seen| seen.body["data"]["needed"].clone();
    assert_eq!(needed(get(&app, "/api/auth/setup", "").await), true);
    assert_eq!(log_in(&app, "ada", PASSWORD).await.code, "setup_needed");
    let secret = app.auth.setup.open();
    let body = |secret: &str, password: &str| json!({ "secret": secret, "username": "ada", "password": password });
    let seen = post(&app, "/api/auth/setup", "", body("nonsense", PASSWORD)).await;
    assert_eq!((seen.status, seen.code.as_str()), (403, "setup_secret_wrong"));
    let seen = post(&app, "/api/auth/setup", "", body(&secret, "short")).await;
    assert_eq!((seen.status, seen.code.as_str()), (400, "password_weak"));
    let seen = post(&app, "/api/auth/setup", "", body(&secret, PASSWORD)).await;
    assert_eq!((seen.status, &seen.body["data"]["username"]), (200, &json!("ada")));
    let seen = post(&app, "/api/auth/setup", "", body(&secret, PASSWORD)).await;
    assert_eq!((seen.status, seen.code.as_str()), (409, "setup_done"));
    assert!(!app.auth.setup.is_open());
    assert_eq!(needed(get(&app, "/api/auth/setup", "").await), false);
}

#[actix_web::test]
async fn log_ins_are_listed_and_end_at_once_when_revoked() {
    let (app, first) = with_account(Phase::Ready).await;
    let second = log_in(&app, "ada", PASSWORD).await.body["data"]["token"].clone();
    let second = second.as_str().unwrap();
    let listed = get(&app, "/api/auth/sessions", &first).await.body["data"].clone();
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), 2);
    let other = listed.iter().find(|session| session["current"] == false).unwrap();
    let path = format!("/api/auth/sessions/{}", other["id"].as_str().unwrap());
    let delete = || {
        let request = TestRequest::default().method(Method::DELETE).uri(&path);
        request.insert_header(("authorization", first.as_str()))
    };
    assert_eq!(ask(&app, delete()).await.status, 200);
    assert_eq!(get(&app, "/api/auth/me", second).await.code, "session_invalid");
    assert_eq!(ask(&app, delete()).await.status, 404);
    assert_eq!(post(&app, "/api/auth/logout", &first, json!({})).await.status, 200);
    assert_eq!(get(&app, "/api/auth/me", &first).await.status, 401);
}

#[actix_web::test]
async fn a_new_password_ends_the_other_log_ins_and_a_new_name_is_seen_at_once() {
    let (app, token) = with_account(Phase::Ready).await;
    let other = log_in(&app, "ada", PASSWORD).await.body["data"]["token"].clone();
    let edit = |body: Value| {
        let (app, token) = (Arc::clone(&app), token.clone());
        async move { post(&app, "/api/auth/account/edit", &token, body).await.code }
    };
    let wrong = json!({ "password": "wrong one", "new_username": "grace" });
    assert_eq!(edit(wrong).await, "credentials_wrong");
    assert_eq!(edit(json!({ "password": PASSWORD })).await, "nothing_to_change");
    let differs =
        json!({ "password": PASSWORD, "new_password": "battery one", "confirm_password": "no" });
    assert_eq!(edit(differs).await, "invalid");
    let new = json!({
        "password": PASSWORD, "new_password": "battery staple",
        "confirm_password": "battery staple", "new_username": "grace",
    });
    assert_eq!(edit(new).await, "");
    assert_eq!(get(&app, "/api/auth/me", &token).await.body["data"]["username"], "grace");
    assert_eq!(get(&app, "/api/auth/me", other.as_str().unwrap()).await.status, 401);
    assert_eq!(log_in(&app, "grace", "battery staple").await.status, 200);
    app.auth.reset("grace", PASSWORD.to_owned()).await.unwrap();
    assert_eq!(get(&app, "/api/auth/me", &token).await.code, "session_invalid");
}

#[actix_web::test]
async fn log_ins_and_keys_survive_a_restart() {
    let (app, token) = with_account(Phase::Ready).await;
    let again = super::Auth::load(app.database.clone(), std::time::Duration::from_mins(1));
    let again = again.await.unwrap();
    assert_eq!(again.sessions.find(&token).unwrap().username, "ada");
    assert!(again.keys.find(crate::testing::KEY).is_some());
}

#[actix_web::test]
async fn a_key_is_shown_once_listed_revoked_and_deleted() {
    let (app, token) = with_account(Phase::Loading).await;
    let call = |path: &'static str, body: Value| {
        let (app, token) = (Arc::clone(&app), token.clone());
        async move { post(&app, path, &token, body).await }
    };
    let refused = [
        json!({ "scopes": "chat" }),
        json!({ "scopes": ["nothing"] }),
        json!({ "expires_in_days": 0 }),
        json!({ "expires_in_days": "3" }),
    ];
    for body in refused {
        assert_eq!(call("/api/apikey/create", body.clone()).await.code, "invalid", "{body}");
    }
    let wanted = json!({ "name": "ci", "scopes": ["chat", "chat", "im", "other"] });
    let made = call("/api/apikey/create", wanted).await.body["data"].clone();
    let (raw, id) = (made["api_key"].as_str().unwrap(), made["key_id"].as_str().unwrap());
    assert!(raw.starts_with("abk_") && raw.len() == 47, "{raw}");
    assert_eq!(made["scopes"], json!(["chat", "im"]));
    assert_eq!(made["key_prefix"].as_str().unwrap(), &raw[..12]);
    assert!(app.auth.keys.find(raw).is_some());
    app.auth.keys.used(id);
    app.auth.write_notes().await.unwrap();
    let listed = get(&app, "/api/apikey/list", &token).await.body["data"].clone();
    assert_eq!(listed[0]["key_id"], id);
    assert!(listed[0]["last_used_at"].is_string() && listed[0].get("api_key").is_none());
    assert_eq!(call("/api/apikey/revoke", json!({ "key_id": id })).await.code, "");
    assert!(app.auth.keys.find(raw).is_none());
    assert_eq!(get(&app, "/api/apikey/list", &token).await.body["data"][0]["is_revoked"], true);
    assert_eq!(call("/api/apikey/delete", json!({ "key_id": id })).await.code, "");
    assert_eq!(call("/api/apikey/delete", json!({ "key_id": id })).await.code, "not_found");
    assert_eq!(call("/api/apikey/revoke", json!({})).await.code, "invalid");
}
