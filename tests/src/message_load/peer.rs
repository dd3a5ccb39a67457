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

/// As long as what is asked and answered.
pub(super) const SAID_BEFORE: &str =
    "This was said before, by somebody who had something to say and took a sentence to say it.";

/// The session of a conversation in the gateway.
pub(super) fn session(conversation: u64) -> String {
    format!("{PLATFORM}:FriendMessage:{}", FIRST + conversation)
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A socket's writing end. Not bounded: a gateway that reads no more must not keep us from reading
/// what it says.
type Outgoing = mpsc::UnboundedSender<Message>;

/// The open connection: one for all, or one for events and one for actions.
pub(super) struct Peer {
    incoming: SplitStream<Socket>,
    events: Outgoing,
    answers: Outgoing,
    /// Decides about message ids, which the gateway remembers from earlier runs.
    run: u64,
    _tasks: JoinSet<Result<()>>,
}

impl Peer {
    /// Connects as a OneBot implementation does, by one universal connection.
    pub(super) async fn connect(address: SocketAddr) -> Result<Self> {
        let mut tasks = JoinSet::new();
        let (events, incoming) = open(address, "Universal", "/ws", &mut tasks).await?;
        let answers = events.clone();
        let run = hello(&events)?;
        Ok(Self { incoming, events, answers, run, _tasks: tasks })
    }

    /// Connects by one connection for events and one for actions, so that what acknowledges an
    /// answer does not wait behind questions.
    pub(super) async fn connect_twice(address: SocketAddr) -> Result<Self> {
        let mut tasks = JoinSet::new();
        let (answers, incoming) = open(address, "API", "/ws/api", &mut tasks).await?;
        let (events, mut pings) = open(address, "Event", "/ws/event", &mut tasks).await?;
        tasks.spawn(async move {
            while let Some(ping) = pings.next().await {
                ping?;
            }
            Ok(())
        });
        let run = hello(&events)?;
        Ok(Self { incoming, events, answers, run, _tasks: tasks })
    }

    /// Asks a question in a conversation.
    pub(super) fn ask(&self, conversation: u64, number: usize) -> Result<()> {
        let user = FIRST + conversation;
        let id = self.run * 10_000_000 + u64::try_from(number)?;
        let said = format!(
            "What about #{number}, asks somebody who would like to know it soon, and has asked before?"
        );
        let event = json!({
            "post_type": "message", "message_type": "private", "sub_type": "friend",
            "message_id": id, "user_id": user, "self_id": SELF, "time": 1_700_000_000, "font": 0,
            "message": [{ "type": "text", "data": { "text": said } }], "raw_message": said,
            "sender": { "user_id": user, "nickname": "User" },
        });
        Ok(self.events.send(Message::text(event.to_string()))?)
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
        self.answers.send(Message::text(reply.to_string()))?;
        Ok(if sends {
            super::number::number(action["params"].to_string().as_bytes())
        } else {
            None
        })
    }
}

/// Opens a connection of that role, and starts what writes on it.
async fn open(
    address: SocketAddr,
    role: &str,
    path: &str,
    tasks: &mut JoinSet<Result<()>>,
) -> Result<(Outgoing, SplitStream<Socket>)> {
    let mut request = format!("ws://{address}{path}").into_client_request()?;
    for (name, value) in [("x-self-id", SELF.to_string()), ("x-client-role", role.into())] {
        request.headers_mut().insert(name, value.parse()?);
    }
    let (socket, _) = connect_async(request).await?;
    let (sink, incoming) = socket.split();
    let (outgoing, queue) = mpsc::unbounded_channel();
    tasks.spawn(write(sink, queue));
    Ok((outgoing, incoming))
}

/// Says that the connection is there, and answers with the number of this run.
fn hello(events: &Outgoing) -> Result<u64> {
    let seconds = std::time::SystemTime::UNIX_EPOCH.elapsed()?.as_secs();
    let hello = json!({ "post_type": "meta_event", "meta_event_type": "lifecycle",
        "sub_type": "connect", "self_id": SELF, "time": seconds });
    events.send(Message::text(hello.to_string()))?;
    Ok(seconds % 1_000_000)
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
