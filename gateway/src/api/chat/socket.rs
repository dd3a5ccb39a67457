//! `WS /api/unified_chat/ws`: many messages over one socket, text class.
//!
//! Receiving goes on while answers come, so an `interrupt` acts at once.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::web::Data;
use async_stream::stream;
use firstlight_runtime::platforms::webchat::{ChatEvent, Listener, Next, Run, Runs};
use futures_util::{Stream, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio_stream::StreamMap;
use uuid::Uuid;

use super::SendBody;
use crate::app::App;
use crate::http::socket::{Closed, Incoming, Sender, Socket, Switching, Upgrade};
use crate::http::{ApiError, RuntimeLease, Session};

/// How many answers one socket may watch at the same time.
const WATCHED: usize = 64;

type Answers = StreamMap<Uuid, Pin<Box<dyn Stream<Item = ChatEvent>>>>;

#[derive(Deserialize)]
struct Frame {
    #[serde(default = "live")]
    ct: String,
    #[serde(default)]
    t: String,
    #[serde(default)]
    session_id: Option<String>,
    #[serde(default)]
    message_id: Option<String>,
}

fn live() -> String {
    "live".to_owned()
}

/// What went wrong with a frame, by the codes of the contract.
enum FrameError {
    Format(String),
    Processing(String),
}

struct Conversation {
    username: String,
    /// The session of messages that name none.
    own_session: String,
    runs: Runs,
    /// The sessions whose answers are relayed, whoever asked.
    bound: HashSet<String>,
    answers: Answers,
    sender: Sender,
}

/// Opens the socket.
pub async fn open(
    app: Data<App>,
    lease: RuntimeLease,
    Session(caller): Session,
    upgrade: Upgrade,
) -> Result<Switching, ApiError> {
    let username = caller.username.clone();
    upgrade.serve(&app, lease, move |socket| talk(socket, username))
}

async fn talk(mut socket: Socket, username: String) {
    let runs = socket.runtime().platforms.webchat().runs().clone();
    let mut opened = runs.watch();
    let mut conversation = Conversation {
        username,
        own_session: Uuid::new_v4().to_string(),
        runs,
        bound: HashSet::new(),
        answers: StreamMap::new(),
        sender: socket.sender(),
    };
    loop {
        let sent = tokio::select! {
            incoming = socket.receive() => match incoming {
                None => return,
                Some(incoming) => conversation.take(&socket, incoming).await,
            },
            Some((_, event)) = conversation.answers.next(), if !conversation.answers.is_empty() => {
                conversation.send(&json!(event)).await
            }
            run = opened.recv() => match run {
                Ok(id) => {
                    conversation.relay(id);
                    Ok(())
                }
                // Missed ones are in the history; the client reads it when it binds again.
                Err(RecvError::Lagged(_)) => Ok(()),
                Err(RecvError::Closed) => return,
            },
        };
        if sent.is_err() {
            return;
        }
    }
}

impl Conversation {
    async fn take(&mut self, socket: &Socket, incoming: Incoming) -> Result<(), Closed> {
        let refused = match self.handle(socket, incoming).await {
            Ok(answer) => match answer {
                Some(answer) => return self.send(&answer).await,
                None => return Ok(()),
            },
            Err(refused) => refused,
        };
        let (code, text) = match refused {
            FrameError::Format(text) => ("INVALID_MESSAGE_FORMAT", text),
            FrameError::Processing(text) => ("PROCESSING_ERROR", text),
        };
        self.send(&json!({ "t": "error", "code": code, "data": text })).await
    }

    async fn handle(
        &mut self,
        socket: &Socket,
        incoming: Incoming,
    ) -> Result<Option<Value>, FrameError> {
        let wrong = |text: &str| FrameError::Format(text.to_owned());
        let Incoming::Text(text) = incoming else {
            return Err(wrong("Only text frames are understood."));
        };
        let frame: Frame =
            serde_json::from_str(&text).map_err(|error| FrameError::Format(error.to_string()))?;
        if frame.ct != "chat" {
            return Err(wrong("Voice is not available in this version; set ct to \"chat\"."));
        }
        match frame.t.as_str() {
            "bind" => self.bind(frame.session_id).map(Some),
            "interrupt" => {
                self.interrupt(frame.message_id.as_deref());
                Ok(Some(json!({ "t": "error", "data": "INTERRUPTED", "code": "INTERRUPTED" })))
            }
            "send" => self.send_message(socket, &text).await,
            _ => Err(wrong("t must be bind, send or interrupt.")),
        }
    }

    fn bind(&mut self, session_id: Option<String>) -> Result<Value, FrameError> {
        let session_id = session_id
            .filter(|id| !id.is_empty())
            .ok_or_else(|| FrameError::Format("session_id is missing.".to_owned()))?;
        for run in self.runs.of_session(&session_id) {
            self.watch(&run, run.listen());
        }
        self.bound.insert(session_id.clone());
        Ok(json!({
            "type": "session_bound",
            "session_id": session_id,
            "message_id": format!("ws_sub_{}", Uuid::new_v4().simple()),
        }))
    }

    /// Stops one answer, or all that this socket watches.
    fn interrupt(&self, message_id: Option<&str>) {
        let wanted = |id: &&Uuid| message_id.is_none_or(|wanted| id.to_string() == wanted);
        for id in self.answers.keys().filter(wanted) {
            if let Some(run) = self.runs.find(*id) {
                run.stop();
            }
        }
    }

    async fn send_message(
        &mut self,
        socket: &Socket,
        text: &str,
    ) -> Result<Option<Value>, FrameError> {
        if self.answers.len() >= WATCHED {
            return Err(FrameError::Processing("Too many answers are under way.".to_owned()));
        }
        let format = |error: ApiError| FrameError::Format(error.to_string());
        let body: SendBody =
            serde_json::from_str(text).map_err(|error| FrameError::Format(error.to_string()))?;
        let session_id = body.session().unwrap_or_else(|| self.own_session.clone());
        let message = body.into_message(self.username.clone(), session_id).map_err(format)?;
        let sent = socket.runtime().platforms.webchat().send(message).await;
        let sent = sent.map_err(|error| FrameError::Processing(error.to_string()))?;
        let run = self.runs.find(sent.run_id);
        if let (Some(run), Some(listener)) = (run, sent.listener) {
            self.watch(&run, listener);
        }
        Ok(sent.saved.map(|saved| json!(ChatEvent::UserMessageSaved { data: saved })))
    }

    /// Watches a run that was opened in a bound session by somebody else.
    fn relay(&mut self, id: Uuid) {
        let Some(run) = self.runs.find(id) else { return };
        if self.bound.contains(run.session_id()) && self.answers.len() < WATCHED {
            let listener = run.listen();
            self.watch(&run, listener);
        }
    }

    fn watch(&mut self, run: &Arc<Run>, listener: Listener) {
        if run.username() == self.username && !self.answers.contains_key(&run.id()) {
            self.answers.insert(run.id(), Box::pin(events(listener)));
        }
    }

    async fn send(&mut self, event: &Value) -> Result<(), Closed> {
        let mut frame = json!({ "ct": "chat" });
        if let (Some(frame), Some(event)) = (frame.as_object_mut(), event.as_object()) {
            frame.extend(event.clone());
        }
        self.sender.json(&frame).await
    }
}

fn events(mut listener: Listener) -> impl Stream<Item = ChatEvent> {
    stream! {
        if !listener.snapshot.content.text.is_empty() {
            yield ChatEvent::RunSnapshot { data: listener.snapshot.clone() };
        }
        let message_id = listener.snapshot.run_id;
        loop {
            match listener.next().await {
                Next::Event(event) => {
                    let over = matches!(event, ChatEvent::End { .. });
                    yield event;
                    if over {
                        break;
                    }
                }
                Next::Lagged => {
                    let data = "The answer came too fast for this socket.".to_owned();
                    let code = "stream_lagged".to_owned();
                    yield ChatEvent::Error { data, code, message_id };
                    break;
                }
                Next::Ended => break,
            }
        }
    }
}
