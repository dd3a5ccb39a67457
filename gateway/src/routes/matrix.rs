//! Every row × every kind of caller × every phase, on status and code.
//!
//! What is expected is said here a second time, in other words than the guard's. Handlers are
//! replaced by probes, so that only the guard is asked.

use std::sync::LazyLock;

use actix_web::App as Actix;
use actix_web::http::Method;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use serde_json::Value;

use super::TABLE;
use crate::http::mount::mount;
use crate::http::{Access, Needs, Row, Scope, Table};
use crate::testing::{KEY, PHASES, POOR, Phase, STALE, TOKEN, app_in};

static PROBES: LazyLock<Table> =
    LazyLock::new(|| Table::new(TABLE.rows().iter().map(Row::probe).collect()));

#[derive(Debug, Clone, Copy, PartialEq)]
enum Caller {
    Nobody,
    BadKey,
    /// A key for `file`.
    PoorKey,
    /// A key for `chat`.
    ChatKey,
    Expired,
    Session,
}

const CALLERS: [Caller; 6] = [
    Caller::Nobody,
    Caller::BadKey,
    Caller::PoorKey,
    Caller::ChatKey,
    Caller::Expired,
    Caller::Session,
];

impl Caller {
    fn token(self) -> Option<&'static str> {
        match self {
            Caller::Nobody => None,
            Caller::BadKey => Some("abk_nonsense"),
            Caller::PoorKey => Some(POOR),
            Caller::ChatKey => Some(KEY),
            Caller::Expired => Some(STALE),
            Caller::Session => Some(TOKEN),
        }
    }
}

/// The refusal of the caller, if any.
fn of_caller(access: Access, caller: Caller) -> Option<(u16, &'static str)> {
    let session = || match caller {
        Caller::Session => None,
        Caller::Nobody => Some((401, "unauthenticated")),
        Caller::Expired => Some((401, "session_expired")),
        Caller::BadKey | Caller::PoorKey | Caller::ChatKey => Some((401, "session_invalid")),
    };
    let key = |scope: Scope| match (caller, scope) {
        (Caller::Nobody, _) => Some((401, "key_missing")),
        (Caller::BadKey | Caller::Expired | Caller::Session, _) => Some((401, "key_invalid")),
        (_, Scope::Any) | (Caller::PoorKey, Scope::File) | (Caller::ChatKey, Scope::Chat) => None,
        (Caller::PoorKey | Caller::ChatKey, _) => Some((403, "scope_missing")),
    };
    match (access, caller) {
        (Access::Public | Access::Token, _) => None,
        (Access::Session, _)
        | (Access::SessionOrKey(_), Caller::Nobody | Caller::Expired | Caller::Session) => {
            session()
        }
        (Access::Key(scope) | Access::SessionOrKey(scope), _) => key(scope),
    }
}

/// The refusal of the phase, if any.
fn of_phase(needs: Needs, phase: Phase) -> Option<(u16, &'static str)> {
    match (phase, needs) {
        (_, Needs::Core)
        | (Phase::Ready, _)
        | (Phase::Failed | Phase::Stopped, Needs::Recovery) => None,
        (Phase::Loading | Phase::Stopping, _) => Some((503, "runtime_loading")),
        (Phase::Failed, Needs::Runtime) => Some((503, "runtime_failed")),
        (Phase::Stopped, Needs::Runtime) => Some((503, "runtime_stopped")),
    }
}

/// The path with something in place of each parameter.
fn sample(path: &str) -> String {
    let segments = path.split('/').map(|s| if s.starts_with('{') { "sample" } else { s });
    segments.collect::<Vec<_>>().join("/")
}

fn request(row: &Row, caller: Caller) -> TestRequest {
    let request = TestRequest::default().method(row.method.clone()).uri(&sample(row.path));
    match caller.token() {
        Some(token) => request.insert_header(("authorization", format!("Bearer {token}"))),
        None => request,
    }
}

#[actix_web::test]
async fn every_row_answers_every_caller_in_every_phase_as_its_columns_say() {
    for phase in PHASES {
        let app = app_in(phase).await;
        let service = init_service(Actix::new().configure(|cfg| mount(cfg, &PROBES, &app))).await;
        for row in TABLE.rows() {
            for caller in CALLERS {
                let admitted = if row.socket { (400, "upgrade_required") } else { (204, "") };
                let expected = of_caller(row.access, caller)
                    .or_else(|| of_phase(row.needs, phase))
                    .unwrap_or(admitted);
                let response = call_service(&service, request(row, caller).to_request()).await;
                let status = response.status().as_u16();
                let body: Value =
                    serde_json::from_slice(&read_body(response).await).unwrap_or_default();
                let code = body["code"].as_str().unwrap_or_default();
                assert_eq!((status, code), expected, "{} {caller:?} {phase:?}", row.name);
                let details = body["data"]["failure_message"].is_string();
                // Only a caller whom the row asked for a log-in, and who has one, may read them.
                let asked = matches!(row.access, Access::Session | Access::SessionOrKey(_));
                let may = asked && caller == Caller::Session;
                let expected = expected.1 == "runtime_failed" && may;
                assert_eq!(details, expected, "{} {caller:?} {phase:?}", row.name);
            }
        }
    }
}

#[actix_web::test]
async fn every_path_refuses_a_wrong_method_and_names_the_right_ones() {
    let app = app_in(Phase::Loading).await;
    let service = init_service(Actix::new().configure(|cfg| mount(cfg, &PROBES, &app))).await;
    for (path, rows) in TABLE.paths() {
        let request = TestRequest::default().method(Method::TRACE).uri(&sample(path));
        let response = call_service(&service, request.to_request()).await;
        assert_eq!(response.status(), 405, "{path}");
        let allowed = response.headers().get("allow").unwrap().to_str().unwrap().to_owned();
        for row in rows {
            assert!(allowed.split(", ").any(|method| method == row.method.as_str()), "{path}");
        }
    }
}
