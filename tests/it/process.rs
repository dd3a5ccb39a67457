//! The real binary: how it starts, what it refuses, and how it ends.

use std::path::Path;
use std::time::Duration;

use firstlight_gateway::Exit;
use firstlight_tests::gateway_process::{Build, Folder};
use firstlight_tests::process::{Gateway, PATIENCE, command, run};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

const PASSWORD: &str = "a long enough password";

fn code(exit: Exit) -> i32 {
    i32::from(exit.code())
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

async fn reset(folder: &Path, username: &str, password: &str) -> Value {
    let arguments = ["account", "reset", "--username", username, "--password-stdin", "--json"];
    let done = run(folder, &arguments, &format!("{password}\n")).await.unwrap();
    let error = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(0), "{error}");
    let output = String::from_utf8(done.stdout).unwrap();
    assert!(!output.contains(password) && !error.contains(password));
    serde_json::from_str(&output).unwrap()
}

#[tokio::test]
async fn a_first_start_prints_a_link_that_works_once_and_stays_out_of_the_log() {
    let folder = TempDir::new().unwrap();
    let mut gateway = Gateway::start(folder.path()).await.unwrap();
    let link = gateway.line("http://").await.unwrap();
    let secret = link.split_once("/#setup=").unwrap().1.to_owned();
    assert!(link.starts_with(&gateway.url));
    let body = json!({ "secret": secret, "username": "ada", "password": PASSWORD });
    let url = format!("{}/api/auth/setup", gateway.url);
    let first = client().post(&url).json(&body).send().await.unwrap();
    assert!(first.status().is_success(), "{}", first.text().await.unwrap());
    let second = client().post(&url).json(&body).send().await.unwrap();
    assert_eq!(second.status(), 409);
    assert!(gateway.log_in("ada", PASSWORD).await.unwrap().is_some());
    gateway.signal("TERM").await.unwrap();
    let (status, log) = gateway.ended().await.unwrap();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("listening") && !log.contains(&secret));
}

#[tokio::test]
async fn a_second_process_on_the_same_folder_is_refused_by_name_and_pid() {
    let folder = TempDir::new().unwrap();
    let gateway = Gateway::start(folder.path()).await.unwrap();
    let refused = run(folder.path(), &["run"], "").await.unwrap();
    assert_eq!(refused.status.code(), Some(code(Exit::Locked)));
    let error = String::from_utf8(refused.stderr).unwrap();
    let who = format!("(pid {})", gateway.pid().unwrap());
    assert!(error.contains("in use by firstlight ") && error.contains(&who), "{error}");
    assert!(refused.stdout.is_empty());
}

#[tokio::test]
async fn an_address_in_use_is_refused_with_a_hint_and_its_code() {
    let folder = TempDir::new().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = run(folder.path(), &["run", "--listen", &address], "").await.unwrap();
    assert_eq!(refused.status.code(), Some(code(Exit::Address)));
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(error.contains(&address) && error.contains("--listen"), "{error}");
}

#[tokio::test]
async fn broken_settings_are_refused_with_file_and_line() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("firstlight.toml"), "[log]\nlevel = \n").unwrap();
    for command in ["run", "check", "doctor"] {
        let refused = run(folder.path(), &[command], "").await.unwrap();
        assert_eq!(refused.status.code(), Some(code(Exit::Configuration)), "{command}");
        let (out, err) = (refused.stdout, refused.stderr);
        let text = String::from_utf8([out, err].concat()).unwrap();
        assert!(text.contains("firstlight.toml") && text.contains("line 2"), "{command}: {text}");
    }
    assert!(!folder.path().join("data").exists());
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let content = "not a database at all, but long enough to be read ".repeat(100);
    std::fs::write(data.join("firstlight.db"), &content).unwrap();
    for command in ["run", "check"] {
        let refused = run(folder.path(), &[command], "").await.unwrap();
        assert_eq!(refused.status.code(), Some(code(Exit::Database)), "{command}");
    }
    assert_eq!(std::fs::read_to_string(data.join("firstlight.db")).unwrap(), content);
}

