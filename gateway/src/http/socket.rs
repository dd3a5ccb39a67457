//! Sockets behind the one guarded receive.
//!
//! A row that is a socket takes an [`Upgrade`] and gives the loop that serves it. The loop asks
//! [`Socket::receive`], which answers pings, notices silence, and closes the socket with 1013 when
//! the runtime goes away and with 1012 when the process ends: the loop only sees that it is over.

use std::future::{Ready, ready};
use std::io::ErrorKind;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::dev::Payload;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, HttpResponse, Responder, web};
use actix_ws::{
    AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, MessageStream,
    ProtocolError, Session,
};
use bytes::Bytes;
use firstlight_core::messages::{Language, Message};
use futures_util::StreamExt;
use serde::Serialize;
use serde_json::json;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;

use super::describe::{Input, Operation, Output};
use super::error::{ApiError, Code};
use super::extract::RuntimeLease;
use super::guard::Admitted;
use super::language;
use super::row::Access;
use crate::app::App;

/// How often the peer is asked whether it is there, and how long it may say nothing.
const PING: Duration = Duration::from_secs(25);
const SILENCE: Duration = Duration::from_mins(1);

/// A handshake that the guard has let through.
pub struct Upgrade {
    http: HttpRequest,
    body: web::Payload,
    frames_errors: bool,
}

/// The answer of a socket row: the connection switches protocols.
pub struct Switching(HttpResponse);

/// An open socket.
pub struct Socket {
    lease: RuntimeLease,
    sender: Sender,
    messages: AggregatedMessageStream,
    ending: CancellationToken,
    language: Language,
    frames_errors: bool,
    ping: Interval,
    heard: Instant,
}

/// The sending half. Clones send into the same socket.
#[derive(Clone)]
pub struct Sender {
    session: Session,
    patience: Duration,
}

/// What a peer sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    Text(String),
    Binary(Bytes),
}

/// The socket is over.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the socket is closed")]
pub struct Closed;

impl Upgrade {
    /// Accepts the handshake and serves the socket with the given loop.
    pub fn serve<F>(
        self,
        app: &App,
        lease: RuntimeLease,
        serve: impl FnOnce(Socket) -> F,
    ) -> Result<Switching, ApiError>
    where
        F: Future<Output = ()> + 'static,
    {
        let refused =
            |error: Error| ApiError::new(Code::UpgradeRequired).caused_by(error.to_string());
        let (response, session, messages) =
            actix_ws::handle(&self.http, self.body).map_err(refused)?;
        let limits = &app.settings.limits;
        let mut ping = interval_at(Instant::now() + PING, PING);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let socket = Socket {
            lease,
            sender: Sender { session, patience: limits.slow_reader.duration() },
            messages: bounded(messages, limits.socket_message_bytes),
            ending: app.ending.clone(),
            language: language::wanted(self.http.headers()),
            frames_errors: self.frames_errors,
            ping,
            heard: Instant::now(),
        };
        let sender = socket.sender();
        let served = serve(socket);
        #[expect(clippy::disallowed_methods, reason = "the socket ends with its worker anyway")]
        actix_web::rt::spawn(async move {
            served.await;
            sender.close(CloseCode::Normal, None).await;
        });
        Ok(Switching(response))
    }
}

fn bounded(messages: MessageStream, bytes: usize) -> AggregatedMessageStream {
    messages.max_frame_size(bytes).aggregate_continuations().max_continuation_size(bytes)
}

impl Socket {
    /// The next message. Nothing when the socket is over; it has been closed then. May be dropped
    /// and asked again without losing a message.
    pub async fn receive(&mut self) -> Option<Incoming> {
        loop {
            let message = tokio::select! {
                biased;
                () = self.ending.cancelled() => return self.restarting().await,
                () = self.lease.gone() => return self.runtime_gone().await,
                message = self.messages.next() => message,
                _ = self.ping.tick() => {
                    if self.heard.elapsed() > SILENCE || self.sender.ping().await.is_err() {
                        return self.close(CloseCode::Away, None).await;
                    }
                    continue;
                }
            };
            self.heard = Instant::now();
            match message {
                Some(Ok(AggregatedMessage::Text(text))) => {
                    return Some(Incoming::Text(text.to_string()));
                }
                Some(Ok(AggregatedMessage::Binary(bytes))) => {
                    return Some(Incoming::Binary(bytes));
                }
                Some(Ok(AggregatedMessage::Ping(bytes))) => self.sender.pong(&bytes).await.ok()?,
                Some(Ok(AggregatedMessage::Pong(_))) => {}
                Some(Ok(AggregatedMessage::Close(_))) | None => {
                    return self.close(CloseCode::Normal, None).await;
                }
                Some(Err(error)) => {
                    tracing::debug!(%error, "a socket broke the protocol");
                    return self.close(broken(&error), None).await;
                }
            }
        }
    }

