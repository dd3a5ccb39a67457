//! The traps of route tables, each tried against a real actix app and a real supervisor.

use std::sync::{Arc, LazyLock};

use actix_web::App as Actix;
use actix_web::http::Method;
use actix_web::test::{TestRequest, call_service, init_service};
use serde_json::{Value, json};

use super::error::{ApiError, Code};
use super::extract::{Json, Path, RuntimeLease};
use super::mount::mount;
use super::reply::{Answer, Empty, Reply};
use super::row::{Access, BodyLimit, Needs, Row, Scope, route};
use super::table::Table;
use crate::app::App;
use crate::testing::{KEY, PHASES, POOR, Phase, STALE, Seen, TOKEN, app_in, get, signed};

async fn named(Path(name): Path<String>) -> Answer<String> {
    Ok(Reply::data(name))
}

async fn fixed() -> Answer<&'static str> {
    Ok(Reply::data("fixed"))
}

async fn done() -> Answer<Empty> {
    Ok(Reply::done())
}

async fn with_runtime(_runtime: RuntimeLease) -> Answer<Empty> {
    Ok(Reply::done())
}

async fn echo(Json(value): Json<Value>) -> Answer<Value> {
    Ok(Reply::data(value))
}

async fn no() -> Answer<Empty> {
    Err(ApiError::new(Code::NotFound))
}

async fn panics() -> Answer<Empty> {
    panic!("a bug in a handler");
}

fn rows() -> Vec<Row> {
    use Access::{Key, Public, Session, SessionOrKey};
    use Needs::{Core, Recovery, Runtime};
    let (get, post) = (|| Method::GET, || Method::POST);
    vec![
        route(get(), "/api/things/{name}", "things.named", Session, Core, "One.", named),
        route(get(), "/api/things/all", "things.all", Session, Core, "All.", fixed),
        route(post(), "/api/things/all", "things.add", Session, Core, "Add.", echo),
        route(get(), "/api/things/{name}/{tail:.*}", "things.tail", Session, Core, "Tail.", fixed),
        route(get(), "/api/core", "core.done", Session, Core, "Core.", done),
        route(get(), "/api/recovery", "recovery.done", Session, Recovery, "Recovery.", done),
        route(get(), "/api/runtime", "runtime.done", Session, Runtime, "Runtime.", with_runtime),
        route(get(), "/api/open", "open.done", Public, Runtime, "Open.", with_runtime),
        route(get(), "/api/v1/chat", "chat.v1", Key(Scope::Chat), Runtime, "Chat.", with_runtime),
        route(post(), "/api/echo", "echo.echo", Session, Core, "Echo.", echo)
            .body_limit(BodyLimit::Bytes(64)),
        route(post(), "/api/refused", "echo.refused", Session, Runtime, "Echo.", echo),
        route(get(), "/api/no", "no.contract", Public, Core, "No.", no),
        route(get(), "/api/own/no", "no.own", Public, Core, "No.", no).own(),
        route(get(), "/api/panics", "bug.panics", Public, Core, "Panics.", panics),
        route(get(), "/metrics", "metrics.read", SessionOrKey(Scope::Any), Core, "Metrics.", done),
        route(get(), "/api/talk/ws", "talk.socket", Session, Runtime, "Talk.", done).socket(),
        route(get(), "/", "page.index", Public, Core, "Page.", fixed),
        route(get(), "/{tail:.*}", "page.files", Public, Core, "Page.", fixed),
    ]
}

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::new(rows()));

async fn send(app: &Arc<App>, request: TestRequest) -> Seen {
    crate::testing::send(app, &TABLE, request).await
}

#[actix_web::test]
async fn a_static_segment_wins_over_a_parameter_whatever_the_order_of_rows() {
    let app = app_in(Phase::Ready).await;
    assert_eq!(send(&app, signed("/api/things/all")).await.body["data"], "fixed");
    assert_eq!(send(&app, signed("/api/things/other")).await.body["data"], "other");
    assert_eq!(send(&app, signed("/api/things/a/b/c")).await.body["data"], "fixed");
}

