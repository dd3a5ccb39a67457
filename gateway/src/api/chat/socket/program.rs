//! `WS /api/v1/chat/ws`: what a program says.

use actix_web::web::Data;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answers::{Answers, tagged};
use crate::api::chat::stream::answered;
use crate::api::open::{Accepted, SendAs, accept};
use crate::app::App;
use crate::http::socket::{Closed, Incoming, Sender, Socket, Switching, Upgrade};
use crate::http::{ApiError, Caller, Code, RuntimeLease};

use firstlight_runtime::platforms::webchat::ChatEvent;

#[derive(Deserialize)]
struct Frame {
    #[serde(default = "send")]
    t: String,
    #[serde(default)]
    message_id: Option<String>,
}

fn send() -> String {
    "send".to_owned()
}

struct Program {
    app: Data<App>,
    caller: Caller,
    answers: Answers,
    sender: Sender,
}

/// Opens the socket.
pub async fn open(
    app: Data<App>,
    lease: RuntimeLease,
    caller: Caller,
    upgrade: Upgrade,
) -> Result<Switching, ApiError> {
    let shared = app.clone();
    upgrade.serve(&app, lease, move |socket| talk(socket, shared, caller))
}

async fn talk(mut socket: Socket, app: Data<App>, caller: Caller) {
    let runs = socket.runtime().platforms.webchat().runs().clone();
    let answers = Answers::new(runs);
    let mut program = Program { app, caller, answers, sender: socket.sender() };
    loop {
        let sent = tokio::select! {
            incoming = socket.receive() => match incoming {
                None => return,
                Some(incoming) => program.take(&socket, incoming).await,
            },
            event = program.answers.next() => program.sender.json(&event).await,
        };
        if sent.is_err() {
            return;
        }
    }
}

impl Program {
    async fn take(&mut self, socket: &Socket, incoming: Incoming) -> Result<(), Closed> {
        let answer = match self.handle(socket, incoming).await {
            Ok(answer) => answer,
            Err((code, error)) => json!({
                "type": "error",
                "code": code,
                "data": error.message(socket.language()),
                "reason": error.code().as_str(),
            }),
        };
        self.sender.json(&answer).await
    }

    async fn handle(
        &mut self,
        socket: &Socket,
        incoming: Incoming,
    ) -> Result<Value, (&'static str, ApiError)> {
        let Incoming::Text(text) = incoming else {
            return Err(wrong("Only text frames are understood."));
        };
        let frame: Frame = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        match frame.t.as_str() {
            "ping" => Ok(json!({ "type": "pong" })),
            "interrupt" => {
                self.answers.stop(frame.message_id.as_deref());
                let message_id = frame.message_id;
                Ok(json!({ "type": "interrupted", "data": null, "message_id": message_id }))
            }
            "send" => self.send_message(socket, &text).await,
            _ => Err(wrong("t must be send, interrupt or ping.")),
        }
    }

    async fn send_message(
        &mut self,
        socket: &Socket,
        text: &str,
    ) -> Result<Value, (&'static str, ApiError)> {
        if !self.answers.has_room() {
            let text = "Too many answers are under way on this socket.";
            return Err(("PROCESSING_ERROR", ApiError::with(Code::Busy, text)));
        }
        let wanted: SendAs =
            serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let accepted = accept(&self.app, socket.runtime(), &self.caller, wanted).await;
        let Accepted { sent, session_id, streaming } =
            accepted.map_err(|refused| (refused.code(), refused.into_error()))?;
        let message_id = sent.run_id;
        self.answers.watch(message_id, &session_id, answered(sent, streaming));
        let named = ChatEvent::SessionId { data: (), session_id: session_id.clone() };
        Ok(tagged(&named, message_id, &session_id))
    }
}

fn wrong(text: impl Into<String>) -> (&'static str, ApiError) {
    ("INVALID_MESSAGE", ApiError::with(Code::Invalid, text.into()))
}