    /// The sending half.
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// The runtime, for as long as the socket is open.
    pub fn runtime(&self) -> &RuntimeLease {
        &self.lease
    }

    /// The language that the peer asked for at the handshake.
    pub fn language(&self) -> Language {
        self.language
    }

    async fn runtime_gone(&mut self) -> Option<Incoming> {
        if self.ending.is_cancelled() {
            return self.restarting().await;
        }
        let text = Message::RuntimeGone.text(self.language);
        if self.frames_errors {
            let frame = json!({ "type": "error", "code": "RUNTIME_NOT_READY", "data": text });
            let _ = self.sender.json(&frame).await;
        }
        self.close(CloseCode::Again, Some(&text)).await
    }

    async fn restarting(&mut self) -> Option<Incoming> {
        let text = Message::ProcessEnding.text(self.language);
        self.close(CloseCode::Restart, Some(&text)).await
    }

    async fn close(&mut self, code: CloseCode, text: Option<&str>) -> Option<Incoming> {
        self.sender.clone().close(code, text).await;
        None
    }
}

/// Says with the close code what the peer did wrong.
fn broken(error: &ProtocolError) -> CloseCode {
    match error {
        ProtocolError::Overflow => CloseCode::Size,
        ProtocolError::Io(error) => match error.kind() {
            ErrorKind::InvalidData => CloseCode::Invalid,
            // The library's own error when the pieces of a message come to more than is allowed.
            ErrorKind::Other => CloseCode::Size,
            _ => CloseCode::Protocol,
        },
        _ => CloseCode::Protocol,
    }
}

impl Sender {
    /// Sends a value as JSON. A peer that does not read for too long is given up.
    pub async fn json<T: Serialize>(&mut self, value: &T) -> Result<(), Closed> {
        let text = serde_json::to_string(value).map_err(|error| {
            tracing::error!(%error, "a socket message could not be written");
            Closed
        })?;
        self.text(text).await
    }

    /// Sends a text.
    pub async fn text(&mut self, text: String) -> Result<(), Closed> {
        match timeout(self.patience, self.session.text(text)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Closed),
        }
    }

    /// Closes the socket. Closing it again does nothing.
    pub async fn close(self, code: CloseCode, text: Option<&str>) {
        let reason = CloseReason { code, description: text.map(str::to_owned) };
        // An error says that it is closed already; a peer that does not read is dropped with its
        // connection.
        let _ = timeout(Duration::from_secs(1), self.session.close(Some(reason))).await;
    }

    async fn ping(&mut self) -> Result<(), Closed> {
        match timeout(self.patience, self.session.ping(b"")).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Closed),
        }
    }

    async fn pong(&mut self, bytes: &[u8]) -> Result<(), Closed> {
        match timeout(self.patience, self.session.pong(bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Closed),
        }
    }
}

impl FromRequest for Upgrade {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let frames_errors = req
            .extensions()
            .get::<Admitted>()
            .is_some_and(|admitted| matches!(admitted.row.access, Access::Key(_)));
        let body = web::Payload::from_request(req, payload).into_inner();
        ready(body.map(|body| Self { http: req.clone(), body, frames_errors }))
    }
}

impl Responder for Switching {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.0
    }
}

impl Input for Upgrade {}

impl Output for Switching {
    fn describe(operation: &mut Operation<'_>) {
        let about = "A WebSocket. Refusals are closed with 1008 or 1013 after the handshake.";
        operation.answers.insert("101".to_owned(), json!({ "description": about }));
    }
}