#[actix_web::test]
async fn every_need_answers_its_code_in_every_phase() {
    for phase in PHASES {
        let app = app_in(phase).await;
        let refusal = match phase {
            Phase::Loading | Phase::Stopping => "runtime_loading",
            Phase::Failed => "runtime_failed",
            Phase::Stopped => "runtime_stopped",
            Phase::Ready => "",
        };
        let recovery = if matches!(phase, Phase::Loading | Phase::Stopping) { refusal } else { "" };
        let cases = [
            ("/api/core", ""),
            ("/api/recovery", recovery),
            ("/api/runtime", refusal),
            ("/api/open", refusal),
        ];
        for (path, code) in cases {
            let seen = send(&app, signed(path)).await;
            assert_eq!(seen.code, code, "{path} in {phase:?}");
            assert_eq!(seen.status, if code.is_empty() { 200 } else { 503 }, "{path} in {phase:?}");
            let retry = seen.headers.get("retry-after").map(|after| after.to_str().unwrap());
            assert_eq!(retry, (code == "runtime_loading").then_some("1"), "{path} in {phase:?}");
        }
    }
}

#[actix_web::test]
async fn who_is_decided_before_the_lifecycle_in_every_phase() {
    for phase in PHASES {
        let app = app_in(phase).await;
        let bearer = |token: &str| ("authorization", format!("Bearer {token}"));
        for (request, status, code) in [
            (get("/api/runtime"), 401, "unauthenticated"),
            (get("/api/runtime").insert_header(bearer("nonsense")), 401, "session_invalid"),
            (get("/api/runtime").insert_header(bearer(STALE)), 401, "session_expired"),
            (get("/api/runtime").insert_header(bearer(KEY)), 401, "session_invalid"),
            (get("/api/v1/chat"), 401, "key_missing"),
            (get("/api/v1/chat").insert_header(bearer("abk_no")), 401, "key_invalid"),
            (get("/api/v1/chat").insert_header(bearer(TOKEN)), 401, "key_invalid"),
            (get("/api/v1/chat").insert_header(bearer(POOR)), 403, "scope_missing"),
            (get("/metrics"), 401, "unauthenticated"),
            (get("/metrics").insert_header(bearer(POOR)), 200, ""),
            (get("/metrics").insert_header(bearer(TOKEN)), 200, ""),
        ] {
            let seen = send(&app, request).await;
            assert_eq!((seen.status, seen.code.as_str()), (status, code), "{phase:?}");
        }
    }
}

#[actix_web::test]
async fn failure_details_are_for_log_ins_only() {
    let app = app_in(Phase::Failed).await;
    let seen = send(&app, signed("/api/runtime")).await;
    let message = seen.body["data"]["failure_message"].as_str().unwrap();
    assert!(message.contains("the secret host is down"), "{message}");
    let expected = json!({
        "state": "runtime_failed", "ready": false, "failed": true, "failure_message": null,
    });
    assert_eq!(send(&app, get("/api/open")).await.body["data"], expected);
    let key = ("x-api-key", KEY);
    let seen = send(&app, get("/api/v1/chat").insert_header(key)).await;
    assert_eq!((seen.code.as_str(), &seen.body["data"]), ("runtime_failed", &expected));
    let app = app_in(Phase::Loading).await;
    let expected = json!({
        "state": "core_ready", "ready": false, "failed": false, "failure_message": null,
    });
    assert_eq!(send(&app, signed("/api/runtime")).await.body["data"], expected);
}

