//! A OneBot client that asks, takes answers, and acknowledges them: one connection, one task.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// The platform's name in the gateway.
pub(super) const PLATFORM: &str = "load";
/// The bot's own account.
const SELF: u64 = 10_000;
/// The account of the first conversation.
const FIRST: u64 = 1_000_000;

/// The session of a conversation in the gateway.
pub(super) fn session(conversation: u64) -> String {
    format!("{PLATFORM}:FriendMessage:{}", FIRST + conversation)
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The open connection.
pub(super) struct Peer {
    incoming: SplitStream<Socket>,
    /// Not bounded: a gateway that reads no more must not keep us from reading what it says.
    outgoing: mpsc::UnboundedSender<Message>,
    /// Decides about message ids, which the gateway remembers from earlier runs.
    run: u64,
    _writer: JoinSet<Result<()>>,
}

impl Peer {
    /// Connects as a OneBot implementation does.
    pub(super) async fn connect(address: SocketAddr) -> Result<Self> {
        let mut request = format!("ws://{address}/ws").into_client_request()?;
        let headers = [("x-self-id", SELF.to_string()), ("x-client-role", "Universal".into())];
        for (name, value) in headers {
            request.headers_mut().insert(name, value.parse()?);
        }
        let (socket, _) = connect_async(request).await?;
        let (sink, incoming) = socket.split();
        let (outgoing, queue) = mpsc::unbounded_channel();
        let mut writer = JoinSet::new();
        writer.spawn(write(sink, queue));
        let since = std::time::SystemTime::UNIX_EPOCH.elapsed()?;
        let hello = json!({ "post_type": "meta_event", "meta_event_type": "lifecycle",
            "sub_type": "connect", "self_id": SELF, "time": since.as_secs() });
        outgoing.send(Message::text(hello.to_string()))?;
        Ok(Self { incoming, outgoing, run: since.as_secs() % 1_000_000, _writer: writer })
    }

    /// Asks a question in a conversation.
    pub(super) fn ask(&self, conversation: u64, number: usize) -> Result<()> {
        let user = FIRST + conversation;
        let id = self.run * 10_000_000 + u64::try_from(number)?;
        let said = format!("What about #{number}");
        let event = json!({
            "post_type": "message", "message_type": "private", "sub_type": "friend",
            "message_id": id, "user_id": user, "self_id": SELF, "time": 1_700_000_000, "font": 0,
            "message": [{ "type": "text", "data": { "text": said } }], "raw_message": said,
            "sender": { "user_id": user, "nickname": "User" },
        });
        Ok(self.outgoing.send(Message::text(event.to_string()))?)
    }

    /// The numbers of answers that have come, once there are any; each is acknowledged.
    pub(super) async fn answers(&mut self) -> Result<Vec<usize>> {
        let mut answers = Vec::new();
        let mut next = Some(self.incoming.next().await);
        while let Some(message) = next {
            if let Message::Text(text) = message.context("the gateway hung up")?? {
                answers.extend(self.take(&text)?);
            }
            next = self.incoming.next().now_or_never();
        }
        Ok(answers)
    }

    /// Answers an action, and says which question it answers, if it sends a message.
    fn take(&self, text: &str) -> Result<Option<usize>> {
        let action: Value = serde_json::from_str(text)?;
        let sends = action["action"].as_str().is_some_and(|action| action.starts_with("send"));
        let data = if sends {
            json!({ "message_id": 1 })
        } else {
            json!({ "user_id": SELF, "nickname": "Bot", "app_name": "load" })
        };
        let reply = json!({ "status": "ok", "retcode": 0, "data": data, "echo": action["echo"] });
        self.outgoing.send(Message::text(reply.to_string()))?;
        Ok(if sends { super::number(action["params"].to_string().as_bytes()) } else { None })
    }
}

/// Writes what is queued, as much as there is at once.
async fn write(
    mut sink: SplitSink<Socket, Message>,
    mut queue: mpsc::UnboundedReceiver<Message>,
) -> Result<()> {
    let mut batch = Vec::new();
    while queue.recv_many(&mut batch, 64).await > 0 {
        for message in batch.drain(..) {
            sink.feed(message).await?;
        }
        sink.flush().await?;
    }
    Ok(())
}
