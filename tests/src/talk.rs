//! What a person does in the chat of a [`GatewayProcess`].

use anyhow::{Context as _, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::event_stream::EventStream;
use crate::gateway_process::GatewayProcess;
use crate::process::PATIENCE;
use futures_util::{SinkExt as _, StreamExt as _};

/// An open chat socket.
pub struct ChatSocket(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// The providers document with nothing but a demo that takes this long for each part.
pub fn slow_demo(pace_ms: u64) -> Value {
    json!({ "provider_sources": [], "provider": [{
        "id": "demo", "type": "demo_chat_completion", "provider_type": "chat_completion",
        "enable": true, "chunk_delay_ms": pace_ms }] })
}

/// The providers document with nothing but a chat provider at this address.
pub fn openai_at(api_base: &str) -> Value {
    json!({ "provider_sources": [{
        "id": "fake", "type": "openai_chat_completion", "provider_type": "chat_completion",
        "enable": true, "api_base": api_base, "key": ["sk-test"] }],
      "provider": [{ "id": "fake/model", "provider_source_id": "fake", "enable": true,
        "model": "fake-model" }] })
}

/// Sends a message; the answer is the stream.
pub async fn say(gateway: &GatewayProcess, session: &str, text: &str) -> Result<EventStream> {
    let body = json!({ "session_id": session, "message": [{ "type": "plain", "text": text }] });
    gateway.stream(gateway.request(Method::POST, "/api/chat/send").json(&body)).await
}

/// Waits until something of the answer has come.
pub async fn first_words(stream: &mut EventStream) -> Result<()> {
    stream.until(|event| event.kind() == "plain").await.map(drop)
}

/// The rows of a session's history, as the page reads them.
pub async fn history(gateway: &GatewayProcess, session: &str) -> Result<Vec<Value>> {
    let read = gateway.data(&format!("/api/chat/get_session?session_id={session}")).await?;
    let rows = read["history"].as_array().with_context(|| format!("no history: {read}"))?;
    Ok(rows.iter().map(|row| row["content"].clone()).collect())
}

/// The text of a row of the history.
pub fn text_of(content: &Value) -> String {
    let parts = content["message"].as_array().into_iter().flatten();
    parts.filter_map(|part| part["text"].as_str()).collect()
}

impl ChatSocket {
    /// Opens the page's socket and sees that it is served.
    pub async fn open(gateway: &GatewayProcess) -> Result<Self> {
        let credentials = ("Authorization", format!("Bearer {}", gateway.token()));
        let mut socket = Self::connect(gateway, "/api/unified_chat/ws", credentials).await?;
        socket.send(&json!({ "ct": "chat", "t": "bind", "session_id": "socket" })).await?;
        let bound = socket.next().await?.context("closed at once")?;
        ensure!(bound["type"] == "session_bound", "{bound}");
        Ok(socket)
    }

    /// Opens a program's socket.
    pub async fn of_program(gateway: &GatewayProcess, key: &str) -> Result<Self> {
        Self::connect(gateway, "/api/v1/chat/ws", ("X-API-Key", key.to_owned())).await
    }

    /// Opens any socket with these credentials in a header.
    pub async fn connect(
        gateway: &GatewayProcess,
        path: &str,
        (name, value): (&str, String),
    ) -> Result<Self> {
        let url = gateway.url(path).replacen("http", "ws", 1);
        let request = ClientRequestBuilder::new(url.parse()?).with_header(name, value);
        let (socket, _) = timeout(PATIENCE, connect_async(request)).await??;
        Ok(Self(socket))
    }

    /// Sends a message.
    pub async fn say(&mut self, text: &str) -> Result<()> {
        let parts = json!([{ "type": "plain", "text": text }]);
        let send = json!({ "ct": "chat", "t": "send", "session_id": "socket", "message": parts });
        self.send(&send).await
    }

    /// Sends a frame of JSON.
    pub async fn send(&mut self, frame: &Value) -> Result<()> {
        self.raw(Message::text(frame.to_string())).await
    }

    /// Sends any frame.
    pub async fn raw(&mut self, frame: Message) -> Result<()> {
        Ok(timeout(PATIENCE, self.0.send(frame)).await??)
    }

    /// The next frame of which this holds.
    pub async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        loop {
            let frame = self.next().await?.context("the socket closed before")?;
            if wanted(&frame) {
                return Ok(frame);
            }
        }
    }

    /// The next frame of JSON; nothing when the socket closes.
    pub async fn next(&mut self) -> Result<Option<Value>> {
        loop {
            match timeout(PATIENCE, self.0.next()).await?.transpose()? {
                Some(Message::Text(text)) => return Ok(Some(serde_json::from_str(&text)?)),
                Some(Message::Close(_)) | None => return Ok(None),
                Some(_) => {}
            }
        }
    }

    /// Reads until the socket closes, and answers how.
    pub async fn closed(&mut self) -> Result<CloseFrame> {
        loop {
            let message = timeout(PATIENCE, self.0.next()).await.context("it stays open")?;
            if let Message::Close(frame) = message.context("it ended without a close frame")?? {
                return frame.context("it closed without a code");
            }
        }
    }
}