#[actix_web::test]
async fn unknown_paths_and_wrong_methods_answer_json_in_every_phase() {
    for phase in PHASES {
        let app = app_in(phase).await;
        for path in ["/api/nothing", "/api/things", "/api/things-else", "/api/v1/nothing", "/api"] {
            let seen = send(&app, get(path)).await;
            assert_eq!((seen.status, seen.code.as_str()), (404, "route_unknown"), "{path}");
            assert_eq!(seen.body["data"], json!({}));
        }
        let seen = send(&app, TestRequest::delete().uri("/api/things/all")).await;
        assert_eq!((seen.status, seen.code.as_str()), (405, "method_not_allowed"));
        assert_eq!(seen.headers.get("allow").unwrap(), "GET, HEAD, POST, OPTIONS");
        let options = TestRequest::default().method(Method::OPTIONS).uri("/api/things/all");
        let seen = send(&app, options).await;
        assert_eq!(seen.status, 204);
        assert_eq!(seen.headers.get("allow").unwrap(), "GET, HEAD, POST, OPTIONS");
    }
}

#[actix_web::test]
async fn a_page_that_answers_every_path_leaves_the_api_alone() {
    let app = app_in(Phase::Ready).await;
    assert_eq!(send(&app, get("/")).await.body["data"], "fixed");
    assert_eq!(send(&app, get("/some/page.js")).await.body["data"], "fixed");
    assert_eq!(send(&app, get("/api/unknown")).await.status, 404);
}

#[actix_web::test]
async fn the_body_of_a_refused_caller_is_not_read() {
    let app = app_in(Phase::Failed).await;
    let shared = Arc::clone(&app);
    let service = init_service(Actix::new().configure(|cfg| mount(cfg, &TABLE, &shared))).await;
    for (signed, status) in [(false, 401), (true, 503)] {
        let mut request = TestRequest::post()
            .uri("/api/refused")
            .insert_header(("content-type", "application/json"))
            .insert_header(("transfer-encoding", "chunked"));
        if signed {
            request = request.insert_header(("authorization", TOKEN));
        }
        let read = std::rc::Rc::new(std::cell::Cell::new(false));
        let seen = std::rc::Rc::clone(&read);
        let body = futures_util::stream::poll_fn(move |_| {
            seen.set(true);
            std::task::Poll::Ready(Some(Ok(bytes::Bytes::from_static(b"{}"))))
        });
        let payload: actix_web::dev::Payload =
            actix_web::dev::Payload::Stream { payload: Box::pin(body) };
        let mut http = request.to_request();
        *http.payload() = payload;
        let response = call_service(&service, http).await;
        assert_eq!(response.status().as_u16(), status);
        assert!(!read.get(), "the body of a refused caller was read");
    }
}

#[actix_web::test]
async fn a_body_that_is_too_large_or_no_json_has_its_code() {
    let app = app_in(Phase::Ready).await;
    let post = |body: String| {
        TestRequest::post()
            .uri("/api/echo")
            .insert_header(("authorization", TOKEN))
            .set_payload(body)
    };
    let json = ("content-type", "application/json");
    let seen = send(&app, post("\"short\"".into()).insert_header(json)).await;
    assert_eq!((seen.status, &seen.body["data"]), (200, &json!("short")));
    let seen = send(&app, post(format!("\"{}\"", "x".repeat(100))).insert_header(json)).await;
    assert_eq!((seen.status, seen.code.as_str()), (413, "body_too_large"));
    let chunked = ("transfer-encoding", "chunked");
    let long = post(format!("\"{}\"", "x".repeat(100)));
    let seen = send(&app, long.insert_header(json).insert_header(chunked)).await;
    assert_eq!((seen.status, seen.code.as_str()), (413, "body_too_large"));
    let seen = send(&app, post("{".into()).insert_header(json)).await;
    assert_eq!((seen.status, seen.code.as_str()), (400, "body_invalid"));
    let seen = send(&app, post("1".into())).await;
    assert_eq!((seen.status, seen.code.as_str()), (400, "body_invalid"));
}

#[actix_web::test]
async fn a_panic_is_a_json_500_with_the_code_internal_and_without_its_text() {
    let app = app_in(Phase::Ready).await;
    let seen = send(&app, get("/api/panics")).await;
    assert_eq!((seen.status, seen.code.as_str()), (500, "internal"));
    assert!(!seen.body.to_string().contains("a bug in a handler"));
    assert_eq!(
        seen.body["request_id"],
        seen.headers.get("x-request-id").unwrap().to_str().unwrap()
    );
}

