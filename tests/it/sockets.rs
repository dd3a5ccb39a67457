//! The sockets of pages and programs, on the real binary.

use anyhow::{Context as _, Result};
use firstlight_tests::gateway_process::{Build, Folder, GatewayProcess};
use firstlight_tests::talk::{ChatSocket, history, slow_demo};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};

async fn slow() -> Result<(Folder, GatewayProcess)> {
    let folder = Folder::with_account(Build::Plain).await?;
    folder.save_providers(slow_demo(100)).await?;
    let gateway = folder.start(Build::Plain).await?;
    gateway.ready().await?;
    Ok((folder, gateway))
}

/// A page's and a program's socket, with what a message to a session looks like on each.
async fn both(gateway: &GatewayProcess) -> Result<Vec<(ChatSocket, Value)>> {
    let page = ChatSocket::open(gateway).await?;
    let key = gateway.api_key("chat").await?;
    let program = ChatSocket::of_program(gateway, &key).await?;
    Ok(vec![
        (page, json!({ "ct": "chat", "t": "send", "session_id": "page" })),
        (program, json!({ "t": "send", "session_id": "program", "username": "ada" })),
    ])
}

fn with(frame: &Value, more: &Value) -> Value {
    let mut frame = frame.clone();
    let members = more.as_object().into_iter().flatten();
    members.for_each(|(name, value)| frame[name] = value.clone());
    frame
}

fn is(kind: &'static str, message: &str) -> impl Fn(&Value) -> bool {
    move |frame| frame["type"] == kind && frame["message_id"] == message
}