#[tokio::test]
async fn wrong_arguments_have_the_code_of_wrong_arguments() {
    let folder = TempDir::new().unwrap();
    for arguments in [&["fly"][..], &["account", "reset"], &["run", "--listen"]] {
        let refused = run(folder.path(), arguments, "").await.unwrap();
        assert_eq!(refused.status.code(), Some(code(Exit::Usage)), "{arguments:?}");
    }
    let empty = ["account", "reset", "--username", "ada", "--password-stdin"];
    let refused = run(folder.path(), &empty, "\n").await.unwrap();
    assert_eq!(refused.status.code(), Some(code(Exit::Usage)));
}

#[tokio::test]
async fn an_account_is_made_without_a_gateway_and_then_used_by_one() {
    let folder = TempDir::new().unwrap();
    assert_eq!(reset(folder.path(), "ada", PASSWORD).await["by_gateway"], false);
    let gateway = Gateway::start(folder.path()).await.unwrap();
    assert!(gateway.log_in("ada", PASSWORD).await.unwrap().is_some());
    assert!(gateway.log_in("ada", "another password").await.unwrap().is_none());
}

#[tokio::test]
async fn a_reset_ends_the_log_ins_of_a_running_gateway_at_once() {
    let folder = TempDir::new().unwrap();
    reset(folder.path(), "ada", PASSWORD).await;
    let gateway = Gateway::start(folder.path()).await.unwrap();
    let token = gateway.log_in("ada", PASSWORD).await.unwrap().unwrap();
    assert_eq!(gateway.status("/api/auth/me", &token).await.unwrap(), 200);
    assert_eq!(reset(folder.path(), "ada", "yet another password").await["by_gateway"], true);
    assert_eq!(gateway.status("/api/auth/me", &token).await.unwrap(), 401);
    assert!(gateway.log_in("ada", "yet another password").await.unwrap().is_some());
}

#[tokio::test]
async fn a_folder_with_a_long_path_has_local_commands_too() {
    let folder = TempDir::new().unwrap();
    let deep = folder.path().join("a-folder-with-a-long-name".repeat(5));
    std::fs::create_dir(&deep).unwrap();
    let gateway = Gateway::start(&deep).await.unwrap();
    assert_eq!(reset(&deep, "ada", PASSWORD).await["by_gateway"], true);
    assert!(gateway.log_in("ada", PASSWORD).await.unwrap().is_some());
}

#[tokio::test]
async fn a_password_that_is_refused_changes_nothing() {
    let folder = TempDir::new().unwrap();
    reset(folder.path(), "ada", PASSWORD).await;
    let gateway = Gateway::start(folder.path()).await.unwrap();
    let arguments = ["account", "reset", "--username", "ada", "--password-stdin"];
    let refused = run(folder.path(), &arguments, "short").await.unwrap();
    assert_eq!(refused.status.code(), Some(code(Exit::Usage)));
    assert!(gateway.log_in("ada", PASSWORD).await.unwrap().is_some());
}

#[tokio::test]
async fn a_signal_drains_tells_streams_and_sockets_and_ends_with_success() {
    let folder = TempDir::new().unwrap();
    reset(folder.path(), "ada", PASSWORD).await;
    let gateway = Gateway::start(folder.path()).await.unwrap();
    gateway.ready().await.unwrap();
    let token = gateway.log_in("ada", PASSWORD).await.unwrap().unwrap();
    let stream = client()
        .get(format!("{}/api/live-log", gateway.url))
        .bearer_auth(&token)
        .header("Last-Event-ID", "0")
        .send()
        .await
        .unwrap();
    assert_eq!(stream.status(), 200);
    let address = gateway.url.replace("http://", "ws://") + "/api/unified_chat/ws";
    let mut request = address.into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();

    gateway.signal("TERM").await.unwrap();
    let events = timeout(PATIENCE, stream.text()).await.unwrap().unwrap();
    assert!(events.starts_with("id: "), "{events}");
    assert!(
        events.trim_end().ends_with("event: shutdown\ndata: {\"type\":\"shutdown\"}"),
        "{events}"
    );
    let closed = timeout(PATIENCE, async {
        while let Some(message) = socket.next().await {
            if let Message::Close(Some(frame)) = message.unwrap() {
                return u16::from(frame.code);
            }
        }
        panic!("the socket ended without a close frame");
    });
    assert_eq!(closed.await.unwrap(), 1012);
    let (status, log) = gateway.ended().await.unwrap();
    assert_eq!(status.code(), Some(0), "{log}");
    let data = folder.path().join("data");
    assert!(!data.join("control.sock").exists() && !data.join("gateway.json").exists());
    assert!(!data.join("firstlight.db-wal").exists(), "the database was not closed");
}

