//! What the tests of this crate share: a gateway in any phase, and a way to ask it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::App as Actix;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use firstlight_core::bus::{Bus, BusSettings};
use firstlight_core::config::ConfigStore;
use firstlight_core::db::{Database, NewApiKey, Scopes};
use firstlight_core::lifecycle::{
    Background, Bootstrap, BoxError, Component, Control, Options, StepCx, StepFailure, Steps,
    supervise,
};
use firstlight_core::settings::Settings;
use firstlight_runtime::plugins::Compiler;
use firstlight_runtime::{Foundation, Plan};
use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;

use crate::Rt;
use crate::app::{App, Parts};
use crate::auth::Digest;
use crate::http::mount::mount;
use crate::http::{SessionCaller, Table};
use crate::logs::Logs;

pub(crate) const TOKEN: &str = "a-session";
pub(crate) const STALE: &str = "an-expired-session";
pub(crate) const KEY: &str = "abk_with-chat";
pub(crate) const POOR: &str = "abk_without-scopes";

/// How the scripted bootstrap goes.
#[derive(Clone, Copy, PartialEq)]
enum Script {
    Succeeds,
    Fails,
    Hangs,
    HangsOnStop,
    /// Everything comes up, and then it fails; the next attempt succeeds.
    FailsOnceAtTheEnd,
}

/// A scripted step in front of the real plan. It keeps the folder for as long as it lives.
struct Scripted {
    script: Script,
    plan: Plan,
    attempts: AtomicUsize,
    _folder: TempDir,
}

struct Step(Script);

impl Component for Step {
    const NAME: &'static str = "scripted";
    type Handle = Script;

    async fn start(self, cx: &StepCx) -> Result<Script, BoxError> {
        match self.0 {
            Script::Fails => Err("the secret host is down".into()),
            Script::Hangs => {
                cx.token().cancelled().await;
                Ok(self.0)
            }
            Script::Succeeds | Script::HangsOnStop | Script::FailsOnceAtTheEnd => Ok(self.0),
        }
    }

    async fn stop(script: Script) -> Result<(), BoxError> {
        if script == Script::HangsOnStop {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

impl Bootstrap for Scripted {
    const COMPONENTS: &'static [&'static str] = &["scripted"];
    type Runtime = Rt;

    async fn bootstrap(&self, steps: &mut Steps) -> Result<Rt, StepFailure> {
        steps.start(Step(self.script)).await?;
        let runtime = self.plan.bootstrap(steps).await?;
        let first = self.attempts.fetch_add(1, Ordering::Relaxed) == 0;
        if self.script == Script::FailsOnceAtTheEnd && first {
            steps.start(Step(Script::Fails)).await?;
        }
        Ok(runtime)
    }
}

/// The states of the matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Phase {
    Loading,
    Failed,
    Stopped,
    Stopping,
    Ready,
}

pub(crate) const PHASES: [Phase; 5] =
    [Phase::Loading, Phase::Failed, Phase::Stopped, Phase::Stopping, Phase::Ready];

/// A runtime that was not started yet.
fn supervised(script: Script, plan: Plan, folder: TempDir) -> Control<Rt> {
    let plan = Scripted { script, plan, attempts: AtomicUsize::new(0), _folder: folder };
    supervise(plan, Options::default())
}

async fn control_in(phase: Phase, plan: Plan, folder: TempDir) -> Control<Rt> {
    let script = match phase {
        Phase::Loading => Script::Hangs,
        Phase::Failed => Script::Fails,
        Phase::Stopping => Script::HangsOnStop,
        Phase::Stopped | Phase::Ready => Script::Succeeds,
    };
    let control = supervised(script, plan, folder);
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

/// A gateway in that phase, on a database of its own.
pub(crate) async fn app_in(phase: Phase) -> Arc<App> {
    app_with(async |plan, folder| control_in(phase, plan, folder).await).await
}

/// A gateway whose runtime was not started, and fails at its first start, after everything of it
/// came up.
pub(crate) async fn app_that_fails_once() -> Arc<App> {
    app_with(async |plan, folder| supervised(Script::FailsOnceAtTheEnd, plan, folder)).await
}

async fn app_with(control: impl AsyncFnOnce(Plan, TempDir) -> Control<Rt>) -> Arc<App> {
    let folder = TempDir::new().unwrap();
    let database = Database::open(&folder.path().join("test.db")).await.unwrap();
    let settings = Arc::new(Settings {
        cors_origins: vec!["https://friend.example".to_owned()],
        data_dir: folder.path().to_owned(),
        ..Settings::default()
    });
    let foundation = Foundation {
        config: ConfigStore::open(database.clone()).await.unwrap(),
        bus: Bus::new(database.clone(), BusSettings::default()),
        database: database.clone(),
        settings: Arc::clone(&settings),
    };
    let plan = Plan::open(foundation.clone(), Vec::new(), Compiler::InProcess).await.unwrap();
    let (plugins, metadata) = (plan.plugins().clone(), plan.metadata().clone());
    for (key, scope) in [(KEY, "chat"), (POOR, "file")] {
        let new = NewApiKey {
            name: "a test's".to_owned(),
            key_hash: Digest::of(key).to_hex(),
            key_prefix: key.chars().take(8).collect(),
            scopes: Scopes::Only(vec![scope.to_owned()]),
            created_by: "ada".to_owned(),
            expires_at: None,
        };
        database.api_keys().create(new).await.unwrap();
    }
    let app = App::assemble(Parts {
        settings,
        foundation,
        plugins,
        metadata,
        control: control(plan, folder).await,
        background: Background::new(),
        logs: Logs::unconnected(),
    });
    let app = app.await.unwrap();
    let person = |session: &str| SessionCaller {
        session_id: session.to_owned(),
        account_id: "1".to_owned(),
        username: "ada".to_owned(),
    };
    let now = Timestamp::now().as_millisecond();
    app.auth.sessions.insert(Digest::of(TOKEN), person("1"), now + 60_000);
    app.auth.sessions.insert(Digest::of(STALE), person("2"), now - 1);
    app
}

/// An answer, read whole.
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) body: Value,
    pub(crate) bytes: actix_web::web::Bytes,
    pub(crate) headers: actix_web::http::header::HeaderMap,
}

pub(crate) async fn send(app: &Arc<App>, table: &'static Table, request: TestRequest) -> Seen {
    let shared = Arc::clone(app);
    let service = init_service(Actix::new().configure(|cfg| mount(cfg, table, &shared))).await;
    let response = call_service(&service, request.to_request()).await;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = read_body(response).await;
    let body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let code = body["code"].as_str().unwrap_or_default().to_owned();
    Seen { status, code, body, bytes, headers }
}

pub(crate) fn get(path: &str) -> TestRequest {
    TestRequest::get().uri(path)
}

pub(crate) fn signed(path: &str) -> TestRequest {
    get(path).insert_header(("authorization", format!("Bearer {TOKEN}")))
}

/// Posts a body as somebody who is logged in.
pub(crate) async fn post(app: &Arc<App>, path: &str, body: Value) -> Seen {
    let request = TestRequest::post().uri(path);
    let token = ("authorization", format!("Bearer {TOKEN}"));
    send(app, &crate::routes::TABLE, request.insert_header(token).set_json(body)).await
}

/// The data of a success.
pub(crate) fn data(mut seen: Seen) -> Value {
    assert_eq!((seen.status, &seen.body["status"]), (200, &"ok".into()), "{}", seen.body);
    seen.body["data"].take()
}
