//! The traps of route tables, each tried against a real actix app and a real supervisor.

use std::sync::Arc;

use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App as Actix, web};
use firstlight_core::lifecycle::{
    Background, Bootstrap, Component, Control, Options, StepCx, StepFailure, Steps, supervise,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::caller::{Granted, KeyCaller, SessionCaller};
use super::error::{ApiError, Code};
use super::extract::{Json, Path, RuntimeLease};
use super::mount::mount;
use super::origin::Origins;
use super::reply::{Answer, Empty, Reply};
use super::row::{Access, Needs, Row, Scope, Table, route};
use crate::Rt;
use crate::app::App;
use crate::auth::{Auth, Digest};

const TOKEN: &str = "a-session";
const STALE: &str = "an-expired-session";
const KEY: &str = "abk_with-chat";
const POOR: &str = "abk_without-scopes";

/// How the scripted bootstrap goes.
#[derive(Clone, Copy, PartialEq)]
enum Script {
    Succeeds,
    Fails,
    Hangs,
    HangsOnStop,
}

struct Scripted(Script);

struct Step(Script);

impl Component for Step {
    const NAME: &'static str = "scripted";
    type Handle = Script;

    async fn start(self, cx: &StepCx) -> Result<Script, firstlight_core::lifecycle::BoxError> {
        match self.0 {
            Script::Fails => Err("the secret host is down".into()),
            Script::Hangs => {
                cx.token().cancelled().await;
                Ok(self.0)
            }
            Script::Succeeds | Script::HangsOnStop => Ok(self.0),
        }
    }

    async fn stop(script: Script) -> Result<(), firstlight_core::lifecycle::BoxError> {
        if script == Script::HangsOnStop {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

impl Bootstrap for Scripted {
    type Runtime = Rt;

    async fn bootstrap(&self, steps: &mut Steps) -> Result<Rt, StepFailure> {
        steps.start(Step(self.0)).await?;
        Ok(runtime())
    }
}

fn runtime() -> Rt {
    firstlight_runtime::Runtime
}

/// The states of the matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    Loading,
    Failed,
    Stopped,
    Stopping,
    Ready,
}

const PHASES: [Phase; 5] =
    [Phase::Loading, Phase::Failed, Phase::Stopped, Phase::Stopping, Phase::Ready];

async fn control_in(phase: Phase) -> Control<Rt> {
    let script = match phase {
        Phase::Loading => Script::Hangs,
        Phase::Failed => Script::Fails,
        Phase::Stopping => Script::HangsOnStop,
        Phase::Stopped | Phase::Ready => Script::Succeeds,
    };
    let control = supervise(Scripted(script), Options::default());
    if phase == Phase::Stopped {
        return control;
    }
    let began = control.start().await.generation().unwrap();
    if phase == Phase::Loading {
        return control;
    }
    control.settled(began).await;
    if phase == Phase::Stopping {
        control.stop().await;
    }
    control
}

async fn app_in(phase: Phase) -> Arc<App> {
    let auth = Auth::default();
    let person = |session: &str| SessionCaller {
        session_id: session.to_owned(),
        account_id: "1".to_owned(),
        username: "ada".to_owned(),
    };
    let now = Timestamp::now().as_millisecond();
    auth.sessions.insert(Digest::of(TOKEN), person("1"), now + 60_000);
    auth.sessions.insert(Digest::of(STALE), person("2"), now - 1);
    let key = |id: &str, scopes: &[&str]| KeyCaller {
        key_id: id.to_owned(),
        scopes: Granted::These(scopes.iter().map(ToString::to_string).collect()),
    };
    auth.keys.insert(Digest::of(KEY), key("k1", &["chat"]), None);
    auth.keys.insert(Digest::of(POOR), key("k2", &["file"]), None);
    Arc::new(App {
        control: control_in(phase).await,
        background: Background::new(),
        auth,
        origins: Origins::listed(["https://friend.example".to_owned()]),
    })
}

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
        route(post(), "/api/echo", "echo.echo", Session, Core, "Echo.", echo).body_limit(64),
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

fn table() -> &'static Table {
    Box::leak(Box::new(Table::new(rows())))
}

struct Seen {
    status: u16,
    code: String,
    body: Value,
    headers: actix_web::http::header::HeaderMap,
}

async fn send(app: &Arc<App>, request: TestRequest) -> Seen {
    let shared = Arc::clone(app);
    let service = init_service(Actix::new().configure(|cfg| mount(cfg, table(), &shared))).await;
    let response = call_service(&service, request.to_request()).await;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = read_body(response).await;
    let body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let code = body["code"].as_str().unwrap_or_default().to_owned();
    Seen { status, code, body, headers }
}

fn get(path: &str) -> TestRequest {
    TestRequest::get().uri(path)
}

fn signed(path: &str) -> TestRequest {
    get(path).insert_header(("authorization", format!("Bearer {TOKEN}")))
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
            let uri = request.to_request().uri().clone();
            drop(uri);
            let request = match (status, code) {
                _ => request_again(status, code, &bearer),
            };
            let seen = send(&app, request).await;
            assert_eq!((seen.status, seen.code.as_str()), (status, code), "{phase:?}");
        }
    }
}