#[actix_web::test]
async fn business_errors_keep_200_in_contract_rows_and_their_status_in_our_own() {
    let app = app_in(Phase::Ready).await;
    let seen = send(&app, get("/api/no")).await;
    assert_eq!((seen.status, seen.code.as_str()), (200, "not_found"));
    assert_eq!(seen.body["data"], Value::Null);
    let seen = send(&app, get("/api/own/no")).await;
    assert_eq!((seen.status, seen.code.as_str()), (404, "not_found"));
}

#[actix_web::test]
async fn a_hostile_origin_may_read_nothing_and_change_nothing() {
    let app = app_in(Phase::Ready).await;
    let post = || {
        TestRequest::post()
            .uri("/api/things/all")
            .insert_header(("host", "bot.example"))
            .insert_header(("content-type", "application/json"))
            .set_payload("1")
    };
    let cookie = ("cookie", format!("{}={TOKEN}", crate::auth::COOKIE));
    let from = |origin: &'static str| ("origin", origin);
    for (request, status) in [
        (post().insert_header(cookie.clone()).insert_header(from("https://evil.example")), 403),
        (post().insert_header(cookie.clone()).insert_header(from("null")), 403),
        (post().insert_header(cookie.clone()), 403),
        (post().insert_header(cookie.clone()).insert_header(from("https://bot.example")), 200),
        (post().insert_header(cookie.clone()).insert_header(from("https://friend.example")), 200),
        (
            post().insert_header(cookie.clone()).insert_header(("sec-fetch-site", "same-origin")),
            200,
        ),
        (post().insert_header(("authorization", TOKEN)), 200),
        (
            post()
                .insert_header(("authorization", TOKEN))
                .insert_header(from("https://evil.example")),
            403,
        ),
    ] {
        let seen = send(&app, request).await;
        assert_eq!(seen.status, status, "{}", seen.code);
        assert_eq!(seen.code, if status == 403 { "origin_refused" } else { "" });
    }
    let seen = send(&app, get("/api/no").insert_header(from("https://evil.example"))).await;
    assert!(!seen.headers.contains_key("access-control-allow-origin"));
    let preflight = TestRequest::default().method(Method::OPTIONS).uri("/api/things/all");
    let seen = send(&app, preflight.insert_header(from("https://friend.example"))).await;
    assert_eq!(seen.headers.get("access-control-allow-origin").unwrap(), "https://friend.example");
    assert_eq!(
        seen.headers.get("access-control-allow-methods").unwrap(),
        "GET, HEAD, POST, OPTIONS"
    );
}

#[actix_web::test]
async fn get_rows_answer_head_without_a_body() {
    let app = app_in(Phase::Ready).await;
    let head = TestRequest::default().method(Method::HEAD).uri("/api/core");
    let seen = send(&app, head.insert_header(("authorization", TOKEN))).await;
    assert_eq!((seen.status, seen.body), (200, Value::Null));
    assert_eq!(seen.headers.get("x-content-type-options").unwrap(), "nosniff");
}

#[actix_web::test]
async fn messages_come_in_the_language_of_the_caller() {
    let app = app_in(Phase::Ready).await;
    let seen = send(&app, get("/api/nothing").insert_header(("accept-language", "zh-CN,en"))).await;
    assert_eq!(seen.body["message"], Code::RouteUnknown.sentence(super::Language::Chinese));
}

#[test]
#[should_panic(expected = "the handler needs Runtime")]
fn a_row_that_promises_less_than_its_handler_takes_is_refused() {
    let _ = route(Method::GET, "/x", "x.y", Access::Public, Needs::Core, "X.", with_runtime);
}

#[test]
#[should_panic(expected = "match the same URLs")]
fn paths_that_differ_in_parameter_names_only_are_refused() {
    let row = |path, name| route(Method::GET, path, name, Access::Public, Needs::Core, "X.", done);
    let _ = Table::new(vec![row("/a/{x}", "a.x"), row("/a/{y}", "a.y")]);
}