#[tokio::test]
async fn signals_that_come_together_are_one() {
    let folder = TempDir::new().unwrap();
    let gateway = Gateway::start(folder.path()).await.unwrap();
    let pid = gateway.pid().unwrap();
    let both = format!("kill -s TERM {pid}; kill -s INT {pid}");
    tokio::process::Command::new("sh").args(["-c", &both]).status().await.unwrap();
    let (status, log) = gateway.ended().await.unwrap();
    assert_eq!(status.code(), Some(0), "{log}");
}

/// A request whose body never arrives keeps the server busy through the whole drain.
async fn occupy(url: &str, token: &str) -> tokio::net::TcpStream {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let mut connection =
        tokio::net::TcpStream::connect(url.trim_start_matches("http://")).await.unwrap();
    let head = format!(
        "POST /api/trace/settings HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: 20\r\nexpect: 100-continue\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    // The server asks for the body when the handler does: from here on it waits.
    let mut asked = [0; 12];
    timeout(PATIENCE, connection.read_exact(&mut asked)).await.unwrap().unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100");
    connection
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let folder = TempDir::new().unwrap();
    reset(folder.path(), "ada", PASSWORD).await;
    let gateway = Gateway::start(folder.path()).await.unwrap();
    let token = gateway.log_in("ada", PASSWORD).await.unwrap().unwrap();
    let _connection = occupy(&gateway.url, &token).await;
    gateway.signal("TERM").await.unwrap();
    // Past the time in which signals count as one.
    tokio::time::sleep(Duration::from_millis(300)).await;
    gateway.signal("TERM").await.unwrap();
    let (status, log) = gateway.ended().await.unwrap();
    assert_eq!(status.code(), Some(code(Exit::Interrupted)), "{log}");
}

#[tokio::test]
async fn a_hang_up_is_ignored() {
    let folder = TempDir::new().unwrap();
    let gateway = Gateway::start(folder.path()).await.unwrap();
    gateway.signal("HUP").await.unwrap();
    gateway.ready().await.unwrap();
    gateway.signal("INT").await.unwrap();
    let (status, log) = gateway.ended().await.unwrap();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("SIGHUP is ignored"), "{log}");
}

#[tokio::test]
async fn after_a_kill_it_starts_again_with_everything_that_was_said() {
    let folder = TempDir::new().unwrap();
    let gateway = Gateway::start(folder.path()).await.unwrap();
    assert_eq!(reset(folder.path(), "ada", PASSWORD).await["by_gateway"], true);
    let token = gateway.log_in("ada", PASSWORD).await.unwrap().unwrap();
    gateway.signal("KILL").await.unwrap();
    gateway.ended().await.unwrap();
    // The card of the dead process is still there, and fools nobody.
    assert!(folder.path().join("data/gateway.json").exists());
    assert_eq!(reset(folder.path(), "grace", PASSWORD).await["by_gateway"], false);
    let gateway = Gateway::start(folder.path()).await.unwrap();
    gateway.ready().await.unwrap();
    assert_eq!(gateway.status("/api/auth/me", &token).await.unwrap(), 200);
    assert!(gateway.log_in("grace", PASSWORD).await.unwrap().is_some());
    assert_eq!(reset(folder.path(), "grace", PASSWORD).await["by_gateway"], true);
}

