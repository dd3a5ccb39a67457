//! Event streams that know when to end.
//!
//! A stream watches what it depends on while it is open: when the runtime goes away its last event
//! is `runtime_gone`, when the process ends it is `shutdown`. A comment goes out now and then, so
//! that a client that left is noticed.

use std::convert::Infallible;
use std::pin::Pin;
use std::time::Duration;

use actix_web::body::{BodyStream, BoxBody};
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, Responder};
use async_stream::stream;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use serde::Serialize;
use serde_json::json;
use tokio::time::{Instant, interval_at};

use super::describe::{Operation, Output};
use super::extract::RuntimeLease;
use crate::app::App;

const PING: Duration = Duration::from_secs(15);

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    id: Option<String>,
    name: Option<&'static str>,
    data: String,
}

/// The answer of an event-stream row.
pub struct Events(Pin<Box<dyn Stream<Item = Result<Bytes, Infallible>>>>);

impl Event {
    /// An event with a JSON value as its data.
    pub fn json<T: Serialize>(value: &T) -> Self {
        let data = serde_json::to_string(value).unwrap_or_else(|error| {
            tracing::error!(%error, "an event could not be written");
            "null".to_owned()
        });
        Self { id: None, name: None, data }
    }

    /// Names the event; `EventSource` delivers it to the listeners of that name.
    #[must_use]
    pub fn named(mut self, name: &'static str) -> Self {
        self.name = Some(name);
        self
    }

    /// Sets the id that a client sends back as `Last-Event-ID`.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    fn bytes(&self) -> Bytes {
        let mut text = String::with_capacity(self.data.len() + 32);
        let mut line = |field: &str, value: &str| {
            for value in value.split('\n') {
                text.extend([field, ": ", value, "\n"]);
            }
        };
        self.id.iter().for_each(|id| line("id", id));
        self.name.iter().for_each(|name| line("event", name));
        line("data", &self.data);
        text.push('\n');
        text.into()
    }
}

impl Events {
    /// A stream that is served in every state. It ends with the process.
    pub fn of_process(app: &App, events: impl Stream<Item = Event> + 'static) -> Self {
        Self::until(app, None, events)
    }

    /// A stream that needs the runtime. It ends when that goes away.
    pub fn of_runtime(
        app: &App,
        lease: RuntimeLease,
        events: impl Stream<Item = Event> + 'static,
    ) -> Self {
        Self::until(app, Some(lease), events)
    }

    fn until(
        app: &App,
        lease: Option<RuntimeLease>,
        events: impl Stream<Item = Event> + 'static,
    ) -> Self {
        let ending = app.ending.clone();
        Self(Box::pin(stream! {
            let mut events = Box::pin(events);
            let mut ping = interval_at(Instant::now() + PING, PING);
            loop {
                let event = tokio::select! {
                    biased;
                    () = ending.cancelled() => { yield Ok(last("shutdown")); break }
                    () = gone(lease.as_ref()) => { yield Ok(last("runtime_gone")); break }
                    event = events.next() => event,
                    _ = ping.tick() => { yield Ok(Bytes::from_static(b": ping\n\n")); continue }
                };
                match event {
                    Some(event) => yield Ok(event.bytes()),
                    // The runtime may have gone after it was asked above, and taken the events with
                    // it: that is no end of its own.
                    None => {
                        if ending.is_cancelled() {
                            yield Ok(last("shutdown"));
                        } else if lease.as_ref().is_some_and(|lease| lease.is_gone()) {
                            yield Ok(last("runtime_gone"));
                        }
                        break;
                    }
                }
            }
        }))
    }
}

/// The runtime going away, where the stream depends on it.
pub(super) async fn gone(lease: Option<&RuntimeLease>) {
    match lease {
        Some(lease) => lease.gone().await,
        None => std::future::pending().await,
    }
}

fn last(name: &'static str) -> Bytes {
    Event::json(&json!({ "type": name })).named(name).bytes()
}

impl Responder for Events {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, "text/event-stream"))
            .insert_header((CACHE_CONTROL, "no-cache"))
            // Else nginx keeps events until its buffer is full.
            .insert_header(("x-accel-buffering", "no"))
            .body(BodyStream::new(self.0))
    }
}

impl Output for Events {
    fn describe(operation: &mut Operation<'_>) {
        let about =
            "Events. The last one is `runtime_gone` or `shutdown` when the gateway ends it.";
        operation.answer("200", about, "text/event-stream", &json!({ "type": "string" }));
    }
}
