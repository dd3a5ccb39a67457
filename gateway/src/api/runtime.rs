//! The lifecycle as callers see it: probes, status, timeline, and the commands.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use async_stream::stream;
use firstlight_core::lifecycle::{
    Activity, Answer as Outcome, ComponentRecord, Control, Failure, History, Snapshot, State,
};
use futures_util::Stream;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::Rt;
use crate::app::App;
use crate::http::events::{Event, Events};
use crate::http::{Answer, ApiError, Code, Reply};

/// Whether the process answers at all, or serves everything. Public, so it says nothing more.
#[derive(Serialize, JsonSchema)]
pub struct Probe {
    /// `created`, `core_ready`, `runtime_ready` or `runtime_failed`.
    state: &'static str,
}

/// Where the runtime stands, as the contract has it.
#[derive(Serialize, JsonSchema)]
pub struct Status {
    state: &'static str,
    ready: bool,
    failed: bool,
    failure_message: Option<String>,
}

/// Where the runtime stands, and how it came there.
#[derive(Serialize, JsonSchema)]
pub struct Timeline {
    state: &'static str,
    /// What goes on while the state is `core_ready`: `idle`, `bootstrapping` or `stopping`.
    activity: Option<&'static str>,
    ready: bool,
    failed: bool,
    /// Counts the published states.
    generation: u64,
    /// When the state was published.
    changed_at: String,
    /// Counts the bootstraps since the process started; null before the first.
    attempt: Option<u32>,
    failure: Option<Reason>,
    /// The components of the last attempt in start order, each with its items, times and errors.
    components: Vec<Value>,
    /// What could be neither stopped nor aborted; empty in a healthy process.
    unclean: Vec<String>,
}

/// Why the runtime is down.
#[derive(Serialize, JsonSchema)]
pub struct Reason {
    component: &'static str,
    message: String,
    attempt: u32,
    at: String,
    /// When it is tried again by itself, where that is configured.
    retry_at: Option<String>,
}

/// What became of a command.
#[derive(Serialize, JsonSchema)]
pub struct Commanded {
    /// The published state with which it begins, or in which it is so already.
    generation: u64,
    state: &'static str,
}

/// `GET /livez`: the process answers.
pub async fn live(app: Data<App>) -> Answer<Probe> {
    Ok(Reply::data(Probe { state: app.control.snapshot().state.name() }))
}

/// `GET /readyz`: the process serves everything.
pub async fn ready(app: Data<App>) -> Answer<Probe> {
    let snapshot = app.control.snapshot();
    let probe = Probe { state: snapshot.state.name() };
    let status = match &snapshot.state {
        State::RuntimeReady(_) => StatusCode::OK,
        State::Created | State::CoreReady(_) | State::RuntimeFailed(_) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
    };
    Ok(Reply::data(probe).status(status))
}

/// `GET /api/stat/runtime-status`: answers in every state.
pub async fn status(app: Data<App>) -> Answer<Status> {
    let state = app.control.snapshot().state;
    Ok(Reply::data(Status {
        state: state.name(),
        ready: state.live().is_some(),
        failed: state.failure().is_some(),
        failure_message: state.failure().map(|failure| failure.message.clone()),
    }))
}

/// `GET /api/runtime/timeline`
pub async fn timeline(app: Data<App>) -> Answer<Timeline> {
    Ok(Reply::data(Timeline::of(&app.control)))
}

/// `GET /api/runtime/events`: the timeline, now and whenever something of it changes.
pub async fn events(app: Data<App>) -> Result<Events, ApiError> {
    Ok(Events::of_process(&app, changes(app.control.clone())))
}

fn changes(control: Control<Rt>) -> impl Stream<Item = Event> {
    stream! {
        let mut snapshots = control.subscribe();
        let mut histories = control.timeline().subscribe();
        loop {
            snapshots.mark_unchanged();
            histories.mark_unchanged();
            yield Event::json(&Timeline::of(&control)).named("snapshot");
            let changed = tokio::select! {
                changed = snapshots.changed() => changed,
                changed = histories.changed() => changed,
            };
            if changed.is_err() {
                // The supervisor is gone with the process; the last state was told.
                std::future::pending::<()>().await;
            }
        }
    }
}

/// `POST /api/runtime/start`
pub async fn start(app: Data<App>) -> Answer<Commanded> {
    commanded(&app, app.control.start().await)
}

/// `POST /api/runtime/retry`
pub async fn retry(app: Data<App>) -> Answer<Commanded> {
    commanded(&app, app.control.retry().await)
}

/// `POST /api/runtime/stop`
pub async fn stop(app: Data<App>) -> Answer<Commanded> {
    commanded(&app, app.control.stop().await)
}

/// `POST /api/stat/restart-core`: the runtime goes down and comes up again, in this process and on
/// the same sockets, with the configuration as it is now.
pub async fn restart(app: Data<App>) -> Answer<crate::http::Empty> {
    match app.control.restart().await {
        Outcome::Began { .. } | Outcome::Already { .. } => {
            Ok(Reply::done().message("The runtime is restarting."))
        }
        Outcome::Ending => Err(ending()),
    }
}

/// 202 when something begins, 200 when it is so already.
fn commanded(app: &App, outcome: Outcome) -> Answer<Commanded> {
    let state = app.control.snapshot().state.name();
    match outcome {
        Outcome::Began { generation } => {
            Ok(Reply::data(Commanded { generation, state }).status(StatusCode::ACCEPTED))
        }
        Outcome::Already { generation } => Ok(Reply::data(Commanded { generation, state })),
        Outcome::Ending => Err(ending()),
    }
}

fn ending() -> ApiError {
    ApiError::new(Code::ProcessEnding)
}

impl Timeline {
    fn of(control: &Control<Rt>) -> Self {
        let Snapshot { generation, at, state, .. } = control.snapshot();
        let history: Arc<History> = control.timeline().snapshot();
        let current = history.current.as_ref();
        let write = |component: &ComponentRecord| serde_json::to_value(component).ok();
        Self {
            state: state.name(),
            activity: match &state {
                State::CoreReady(Activity::Idle) => Some("idle"),
                State::CoreReady(Activity::Bootstrapping { .. }) => Some("bootstrapping"),
                State::CoreReady(Activity::Stopping) => Some("stopping"),
                State::Created | State::RuntimeReady(_) | State::RuntimeFailed(_) => None,
            },
            ready: state.live().is_some(),
            failed: state.failure().is_some(),
            generation,
            changed_at: at.to_string(),
            attempt: current.map(|attempt| attempt.attempt),
            failure: state.failure().map(|failure| Reason::of(failure)),
            components: current
                .map(|attempt| attempt.components.iter().filter_map(write).collect())
                .unwrap_or_default(),
            unclean: current.map(|attempt| attempt.unclean.clone()).unwrap_or_default(),
        }
    }
}

impl Reason {
    fn of(failure: &Failure) -> Self {
        Self {
            component: failure.component,
            message: failure.message.clone(),
            attempt: failure.attempt,
            at: failure.at.to_string(),
            retry_at: failure.retry_at.map(|at| at.to_string()),
        }
    }
}