#[tokio::test]
async fn settings_are_shown_with_where_they_come_from() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("firstlight.toml"), "[log]\nformat = \"json\"\n").unwrap();
    let shown =
        run(folder.path(), &["config", "show", "--json", "--log-level", "warn"], "").await.unwrap();
    assert_eq!(shown.status.code(), Some(0));
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    let origin = |key: &str| {
        let settings = shown["settings"].as_array().unwrap();
        let setting = settings.iter().find(|setting| setting["key"] == key).unwrap();
        (setting["value"].clone(), setting["source"].as_str().unwrap().to_owned())
    };
    assert_eq!(origin("log.format"), (json!("json"), "file".to_owned()));
    assert_eq!(origin("log.level"), (json!("warn"), "flag".to_owned()));
    assert_eq!(origin("listen"), (json!("127.0.0.1:0"), "env".to_owned()));
    assert_eq!(origin("bus.max_pending").1, "default");
}

#[tokio::test]
async fn doctor_and_check_speak_of_a_running_gateway_and_change_nothing() {
    let folder = TempDir::new().unwrap();
    let gateway = Gateway::start(folder.path()).await.unwrap();
    gateway.ready().await.unwrap();
    for command in ["doctor", "check"] {
        let done = run(folder.path(), &[command, "--json"], "").await.unwrap();
        let report: Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!((done.status.code(), &report["ok"]), (Some(0), &json!(true)), "{report}");
    }
    let done = run(folder.path(), &["doctor"], "").await.unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    assert!(text.contains(&gateway.url) && text.contains("runtime: ready"), "{text}");
}

#[tokio::test]
async fn a_conversation_in_the_terminal_is_answered_by_the_demo() {
    let folder = TempDir::new().unwrap();
    reset(folder.path(), "ada", PASSWORD).await;
    let gateway = Gateway::start(folder.path()).await.unwrap();
    gateway.ready().await.unwrap();
    let arguments = ["chat", "--username", "ada", "--password-stdin"];
    let input = format!("{PASSWORD}\nHow do you do?\n");
    let done = run(folder.path(), &arguments, &input).await.unwrap();
    let (out, err) =
        (String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap());
    assert_eq!(done.status.code(), Some(0), "{err}");
    assert!(out.contains("[Demo]") && out.contains("How do you do?"), "{out}");
    let wrong = run(folder.path(), &arguments, "wrong password\nHello\n").await.unwrap();
    assert_eq!(wrong.status.code(), Some(code(Exit::Refused)));
}

#[tokio::test]
async fn chat_without_a_gateway_says_so() {
    let folder = TempDir::new().unwrap();
    let nowhere =
        ["chat", "hello", "--url", "http://127.0.0.1:1", "--username", "ada", "--password-stdin"];
    let refused = run(folder.path(), &nowhere, PASSWORD).await.unwrap();
    assert_eq!(refused.status.code(), Some(code(Exit::Unreachable)));
}

#[tokio::test]
async fn doctor_names_a_secret_that_is_not_there() {
    let folder = TempDir::new().unwrap();
    reset(folder.path(), "ada", PASSWORD).await;
    let gateway = Gateway::start(folder.path()).await.unwrap();
    gateway.ready().await.unwrap();
    let token = gateway.log_in("ada", PASSWORD).await.unwrap().unwrap();
    let source = json!({
        "id": "mine", "type": "openai_chat_completion", "provider_type": "chat_completion",
        "key": ["env:NOBODY_EVER_SET_THIS"], "api_base": "http://127.0.0.1:1/v1",
    });
    let saved = client()
        .post(format!("{}/api/config/provider_sources/update", gateway.url))
        .bearer_auth(token)
        .json(&json!({ "original_id": "mine", "config": source }))
        .send()
        .await
        .unwrap();
    let answer: Value = saved.json().await.unwrap();
    assert_eq!(answer["status"], "ok", "{answer}");
    let done = run(folder.path(), &["doctor"], "").await.unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    assert!(text.contains("NOBODY_EVER_SET_THIS"), "{text}");
}

