//! One WebSocket, whichever side opened it: events in, calls out, and evidence of life.

use std::sync::Arc;
use std::time::Duration;

use firstlight_core::model::PlatformId;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_util::sync::CancellationToken;

use super::event::{self, Frame, Meta};
use super::inlet::{self, Inlet};
use super::links::{Link, Links, Role, Written};
use crate::platforms::{Health, Intake};

/// The largest message that is read, and the largest frame. Member lists of large groups are the
/// largest answers there are; media comes by address.
const LARGEST: usize = 16 << 20;
/// How often the far side is asked for a sign of life.
const PING_EVERY: Duration = Duration::from_secs(30);
/// How long it may be silent.
const SILENCE: Duration = Duration::from_secs(90);
/// How long a frame may take to be written.
const WRITE_LIMIT: Duration = Duration::from_secs(20);
/// How many heartbeats may be missed.
const MISSED: u32 = 3;
/// What an interval of heartbeats is taken for at least and at most.
const INTERVALS: (u64, u64) = (100, 600_000);
/// How long answers may be held up behind events that find no room, before those are dropped.
const HELD_UP: Duration = Duration::from_secs(2);

/// What every connection of a platform works with.
pub(super) struct Wire {
    pub(super) platform: PlatformId,
    pub(super) kind: &'static str,
    pub(super) links: Arc<Links>,
    pub(super) inlet: Inlet,
    pub(super) intake: Intake,
    pub(super) health: Health,
    pub(super) stop: CancellationToken,
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    /// The platform stops.
    #[error("the platform stops")]
    Stopped,
    /// The far side closed it.
    #[error("the far side closed the connection")]
    Closed,
    /// It broke, or the far side broke a limit of the protocol.
    #[error("the connection broke: {0}")]
    Broke(#[from] Error),
    /// Nothing came for too long.
    #[error("nothing was heard for {} s", .0.as_secs())]
    Silent(Duration),
    /// Heartbeats stopped.
    #[error("{MISSED} heartbeats were missed ({} ms each)", .0.as_millis())]
    NoHeartbeat(Duration),
    /// A frame could not be written in time.
    #[error("a frame could not be written within {} s", WRITE_LIMIT.as_secs())]
    Stuck,
}

/// The limits of every connection.
pub(super) fn limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(LARGEST))
        .max_frame_size(Some(LARGEST))
        .read_buffer_size(64 << 10)
}

/// Takes the connection out of the list however it ends.
struct Open<'a> {
    links: &'a Links,
    link: Arc<Link>,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.links.close(&self.link);
    }
}

/// Serves a connection to its end.
pub(super) async fn serve<S>(
    socket: WebSocketStream<S>,
    role: Role,
    account: String,
    wire: &Wire,
) -> Ended
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (link, calls) = wire.links.open(role, account);
    let open = Open { links: &wire.links, link };
    wire.links.heard();
    let (sink, stream) = socket.split();
    let reader = Reader { wire, link: &open.link, heartbeat: None };
    tokio::select! {
        ended = reader.run(stream) => ended,
        ended = write(sink, calls, &wire.stop) => ended,
    }
}

async fn write<S>(
    mut sink: SplitSink<WebSocketStream<S>, Message>,
    mut calls: mpsc::Receiver<Written>,
    stop: &CancellationToken,
) -> Ended
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let (message, done) = tokio::select! {
            () = stop.cancelled() => {
                let frame = CloseFrame { code: CloseCode::Away, reason: "stopping".into() };
                let close = sink.send(Message::Close(Some(frame)));
                let _ = timeout(Duration::from_secs(1), close).await;
                return Ended::Stopped;
            }
            call = calls.recv() => match call {
                // Who made the call has given it up: it must not be done after all.
                Some(call) if call.done.is_closed() => continue,
                Some(call) => (Message::text(call.text), Some(call.done)),
                None => return Ended::Closed,
            },
            _ = pings.tick() => (Message::Ping(Vec::new().into()), None),
        };
        // A frame that is not written to its end is no frame for the far side. That is why a call
        // whose `done` is dropped here was certainly not made.
        match timeout(WRITE_LIMIT, sink.send(message)).await {
            Ok(Ok(())) => {
                if let Some(done) = done {
                    let _ = done.send(());
                }
            }
            Ok(Err(error)) => return Ended::Broke(error),
            Err(_) => return Ended::Stuck,
        }
    }
}

