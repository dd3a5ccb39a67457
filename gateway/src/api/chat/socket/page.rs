//! `WS /api/unified_chat/ws`, `WS /api/live_chat/ws`: what a page says.
//!
//! Both are one: a frame says by `ct` whether it is of the text class or, by default, of the voice
//! class. This version has no voice, and says so.

use std::collections::HashSet;

use actix_web::web::Data;
use firstlight_core::model::BuiltInChat;
use firstlight_runtime::platforms::webchat::{News, Said};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use super::answers::{Answers, tagged};
use crate::api::chat::SendBody;
use crate::api::chat::request::address;
use crate::api::chat::stream::{answered, caught_up};
use crate::app::App;
use crate::http::language;
use crate::http::socket::{Closed, Incoming, Sender, Socket, Switching, Upgrade};
use crate::http::{ApiError, Code, Language, RuntimeLease, Session};

/// How many sessions one socket may look at.
const BOUND: usize = 256;

#[derive(Deserialize)]
struct Frame {
    #[serde(default)]
    ct: Class,
    #[serde(default)]
    t: String,
    #[serde(default)]
    session_id: Option<String>,
    #[serde(default)]
    message_id: Option<String>,
}

#[derive(Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Class {
    #[default]
    Live,
    Chat,
}

/// What went wrong with a frame, by the codes of the contract.
enum FrameError {
    Format(ApiError),
    Processing(ApiError),
}

struct Conversation {
    app: Data<App>,
    username: String,
    /// The session of messages that name none.
    own_session: String,
    /// The sessions whose answers are relayed, whoever asked.
    bound: HashSet<String>,
    answers: Answers,
    sender: Sender,
    language: Language,
}

/// Opens the socket.
pub async fn open(
    app: Data<App>,
    lease: RuntimeLease,
    Session(caller): Session,
    upgrade: Upgrade,
) -> Result<Switching, ApiError> {
    let (username, shared) = (caller.username.clone(), app.clone());
    upgrade.serve(&app, lease, move |socket| talk(socket, shared, username))
}

async fn talk(mut socket: Socket, app: Data<App>, username: String) {
    let runs = socket.runtime().platforms.webchat().runs().clone();
    let mut news = runs.watch();
    let mut conversation = Conversation {
        app,
        username,
        own_session: Uuid::new_v4().to_string(),
        bound: HashSet::new(),
        answers: Answers::new(runs),
        sender: socket.sender(),
        language: socket.language(),
    };
    loop {
        let sent = tokio::select! {
            biased;
            incoming = socket.receive() => match incoming {
                None => return,
                Some(incoming) => conversation.take(&socket, incoming).await,
            },
            // Before the answers: a run that ends at once must not be taken for a new one.
            heard = news.recv() => match heard {
                Ok(News::Opened(id)) => {
                    conversation.relay(id);
                    Ok(())
                }
                Ok(News::Said(said)) => conversation.repeat(&said).await,
                // Missed ones are in the history; the client reads it when it binds again.
                Err(RecvError::Lagged(_)) => Ok(()),
                Err(RecvError::Closed) => return,
            },
            event = conversation.answers.next() => conversation.send(event).await,
        };
        if sent.is_err() {
            return;
        }
    }
}

impl Conversation {
    async fn take(&mut self, socket: &Socket, incoming: Incoming) -> Result<(), Closed> {
        let (code, error) = match self.handle(socket, incoming).await {
            Ok(Some(answer)) => return self.send(answer).await,
            Ok(None) => return Ok(()),
            Err(FrameError::Format(error)) => ("INVALID_MESSAGE_FORMAT", error),
            Err(FrameError::Processing(error)) => ("PROCESSING_ERROR", error),
        };
        let (text, reason) = (error.message(self.language), error.code().as_str());
        self.send(json!({ "t": "error", "code": code, "data": text, "reason": reason })).await
    }

    async fn handle(
        &mut self,
        socket: &Socket,
        incoming: Incoming,
    ) -> Result<Option<Value>, FrameError> {
        let Incoming::Text(text) = incoming else {
            return Err(wrong("Only text frames are understood."));
        };
        let frame: Frame = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        if frame.ct == Class::Live {
            return Ok(self.voice(&frame.t));
        }
        match frame.t.as_str() {
            "bind" => self.bind(frame.session_id).await.map(Some),
            "interrupt" => {
                self.answers.stop(frame.message_id.as_deref());
                Ok(Some(json!({ "t": "error", "data": "INTERRUPTED", "code": "INTERRUPTED" })))
            }
            "send" => self.send_message(socket, &text).await,
            _ => Err(wrong("t must be bind, send or interrupt.")),
        }
    }

