//! One WebSocket connection, whoever opened it: events and answers out, actions in.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::actions::{self, Taken};
use super::chopped::{Axe, Chopped};
use super::event::{heartbeat, lifecycle};
use super::reply::Reply;
use super::shared::{Out, Role, Shared};

type Socket = WebSocketStream<Chopped>;

/// Serves the connection until either side ends it, or the fake is told to break or leave it.
pub(super) async fn serve(shared: &Arc<Shared>, socket: Socket, axe: Axe, role: Role) {
    let number = shared.next_connection();
    let (out, queue) = mpsc::unbounded_channel();
    let (sink, stream) = socket.split();
    let mut cuts = shared.cuts.subscribe();
    let mut present = shared.present.subscribe();
    let leaving = out.clone();
    let writing = write(shared, sink, axe, role, queue);
    if role.carries_events() {
        shared.open.send_modify(|open| drop(open.insert(number, out.clone())));
    }
    let mut ended = pin!(async {
        tokio::select! {
            _ = writing => {}
            () = read(shared, stream, role, number, out) => {}
            _ = cuts.changed() => {}
        }
    });
    let left = async { present.wait_for(|present| !present).await.map(drop) };
    tokio::select! {
        () = &mut ended => {}
        _ = left => {
            // Says goodbye, and waits for the other side to do the same.
            let _it_may_have_ended = leaving.send(Out::Close);
            let _as_good_as_any = tokio::time::timeout(Duration::from_secs(1), ended).await;
        }
    }
    shared.open.send_modify(|open| drop(open.remove(&number)));
}

async fn write(
    shared: &Arc<Shared>,
    mut sink: SplitSink<Socket, Message>,
    axe: Axe,
    role: Role,
    mut queue: mpsc::UnboundedReceiver<Out>,
) -> Result<(), Error> {
    let me = shared.account.self_id;
    if role.carries_events() {
        sink.send(message(&lifecycle(me))).await?;
    }
    let mut interval = shared.heartbeat.subscribe();
    loop {
        let pause = *interval.borrow_and_update();
        let beat = async {
            match pause.filter(|_| role.carries_events()) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            out = queue.recv() => match out {
                Some(Out::Event { text, written }) => {
                    sink.send(Message::text(text)).await?;
                    let _nobody_may_wait = written.send(());
                }
                Some(Out::Answer(text)) => sink.send(Message::text(text)).await?,
                Some(Out::Half(text)) => {
                    axe.after(text.len() / 2);
                    sink.send(Message::text(text)).await?;
                }
                Some(Out::Close) => sink.send(Message::Close(None)).await?,
                None => return Ok(()),
            },
            () = beat => sink.send(message(&heartbeat(me, pause.unwrap_or_default()))).await?,
            _ = interval.changed() => {}
        }
    }
}

async fn read(
    shared: &Arc<Shared>,
    mut stream: SplitStream<Socket>,
    role: Role,
    connection: u64,
    out: mpsc::UnboundedSender<Out>,
) {
    let mut later = JoinSet::new();
    while let Some(Ok(frame)) = stream.next().await {
        let Ok(text) = frame.to_text() else { continue };
        let Ok(asked) = serde_json::from_str::<Value>(text) else { continue };
        let Some(action) = asked["action"].as_str().filter(|_| role.carries_actions()) else {
            continue;
        };
        let Taken { reply, answer } =
            actions::take(shared, connection, action, &asked["params"], &asked["echo"]);
        let next = match reply {
            Reply::Silence => continue,
            Reply::Cut => {
                shared.cuts.send_modify(|cuts| *cuts += 1);
                return;
            }
            Reply::CutMidway => Out::Half(answer.to_string()),
            Reply::Raw(text) => Out::Answer(text),
            Reply::After(pause) => {
                let out = out.clone();
                later.spawn(async move {
                    tokio::time::sleep(pause).await;
                    let _the_connection_may_be_gone = out.send(Out::Answer(answer.to_string()));
                });
                continue;
            }
            _ => Out::Answer(answer.to_string()),
        };
        if out.send(next).is_err() {
            return;
        }
    }
}

fn message(event: &Value) -> Message {
    Message::text(event.to_string())
}