struct Reader<'a> {
    wire: &'a Wire,
    link: &'a Link,
    /// The interval that was announced, and when the last heartbeat came.
    heartbeat: Option<(Duration, Instant)>,
}

impl Reader<'_> {
    async fn run<S>(mut self, mut stream: SplitStream<WebSocketStream<S>>) -> Ended
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        loop {
            let (deadline, silent) = self.deadline();
            // What has come already counts, also when it was not looked at for a while.
            let message = tokio::select! {
                biased;
                message = stream.next() => message,
                () = sleep_until(deadline) => return silent,
            };
            self.wire.links.heard();
            match message {
                Some(Ok(Message::Text(text))) => self.text(text).await,
                Some(Ok(Message::Binary(_))) => self.refused("a binary frame"),
                None
                | Some(
                    Ok(Message::Close(_)) | Err(Error::ConnectionClosed | Error::AlreadyClosed),
                ) => {
                    return Ended::Closed;
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Err(error)) => return Ended::Broke(error),
            }
        }
    }

    fn deadline(&self) -> (Instant, Ended) {
        let silence = (Instant::now() + SILENCE, Ended::Silent(SILENCE));
        match self.heartbeat {
            Some((interval, last)) if last + interval * MISSED < silence.0 => {
                (last + interval * MISSED, Ended::NoHeartbeat(interval))
            }
            _ => silence,
        }
    }

    async fn text(&mut self, text: Utf8Bytes) {
        match event::frame(&text) {
            Ok(Frame::Answer { echo, answer }) => {
                if !self.link.waiting.answer(&echo, answer) {
                    tracing::debug!(platform = %self.wire.platform, "an answer nobody waits for");
                }
            }
            Ok(Frame::Event { account }) => {
                self.belongs_to(account);
                self.event(&text).await;
            }
            Ok(Frame::Meta { account, meta }) => {
                self.belongs_to(account);
                inlet::counted(&self.wire.platform, "meta");
                match meta {
                    Meta::Heartbeat { interval_ms } => {
                        let interval = interval_ms.map(|ms| ms.clamp(INTERVALS.0, INTERVALS.1));
                        let interval = interval.map(Duration::from_millis);
                        let known = interval.or(self.heartbeat.map(|(interval, _)| interval));
                        self.heartbeat = known.map(|interval| (interval, Instant::now()));
                    }
                    Meta::Lifecycle { kind } => {
                        tracing::info!(platform = %self.wire.platform, kind, "the client reports");
                    }
                    Meta::Other => {}
                }
            }
            Err(error) => self.refused(&error.to_string()),
        }
    }

    fn belongs_to(&self, account: Option<String>) {
        if let Some(account) = account {
            self.link.belongs_to(&account);
        }
    }

    /// Queues an event. While there is no room the socket is read no further, which the far side
    /// feels as a slow reader. Only when answers to our own calls are stuck behind it, an event is
    /// dropped and counted: without answers nothing is sent, and without sending no room comes.
    async fn event(&self, text: &Utf8Bytes) {
        let account = self.link.account();
        let put = self.wire.inlet.put(text, &account);
        tokio::pin!(put);
        tokio::select! {
            biased;
            _closed_or_put = &mut put => {}
            () = self.held_up() => {
                inlet::counted(&self.wire.platform, "dropped");
                self.wire.health.fault("an event was dropped: there was no room for it");
            }
        }
    }

    async fn held_up(&self) {
        loop {
            sleep(HELD_UP).await;
            if !self.link.waiting.is_empty() {
                return;
            }
        }
    }

    fn refused(&self, what: &str) {
        inlet::counted(&self.wire.platform, "refused");
        tracing::warn!(platform = %self.wire.platform, what, "a frame was refused");
        self.wire.health.fault(format!("a frame was refused: {what}"));
    }
}