    /// Says once for each utterance that there is no voice: the pieces between its first and its
    /// last frame are not answered.
    fn voice(&self, t: &str) -> Option<Value> {
        let data = language::pick(
            self.language,
            "Voice is not available in this version; set ct to \"chat\".",
            "此版本不支持语音；请将 ct 设为 \"chat\"。",
        );
        let answer =
            json!({ "ct": "live", "t": "error", "code": "VOICE_UNAVAILABLE", "data": data });
        (t != "speaking_part").then_some(answer)
    }

    /// Relays the answers of a session from now on. One that is not there yet may be bound, but
    /// nothing is relayed of a session that somebody else makes under this id.
    async fn bind(&mut self, session_id: Option<String>) -> Result<Value, FrameError> {
        let session_id = session_id
            .filter(|id| !id.is_empty())
            .ok_or_else(|| wrong("session_id is missing."))?;
        let found = self.app.database.chat_sessions().by_id(&session_id).await;
        let found = found.map_err(|error| FrameError::Processing(error.into()))?;
        if found.is_some_and(|session| session.creator != self.username) {
            return Err(FrameError::Processing(ApiError::new(Code::NotOwner)));
        }
        if self.bound.len() >= BOUND && !self.bound.contains(&session_id) {
            return Err(FrameError::Processing(ApiError::with(
                Code::Busy,
                "Too many sessions are bound to this socket.",
            )));
        }
        self.bound.insert(session_id.clone());
        for run in self.answers.runs().of_session(&session_id) {
            self.relay(run.id());
        }
        Ok(json!({
            "type": "session_bound",
            "session_id": session_id,
            "message_id": format!("ws_sub_{}", Uuid::new_v4().simple()),
        }))
    }

    async fn send_message(
        &mut self,
        socket: &Socket,
        text: &str,
    ) -> Result<Option<Value>, FrameError> {
        if !self.answers.has_room() {
            let text = "Too many answers are under way on this socket.";
            return Err(FrameError::Processing(ApiError::with(Code::Busy, text)));
        }
        let body: SendBody =
            serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let (session_id, streaming) = (body.session(), body.streams());
        let session_id = session_id.unwrap_or_else(|| self.own_session.clone());
        let address = address(BuiltInChat::Web, &self.username, &session_id);
        let message = address.and_then(|address| body.into_message(address, self.username.clone()));
        let message = message.map_err(FrameError::Format)?;
        let sent = socket.runtime().platforms.webchat().send(message).await;
        let sent = sent.map_err(|error| FrameError::Processing(error.into()))?;
        self.answers.watch(sent.run_id, &session_id, answered(sent, streaming));
        Ok(None)
    }

    /// Watches a run of a bound session that was opened elsewhere.
    fn relay(&mut self, id: Uuid) {
        let Some(run) = self.answers.runs().find(id) else { return };
        let address = run.address();
        let is_bound = self.bound.contains(address.session_id());
        if is_bound && address.username() == self.username && self.answers.has_room() {
            self.answers.watch(id, address.session_id(), caught_up(run.listen()));
        }
    }

    /// Passes on what the bot said by itself in a bound session.
    async fn repeat(&mut self, said: &Said) -> Result<(), Closed> {
        let address = &said.address;
        if !self.bound.contains(address.session_id()) || address.username() != self.username {
            return Ok(());
        }
        for event in &said.events {
            self.send(tagged(event, said.message_id, address.session_id())).await?;
        }
        Ok(())
    }

    /// Sends a frame; of the text class, where it does not say its class itself.
    async fn send(&mut self, mut frame: Value) -> Result<(), Closed> {
        if let Some(members) = frame.as_object_mut() {
            members.entry("ct").or_insert_with(|| json!("chat"));
        }
        self.sender.json(&frame).await
    }
}

fn wrong(text: impl Into<String>) -> FrameError {
    FrameError::Format(ApiError::with(Code::Invalid, text.into()))
}
