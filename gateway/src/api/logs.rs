//! The log: what was, what comes, and how much of it.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::web::Data;
use async_stream::stream;
use futures_util::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app::App;
use crate::http::events::{Event, Events};
use crate::http::{Answer, ApiError, Empty, Json, Reply};
use crate::logs::{LogEntry, LogRing, LogTime};

/// Where the switch is kept.
const TRACE: (&str, &str, &str) = ("global", "global", "trace_enable");

/// The kept entries.
#[derive(Serialize, JsonSchema)]
pub struct History {
    logs: Vec<Arc<LogEntry>>,
}

/// The switch for detail.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Trace {
    trace_enable: bool,
}

/// A change of the switch.
#[derive(Deserialize, JsonSchema)]
pub struct SetTrace {
    trace_enable: Option<bool>,
}

/// `GET /api/log-history`
pub async fn history(app: Data<App>) -> Answer<History> {
    Ok(Reply::data(History { logs: app.logs.ring.history() }))
}

/// `GET /api/live-log`: with `Last-Event-ID` the kept entries after it first, then what comes.
pub async fn live(app: Data<App>, request: HttpRequest) -> Events {
    let last = request.headers().get("Last-Event-ID");
    let last = last.and_then(|id| LogTime::parse(id.to_str().ok()?));
    Events::of_process(&app, follow(app.logs.ring.clone(), last.unwrap_or_else(LogTime::now)))
}

fn follow(ring: LogRing, mut seen: LogTime) -> impl Stream<Item = Event> {
    stream! {
        loop {
            let (missed, mut feed) = ring.follow(seen);
            for entry in missed {
                seen = entry.time;
                yield event(&entry);
            }
            // A reader that was too slow for the feed goes on with what the ring still has.
            while let Ok(entry) = feed.recv().await {
                seen = entry.time;
                yield event(&entry);
            }
        }
    }
}

fn event(entry: &LogEntry) -> Event {
    #[derive(Serialize)]
    struct Line<'a> {
        r#type: &'static str,
        #[serde(flatten)]
        entry: &'a LogEntry,
    }
    Event::json(&Line { r#type: "log", entry }).id(entry.time.to_string())
}

/// `GET /api/trace/settings`
pub async fn trace(app: Data<App>) -> Answer<Trace> {
    Ok(Reply::data(Trace { trace_enable: stored(&app).await? }))
}

/// `POST /api/trace/settings`
pub async fn set_trace(app: Data<App>, Json(set): Json<SetTrace>) -> Answer<Empty> {
    if let Some(on) = set.trace_enable {
        let (scope, scope_id, key) = TRACE;
        app.database.preferences().store(scope, scope_id, key, Value::from(on)).await?;
        app.logs.trace.set(on);
    }
    Ok(Reply::done())
}

/// Switches the detail on at a start, when it was on before.
pub(crate) async fn restore(app: &App) {
    match stored(app).await {
        Ok(on) => app.logs.trace.set(on),
        Err(error) => tracing::warn!(%error, "the switch for the detail of the log was not read"),
    }
}

async fn stored(app: &App) -> Result<bool, ApiError> {
    let (scope, scope_id, key) = TRACE;
    let value = app.database.preferences().load(scope, scope_id, key).await?;
    Ok(value.and_then(|value| value.as_bool()).unwrap_or_default())
}