#[tokio::test]
async fn the_counters_have_an_address_of_their_own_when_asked_for() {
    let folder = TempDir::new().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let variables = [("FIRSTLIGHT_METRICS_LISTEN", address.as_str())];
    let gateway = Gateway::start_with(folder.path(), &variables).await.unwrap();
    gateway.ready().await.unwrap();
    let get = |path: &str| client().get(format!("http://{address}{path}")).send();
    let counters = get("/metrics").await.unwrap();
    assert_eq!(counters.status(), 200);
    assert!(counters.text().await.unwrap().contains("firstlight_state"));
    assert_eq!(get("/api/log-history").await.unwrap().status(), 404);
    gateway.signal("TERM").await.unwrap();
    let (status, log) = gateway.ended().await.unwrap();
    assert_eq!(status.code(), Some(0), "{log}");
}

#[tokio::test]
async fn a_component_that_does_not_stop_makes_the_end_unclean() {
    let folder = Folder::with_account(Build::Faulty).await.unwrap();
    let gateway = folder.start(Build::Faulty).await.unwrap();
    gateway.ready().await.unwrap();
    folder.inject(&json!({ "stop": { "platforms": { "error": "will not" } } })).unwrap();
    gateway.terminate().unwrap();
    let status = gateway.ended().await.unwrap();
    assert_eq!(status.code(), Some(code(Exit::Unclean)), "{}", folder.log().unwrap());
    assert!(folder.log().unwrap().contains("did not stop cleanly"));
}

#[tokio::test]
async fn a_faults_file_that_names_no_component_refuses_the_start() {
    let folder = Folder::with_account(Build::Faulty).await.unwrap();
    folder.inject(&json!({ "bootstrap": { "warp drive": { "hang": true } } })).unwrap();
    let error = folder.start(Build::Faulty).await.err().unwrap();
    let log = folder.log().unwrap();
    assert!(log.contains("warp drive") && log.contains("platforms"), "{error}: {log}");
}

#[tokio::test]
async fn an_interrupt_stops_the_answer_and_not_the_gateway() {
    let folder = TempDir::new().unwrap();
    reset(folder.path(), "ada", PASSWORD).await;
    let gateway = Gateway::start(folder.path()).await.unwrap();
    gateway.ready().await.unwrap();
    // The demo repeats what it was told, word by word: this takes minutes.
    let message = "and so on ".repeat(3000);
    let arguments = ["chat", message.as_str(), "--username", "ada", "--json"];
    let mut chat = command(folder.path(), arguments).await.unwrap();
    let mut chat = chat.env("FIRSTLIGHT_PASSWORD", PASSWORD).spawn().unwrap();
    let mut events = BufReader::new(chat.stdout.take().unwrap()).lines();
    let mut session = Value::Null;
    let begun = timeout(PATIENCE, async {
        while let Some(line) = events.next_line().await.unwrap() {
            let event: Value = serde_json::from_str(&line).unwrap();
            match event["type"].as_str().unwrap() {
                "session_id" => session = event["session_id"].clone(),
                "plain" => return,
                _ => {}
            }
        }
        panic!("the answer ended before it was interrupted");
    });
    begun.await.unwrap();
    let pid = chat.id().unwrap().to_string();
    tokio::process::Command::new("kill").args(["-s", "INT", &pid]).status().await.unwrap();
    let status = timeout(PATIENCE, chat.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0));
    let token = gateway.log_in("ada", PASSWORD).await.unwrap().unwrap();
    let url =
        format!("{}/api/chat/get_session?session_id={}", gateway.url, session.as_str().unwrap());
    let seen: Value =
        client().get(url).bearer_auth(token).send().await.unwrap().json().await.unwrap();
    assert_eq!(seen["data"]["is_running"], false, "{seen}");
    let history = seen["data"]["history"].as_array().unwrap();
    assert_eq!(history.len(), 2, "{seen}");
}
