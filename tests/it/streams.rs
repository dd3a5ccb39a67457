//! A socket and event streams that are open while the runtime, or the process, goes away.

use std::time::Duration;

use anyhow::{Result, ensure};
use firstlight_tests::event_stream::{Event, EventStream};
use firstlight_tests::gateway_process::{Build, Folder, GatewayProcess};
use firstlight_tests::talk::{ChatSocket, first_words, history, say, slow_demo, text_of};
use reqwest::Method;
use serde_json::json;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// Promised is one second; the rest is for a machine with other things to do. With
/// `FIRSTLIGHT_STRICT=1` the promise itself is tested.
fn limit() -> Duration {
    let strict = std::env::var_os("FIRSTLIGHT_STRICT").is_some();
    Duration::from_secs(if strict { 1 } else { 10 })
}

/// Everything that can be open, with an answer under way.
struct Open {
    socket: ChatSocket,
    /// Answers: sent by a person, joined by that person, sent by a program.
    answers: Vec<EventStream>,
    events: EventStream,
    log: EventStream,
}

async fn slow(build: Build) -> Result<(Folder, GatewayProcess)> {
    let folder = Folder::with_account(build).await?;
    folder.save_providers(slow_demo(100)).await?;
    let gateway = folder.start(build).await?;
    gateway.ready().await?;
    Ok((folder, gateway))
}

impl Open {
    async fn on(gateway: &GatewayProcess) -> Result<Self> {
        let mut socket = ChatSocket::open(gateway).await?;
        socket.say("hello over the socket").await?;
        while let Some(frame) = socket.next().await? {
            if frame["type"] == "plain" {
                break;
            }
        }
        let mut sent = say(gateway, "stream", "hello over the stream").await?;
        let started = sent.until(|event| event.kind() == "run_started").await?.json()?;
        let run = started["data"]["run_id"].as_str().unwrap_or_default().to_owned();
        first_words(&mut sent).await?;
        let join = format!("/api/v1/chat/runs/{run}/stream");
        let mut joined = gateway.stream(gateway.request(Method::GET, &join)).await?;
        first_words(&mut joined).await?;
        let key = gateway.api_key("chat").await?;
        let body = json!({ "username": "grace", "message": "hello from a program" });
        let program = gateway.anonymous(Method::POST, "/api/v1/chat").json(&body);
        let mut program = gateway.stream(program.header("X-API-Key", key)).await?;
        first_words(&mut program).await?;
        let events = gateway.request(Method::GET, "/api/runtime/events");
        let mut events = gateway.stream(events).await?;
        events.until(|event| event.name == "snapshot").await?;
        let log = gateway.stream(gateway.request(Method::GET, "/api/live-log")).await?;
        Ok(Self { socket, answers: vec![sent, joined, program], events, log })
    }

    /// What needs the runtime ends with this code and event, soon.
    async fn ends(&mut self, began: Instant, code: CloseCode, last: &str) -> Result<()> {
        let frame = self.socket.closed().await?;
        let socket = began.elapsed();
        assert_eq!(frame.code, code, "{frame:?}");
        ensure!(!frame.reason.is_empty(), "the close says nothing");
        for answer in &mut self.answers {
            let events = answer.to_end().await?;
            assert_eq!(names(&events).last(), Some(&last), "{events:?}");
            assert!(!events.iter().any(|event| event.kind() == "end"), "{events:?}");
        }
        let streams = began.elapsed();
        println!("{last}: socket {socket:?}, streams {streams:?}");
        ensure!(streams <= limit(), "the socket took {socket:?}, the streams {streams:?}");
        Ok(())
    }

    /// What does not need the runtime goes on: the events show another state, the log a new line.
    async fn the_rest_goes_on(&mut self, gateway: &GatewayProcess, state: &str) -> Result<()> {
        let shows = |event: &Event| event.json().is_ok_and(|json| json["state"] == state);
        self.events.until(shows).await?;
        gateway.post("/api/trace/settings", &json!({ "trace_enable": true })).await?;
        self.log.until(|event| event.kind() == "log").await?;
        Ok(())
    }
}

fn names(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.name.as_str()).collect()
}

#[tokio::test]
async fn a_stop_ends_what_needs_the_runtime_and_nothing_else() -> Result<()> {
    let (_folder, gateway) = slow(Build::Plain).await?;
    let mut open = Open::on(&gateway).await?;
    let began = Instant::now();
    gateway.command("stop").await?;
    open.ends(began, CloseCode::Again, "runtime_gone").await?;
    open.the_rest_goes_on(&gateway, "core_ready").await?;
    let timeline = gateway.idle().await?;
    assert_eq!(timeline["unclean"], json!([]));
    Ok(())
}

#[tokio::test]
async fn a_restart_ends_what_needs_the_old_runtime_and_the_answers_come_after_all() -> Result<()> {
    let (_folder, gateway) = slow(Build::Plain).await?;
    let mut open = Open::on(&gateway).await?;
    let began = Instant::now();
    gateway.restart().await?;
    open.ends(began, CloseCode::Again, "runtime_gone").await?;
    open.the_rest_goes_on(&gateway, "runtime_ready").await?;
    for session in ["socket", "stream"] {
        let answer = answered(&gateway, session).await?;
        assert!(text_of(&answer).contains(&format!("hello over the {session}")), "{answer}");
        assert_eq!(answer.get("status"), None, "{answer}");
    }
    Ok(())
}

#[tokio::test]
async fn a_failure_ends_what_needs_the_runtime_and_nothing_else() -> Result<()> {
    let (folder, gateway) = slow(Build::Faulty).await?;
    let mut open = Open::on(&gateway).await?;
    folder.inject(&json!({ "bootstrap": { "bus": { "error": "it broke" } } }))?;
    let began = Instant::now();
    gateway.restart().await?;
    open.ends(began, CloseCode::Again, "runtime_gone").await?;
    open.the_rest_goes_on(&gateway, "runtime_failed").await?;
    let refused = ChatSocket::open(&gateway).await.err().map(|error| error.to_string());
    assert_eq!(refused.as_deref(), Some("closed at once"));
    Ok(())
}

#[tokio::test]
async fn the_end_of_the_process_is_told_to_all_and_is_no_error() -> Result<()> {
    let (folder, gateway) = slow(Build::Plain).await?;
    let mut open = Open::on(&gateway).await?;
    let began = Instant::now();
    gateway.terminate()?;
    open.ends(began, CloseCode::Restart, "shutdown").await?;
    for stream in [&mut open.events, &mut open.log] {
        let events = stream.to_end().await?;
        assert_eq!(names(&events).last(), Some(&"shutdown"), "{events:?}");
    }
    let ended = gateway.ended().await?;
    assert_eq!(ended.code(), Some(0), "{}", folder.log()?);
    println!("shutdown: exit {:?}", began.elapsed());

    let gateway = folder.start(Build::Plain).await?;
    gateway.ready().await?;
    for session in ["socket", "stream"] {
        let answer = answered(&gateway, session).await?;
        assert_eq!(answer.get("status"), None, "{answer}");
    }
    Ok(())
}

/// Waits for the bot's row of a session.
async fn answered(gateway: &GatewayProcess, session: &str) -> Result<serde_json::Value> {
    firstlight_tests::gateway_process::eventually("an answer", async || {
        let rows = history(gateway, session).await?;
        let bot = rows.iter().find(|content| content["type"] == "bot");
        Ok(bot.cloned().ok_or_else(|| format!("{rows:?}")))
    })
    .await
}