#[tokio::test]
async fn b2_an_interrupt_acts_while_the_answer_is_running_and_on_that_answer_alone() -> Result<()> {
    let (_folder, gateway) = slow().await?;
    for (mut socket, send) in both(&gateway).await? {
        let (stopped, kept) = (uuid::Uuid::new_v4().to_string(), uuid::Uuid::new_v4().to_string());
        let other = format!("{}-other", send["session_id"].as_str().unwrap());
        let long = "a message that takes the demo a good while to say back word by word";
        let first =
            json!({ "message": [{ "type": "plain", "text": long }], "message_id": stopped });
        socket.send(&with(&send, &first)).await?;
        let second = json!({ "message": [{ "type": "plain", "text": long }], "message_id": kept,
            "session_id": other });
        socket.send(&with(&send, &second)).await?;
        socket.until(is("plain", &stopped)).await?;
        socket.until(is("plain", &kept)).await?;
        let interrupt = json!({ "t": "interrupt", "message_id": stopped });
        socket.send(&with(&send, &interrupt)).await?;
        // The stopped answer ends first, although it and the other were to take equally long.
        let end = socket.until(|frame| frame["type"] == "end").await?;
        assert_eq!(end["message_id"], *stopped);
        socket.until(is("end", &kept)).await?;
        let session = send["session_id"].as_str().unwrap();
        let rows = history(&gateway, session).await?;
        assert_eq!(rows[1]["status"], "stopped", "{rows:?}");
        let rows = history(&gateway, &other).await?;
        assert_eq!(rows[1].get("status"), None, "{rows:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_socket_on_which_nothing_happens_ends_with_the_runtime_and_with_the_process() -> Result<()>
{
    let (_folder, gateway) = slow().await?;
    let key = gateway.api_key("chat").await?;
    let page = || ("Authorization", format!("Bearer {}", gateway.token()));
    let open = async || {
        anyhow::Ok([
            ChatSocket::connect(&gateway, "/api/unified_chat/ws", page()).await?,
            ChatSocket::connect(&gateway, "/api/live_chat/ws", page()).await?,
            ChatSocket::of_program(&gateway, &key).await?,
        ])
    };
    let mut sockets = open().await?;
    gateway.restart().await?;
    for socket in &mut sockets {
        assert_eq!(socket.closed().await?.code, CloseCode::Again);
    }
    gateway.ready().await?;
    let mut sockets = open().await?;
    gateway.terminate()?;
    for socket in &mut sockets {
        assert_eq!(socket.closed().await?.code, CloseCode::Restart);
    }
    assert!(gateway.ended().await?.success());
    Ok(())
}

#[tokio::test]
async fn s7_a_session_of_somebody_else_is_neither_watched_nor_written_nor_stopped() -> Result<()> {
    let (_folder, gateway) = slow().await?;
    let key = gateway.api_key("chat").await?;
    let mut program = ChatSocket::of_program(&gateway, &key).await?;
    let message = uuid::Uuid::new_v4().to_string();
    let send = json!({ "username": "grace", "session_id": "hers", "message_id": message,
        "message": "a long message that takes the demo a while to say back" });
    program.send(&send).await?;
    program.until(is("plain", &message)).await?;

    let mut page = ChatSocket::open(&gateway).await?;
    page.send(&json!({ "ct": "chat", "t": "bind", "session_id": "hers" })).await?;
    let refused = page.next().await?.context("closed")?;
    assert_eq!(
        (&refused["code"], &refused["reason"]),
        (&json!("PROCESSING_ERROR"), &json!("not_owner"))
    );
    let parts = json!([{ "type": "plain", "text": "hello" }]);
    let mine = json!({ "ct": "chat", "t": "send", "session_id": "hers", "message": parts });
    page.send(&mine).await?;
    assert_eq!(page.next().await?.context("closed")?["reason"], "not_owner");
    // The id of her message is no key to her answer either, and this stops nothing of hers.
    page.send(&with(&mine, &json!({ "session_id": "his", "message_id": message }))).await?;
    assert_eq!(page.next().await?.context("closed")?["reason"], "conflict");
    page.send(&json!({ "ct": "chat", "t": "interrupt", "message_id": message })).await?;
    assert_eq!(page.next().await?.context("closed")?["code"], "INTERRUPTED");

    program.until(is("message_saved", &message)).await?;
    program.until(is("end", &message)).await?;
    for (method, path) in [
        ("GET", "/api/chat/get_session?session_id=hers"),
        ("GET", "/api/chat/delete_session?session_id=hers"),
        ("POST", "/api/chat/stop"),
        ("POST", "/api/tui/stop"),
    ] {
        let body = json!({ "session_id": "hers" });
        let (_, answer) = match method {
            "GET" => gateway.read(path).await?,
            _ => gateway.post(path, &body).await?,
        };
        assert_eq!(answer["code"], "not_owner", "{path}: {answer}");
    }
    // A user of whom the program knows the session only by name.
    program.send(&with(&send, &json!({ "username": "eve", "message_id": null }))).await?;
    let refused = program.until(|frame| frame["type"] == "error").await?;
    assert_eq!(refused["code"], "SESSION_ERROR");
    Ok(())
}

#[tokio::test]
async fn garbage_is_answered_and_the_socket_goes_on() -> Result<()> {
    let (_folder, gateway) = slow().await?;
    for (mut socket, send) in both(&gateway).await? {
        let page = send["ct"] == "chat";
        let code = if page { "INVALID_MESSAGE_FORMAT" } else { "INVALID_MESSAGE" };
        let deep = "[".repeat(50_000);
        for garbage in ["", "nonsense", "[1, 2]", "7", "null", "\"text\"", "{\"t\": 5}", &deep] {
            socket.raw(Message::text(garbage)).await?;
            let answer = socket.next().await?.context("closed")?;
            assert_eq!(answer["code"], code, "{garbage:.20}: {answer}");
        }
        socket.raw(Message::binary(vec![0, 159, 146, 150])).await?;
        assert_eq!(socket.next().await?.context("closed")?["code"], code);
        for wrong in [
            json!({ "t": "dance" }),
            json!({}),
            json!({ "message": [] }),
            json!({ "message": { "type": "plain" } }),
            json!({ "message": [{ "type": "image", "attachment_id": 7 }] }),
            json!({ "message": "hi", "message_id": "not-a-uuid" }),
        ] {
            socket.send(&with(&send, &wrong)).await?;
            let answer = socket.next().await?.context("closed")?;
            assert_eq!(answer["code"], code, "{wrong}: {answer}");
        }
        let message = uuid::Uuid::new_v4().to_string();
        let right =
            json!({ "message": [{ "type": "plain", "text": "hi" }], "message_id": message });
        socket.send(&with(&send, &right)).await?;
        socket.until(is("end", &message)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_program_reads_which_part_of_its_message_was_wrong() -> Result<()> {
    let (_folder, gateway) = slow().await?;
    let key = gateway.api_key("chat").await?;
    let mut socket = ChatSocket::of_program(&gateway, &key).await?;
    socket.send(&json!({ "t": "ping" })).await?;
    assert_eq!(socket.next().await?.context("closed")?["type"], "pong");
    for (frame, code) in [
        (json!({ "message": "hi" }), "BAD_USER"),
        (json!({ "username": " ", "message": "hi" }), "BAD_USER"),
        (json!({ "username": "a", "session_id": "a!b", "message": "hi" }), "SESSION_ERROR"),
        (json!({ "username": "a", "config_id": "gone", "message": "hi" }), "CONFIG_ERROR"),
        (json!({ "username": "a", "config_name": "gone", "message": "hi" }), "CONFIG_ERROR"),
        (json!({ "username": "a" }), "INVALID_MESSAGE"),
    ] {
        socket.send(&frame).await?;
        let answer = socket.next().await?.context("closed")?;
        assert_eq!((answer["type"].as_str(), answer["code"].as_str()), (Some("error"), Some(code)));
    }
    // Whole, not in parts, where that is asked for.
    let whole = json!({ "username": "a", "message": "hi", "enable_streaming": false });
    socket.send(&whole).await?;
    let named = socket.next().await?.context("closed")?;
    assert_eq!(named["type"], "session_id");
    assert!(named["session_id"].is_string() && named["message_id"].is_string(), "{named}");
    let plain = socket.until(|frame| frame["type"] == "plain").await?;
    assert_eq!(plain["streaming"], false);
    socket.until(|frame| frame["type"] == "end").await?;
    let refused = ChatSocket::of_program(&gateway, &gateway.api_key("file").await?).await;
    let mut refused = refused?;
    assert_eq!(refused.next().await?.context("no reason")?["code"], "UNAUTHORIZED");
    assert_eq!(refused.closed().await?.code, CloseCode::Policy);
    Ok(())
}

#[tokio::test]
async fn a_frame_that_is_too_large_ends_the_socket_whole_or_in_pieces() -> Result<()> {
    let (_folder, gateway) = slow().await?;
    let piece = vec![b'x'; 400 << 10];
    let mut whole = ChatSocket::open(&gateway).await?;
    // The server may hang up before it has read all of it.
    let _ = whole.raw(Message::text("x".repeat((1 << 20) + 1))).await;
    assert_eq!(whole.closed().await?.code, CloseCode::Size);
    let mut pieces = ChatSocket::open(&gateway).await?;
    for number in 0..4 {
        let data = if number == 0 { Data::Text } else { Data::Continue };
        let frame = Frame::message(piece.clone(), OpCode::Data(data), number == 3);
        if pieces.raw(Message::Frame(frame)).await.is_err() {
            break;
        }
    }
    assert_eq!(pieces.closed().await?.code, CloseCode::Size);
    Ok(())
}

#[tokio::test]
async fn voice_is_refused_with_a_code_and_the_text_class_works_on_the_same_socket() -> Result<()> {
    let (_folder, gateway) = slow().await?;
    let page = || ("Authorization", format!("Bearer {}", gateway.token()));
    for path in ["/api/live_chat/ws", "/api/unified_chat/ws"] {
        let mut socket = ChatSocket::connect(&gateway, path, page()).await?;
        socket.send(&json!({ "t": "start_speaking", "stamp": "1" })).await?;
        let refused = socket.next().await?.context("closed")?;
        assert_eq!(
            (&refused["ct"], &refused["code"]),
            (&json!("live"), &json!("VOICE_UNAVAILABLE"))
        );
        socket.send(&json!({ "ct": "live", "t": "speaking_part", "data": "AAAA" })).await?;
        let parts = json!([{ "type": "plain", "text": "hi" }]);
        socket.send(&json!({ "ct": "chat", "t": "send", "message": parts })).await?;
        let next = socket.next().await?.context("closed")?;
        assert_eq!(next["type"], "user_message_saved", "the piece was answered: {next}");
        socket.until(|frame| frame["type"] == "end").await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_page_that_binds_a_session_sees_what_is_said_in_it_from_elsewhere() -> Result<()> {
    let (_folder, gateway) = slow().await?;
    let mut page = ChatSocket::open(&gateway).await?;
    let mut stream =
        firstlight_tests::talk::say(&gateway, "socket", "hello from elsewhere").await?;
    let run = page.until(|frame| frame["type"] == "run_started").await?;
    let end = page.until(|frame| frame["type"] == "end").await?;
    assert_eq!(run["data"]["run_id"], end["message_id"]);
    assert_eq!(end["session_id"], "socket");
    stream.to_end().await?;
    // Stopped elsewhere, it is over here too.
    let stream = firstlight_tests::talk::say(&gateway, "socket", "hello again and again").await?;
    page.until(|frame| frame["type"] == "plain").await?;
    let (_, stopped) = gateway.post("/api/chat/stop", &json!({ "session_id": "socket" })).await?;
    assert_eq!(stopped["data"]["stopped_count"], 1);
    page.until(|frame| frame["type"] == "end").await?;
    drop(stream);
    let rows = history(&gateway, "socket").await?;
    assert_eq!(rows[3]["status"], "stopped");
    Ok(())
}

#[tokio::test]
async fn the_terminal_chat_is_the_web_chat_on_a_platform_of_its_own() -> Result<()> {
    let (_folder, gateway) = slow().await?;
    let made = gateway.data("/api/tui/new_session").await?;
    assert_eq!(made["platform_id"], "tui");
    let session = made["session_id"].as_str().unwrap().to_owned();
    let body = json!({ "session_id": session, "message": "hello" });
    let request = gateway.request(reqwest::Method::POST, "/api/tui/chat").json(&body);
    gateway.stream(request).await?.to_end().await?;
    let read = gateway.data(&format!("/api/tui/get_session?session_id={session}")).await?;
    assert_eq!(read["history"][1]["platform_id"], "tui");
    assert_eq!(read["is_running"], false);
    let listed = gateway.data("/api/tui/sessions").await?;
    assert_eq!(listed[0]["session_id"], *session);
    let (_, refused) = gateway.read("/api/tui/new_session?platform_id=webchat").await?;
    assert_eq!(refused["code"], "invalid");
    // What hangs on it goes with it.
    gateway.data(&format!("/api/tui/delete_session?session_id={session}")).await?;
    assert_eq!(gateway.data("/api/tui/sessions").await?, json!([]));
    Ok(())
}
