//! Sockets and event streams over a real listener: how they are refused and how they end.

use std::net::TcpListener;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use actix_web::http::Method;
use actix_web::web::Data;
use futures_util::{SinkExt, StreamExt, stream};
use serde_json::json;
use tokio::time::timeout;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::error::ApiError;
use super::events::{Event, Events};
use super::extract::RuntimeLease;
use super::row::{Access, Needs, Scope, route};
use super::socket::{Incoming, Socket, Switching, Upgrade};
use super::table::Table;
use crate::app::App;
use crate::server::serve;
use crate::testing::{KEY, POOR, Phase, TOKEN, app_in};

const GENEROUS: Duration = Duration::from_secs(10);

async fn talk(
    app: Data<App>,
    lease: RuntimeLease,
    upgrade: Upgrade,
) -> Result<Switching, ApiError> {
    upgrade.serve(&app, lease, echo)
}

async fn echo(mut socket: Socket) {
    let mut sender = socket.sender();
    while let Some(message) = socket.receive().await {
        let Incoming::Text(text) = message else { continue };
        if sender.json(&json!({ "echo": text })).await.is_err() {
            break;
        }
    }
}

fn one_then_silence() -> impl futures_util::Stream<Item = Event> {
    stream::iter([Event::json(&json!({ "type": "hello" })).id("7")]).chain(stream::pending())
}

async fn of_process(app: Data<App>) -> Result<Events, ApiError> {
    Ok(Events::of_process(&app, one_then_silence()))
}

async fn of_runtime(app: Data<App>, lease: RuntimeLease) -> Result<Events, ApiError> {
    Ok(Events::of_runtime(&app, lease, one_then_silence()))
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    use Access::{Key, Public, Session};
    let get = || Method::GET;
    Table::new(vec![
        route(get(), "/api/talk/ws", "talk.page", Session, Needs::Runtime, "Talk.", talk).socket(),
        route(get(), "/api/v1/talk/ws", "talk.v1", Key(Scope::Chat), Needs::Runtime, "Talk.", talk)
            .socket(),
        route(get(), "/api/events", "events.process", Public, Needs::Core, "Events.", of_process),
        route(get(), "/api/turn", "events.runtime", Public, Needs::Runtime, "Turn.", of_runtime),
    ])
});

/// Serves an app in that phase and answers its host and port.
async fn listen(phase: Phase) -> (Arc<App>, String) {
    let app = app_in(phase).await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let server = serve(listener, &TABLE, Arc::clone(&app)).unwrap();
    app.background.spawn("server", async move { drop(server.await) });
    (app, host)
}

type Opened =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn open(url: &str, origin: Option<&str>) -> Result<Opened, Error> {
    let mut request = url.into_client_request().unwrap();
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin.parse().unwrap());
    }
    timeout(GENEROUS, connect_async(request)).await.unwrap().map(|(socket, _)| socket)
}

/// Reads to the end: the texts, and the code of the close frame.
async fn end(mut socket: Opened) -> (Vec<String>, Option<CloseCode>) {
    let (mut texts, mut code) = (Vec::new(), None);
    while let Some(Ok(message)) = timeout(GENEROUS, socket.next()).await.unwrap() {
        match message {
            Message::Text(text) => texts.push(text.to_string()),
            Message::Close(frame) => code = frame.map(|frame| frame.code),
            _ => {}
        }
    }
    (texts, code)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_answers_and_ends_with_the_code_of_what_went_away() {
    for process_ends in [false, true] {
        let (app, host) = listen(Phase::Ready).await;
        let url = format!("ws://{host}/api/talk/ws?token={TOKEN}");
        let mut socket = open(&url, None).await.unwrap();
        socket.send(Message::text("hi")).await.unwrap();
        let answer = timeout(GENEROUS, socket.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(answer.into_text().unwrap().as_str(), r#"{"echo":"hi"}"#);
        let expected = if process_ends {
            app.ending.cancel();
            CloseCode::Restart
        } else {
            CloseCode::Again
        };
        let stopping = app.control.clone();
        app.background.spawn("stop", async move {
            stopping.stop().await;
        });
        assert_eq!(end(socket).await.1, Some(expected));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_socket_is_accepted_and_closed_with_a_code() {
    for (phase, query, code) in [
        (Phase::Ready, "", CloseCode::Policy),
        (Phase::Ready, "?token=nonsense", CloseCode::Policy),
        (Phase::Loading, "?token=a-session", CloseCode::Again),
        (Phase::Failed, "?token=a-session", CloseCode::Again),
        (Phase::Failed, "?token=nonsense", CloseCode::Policy),
    ] {
        let (_app, host) = listen(phase).await;
        let socket = open(&format!("ws://{host}/api/talk/ws{query}"), None).await.unwrap();
        let (texts, closed) = end(socket).await;
        assert_eq!((texts.len(), closed), (0, Some(code)), "{query} in {phase:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_socket_of_the_key_class_gets_an_error_frame_first() {
    for (phase, key, code, closed) in [
        (Phase::Ready, "", "UNAUTHORIZED", CloseCode::Policy),
        (Phase::Ready, POOR, "UNAUTHORIZED", CloseCode::Policy),
        (Phase::Failed, KEY, "RUNTIME_NOT_READY", CloseCode::Again),
    ] {
        let (_app, host) = listen(phase).await;
        let url = format!("ws://{host}/api/v1/talk/ws?api_key={key}");
        let (texts, seen) = end(open(&url, None).await.unwrap()).await;
        assert_eq!(seen, Some(closed));
        assert!(texts.concat().contains(code), "{texts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_origin_is_refused_at_the_handshake() {
    let (_app, host) = listen(Phase::Ready).await;
    let url = format!("ws://{host}/api/talk/ws?token={TOKEN}");
    match open(&url, Some("https://evil.example")).await {
        Err(Error::Http(answer)) => assert_eq!(answer.status(), 403),
        other => panic!("the handshake was not refused: {:?}", other.map(|_| ())),
    }
    assert!(open(&url, Some(&format!("http://{host}"))).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn event_streams_end_with_the_event_of_what_went_away() {
    for (path, process_ends, last) in [
        ("/api/events", true, "shutdown"),
        ("/api/turn", false, "runtime_gone"),
        ("/api/turn", true, "shutdown"),
    ] {
        let (app, host) = listen(Phase::Ready).await;
        let answer = reqwest::get(format!("http://{host}{path}")).await.unwrap();
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let mut body = answer.bytes_stream();
        let first = timeout(GENEROUS, body.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(first, "id: 7\ndata: {\"type\":\"hello\"}\n\n");
        if process_ends {
            app.ending.cancel();
        } else {
            app.control.stop().await;
        }
        let mut rest = String::new();
        while let Some(Ok(bytes)) = timeout(GENEROUS, body.next()).await.unwrap() {
            rest.push_str(std::str::from_utf8(&bytes).unwrap());
        }
        assert_eq!(rest, format!("event: {last}\ndata: {{\"type\":\"{last}\"}}\n\n"), "{path}");
    }
}
