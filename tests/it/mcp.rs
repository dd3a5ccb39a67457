//! MCP servers as a part of the runtime: connected, kept current, lost and found, always ended.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use firstlight_core::bus::{Bus, BusSettings};
use firstlight_core::config::{ConfigStore, DocumentId};
use firstlight_core::db::Database;
use firstlight_core::lifecycle::{Control, Lease, Options, Progress, supervise};
use firstlight_core::settings::{Mcp as McpSettings, Period, Settings};
use firstlight_runtime::mcp::{Link, Outcome, ServerStatus};
use firstlight_runtime::plugins::Compiler;
use firstlight_runtime::{Foundation, Plan, Runtime};
use firstlight_tests::fake_mcp::{FakeMcp, Manner, Steered, gone};
use firstlight_tests::gateway_process::eventually;
use serde_json::{Value, json};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_fake-mcp");

struct Running {
    control: Control<Runtime>,
    _config: ConfigStore,
    _folder: TempDir,
}

/// A runtime with these servers, ready.
async fn running(servers: Value) -> Result<Running> {
    let folder = TempDir::new()?;
    let (control, config) = prepared(folder.path(), servers).await?;
    let running = Running { control, _config: config, _folder: folder };
    running.start().await?;
    Ok(running)
}

async fn prepared(folder: &Path, servers: Value) -> Result<(Control<Runtime>, ConfigStore)> {
    let database = Database::open(&folder.join("test.db")).await?;
    let config = ConfigStore::open(database.clone()).await?;
    let document = json!({ "mcpServers": servers });
    config.save(&DocumentId::Mcp, 1, document, "a test").await?;
    let settings = Settings {
        data_dir: folder.to_owned(),
        mcp: McpSettings {
            allowed_commands: vec![PROGRAM.to_owned(), "no-such-program".to_owned()],
            check_interval: Period::seconds(1),
        },
        ..Settings::default()
    };
    let foundation = Foundation {
        bus: Bus::new(database.clone(), BusSettings::default()),
        config: config.clone(),
        database,
        settings: Arc::new(settings),
    };
    Ok((
        supervise(
            Plan::open(foundation, Vec::new(), Compiler::InProcess).await?,
            Options::default(),
        ),
        config,
    ))
}

impl Running {
    async fn start(&self) -> Result<()> {
        let began = self.control.start().await.generation().context("it runs already")?;
        let state = self.control.settled(began).await.state.name();
        ensure!(state == "runtime_ready", "{state}");
        Ok(())
    }

    async fn down(&self) -> Result<()> {
        let generation = self.control.shutdown().await.generation().context("it is down")?;
        self.control.settled(generation).await;
        let history = self.control.timeline().snapshot();
        let last = history.current.as_ref().context("no attempt")?;
        ensure!(last.unclean.is_empty(), "{:?}", last.unclean);
        for component in &last.components {
            ensure!(component.stop_error.is_none(), "{component:?}");
        }
        Ok(())
    }

    fn lease(&self) -> Lease<Runtime> {
        self.control.snapshot().state.live().expect("a runtime").lease()
    }

    fn status(&self, name: &str) -> ServerStatus {
        self.lease().mcp.as_ref().unwrap().statuses().remove(name).expect("a server")
    }

    fn last_error(&self, name: &str) -> Option<String> {
        self.status(name).state.last_error.map(|(error, _)| error.to_string())
    }

    /// The item of a server in the timeline.
    fn item(&self, name: &str) -> (Progress, Option<String>) {
        let history = self.control.timeline().snapshot();
        let components = &history.current.as_ref().unwrap().components;
        let mcp = components.iter().find(|component| &*component.record.name == "mcp").unwrap();
        let item = mcp.items.iter().find(|item| &*item.name == name).unwrap();
        (item.state, item.error.clone())
    }

    async fn connected(&self, name: &str, tools: &[&str]) -> Result<()> {
        eventually("a connection", async || {
            let status = self.status(name);
            let Link::Connected { tools: found } = &status.state.link else {
                return Ok(Err(format!("{status:?}")));
            };
            let names: Vec<&str> = found.iter().map(|tool| tool.name.as_str()).collect();
            Ok(if names == tools { Ok(()) } else { Err(format!("{names:?}")) })
        })
        .await
    }

    async fn failed(&self, name: &str, part: &str) -> Result<String> {
        eventually("an error", async || {
            let error = self.last_error(name).unwrap_or_default();
            Ok(if error.contains(part) { Ok(error) } else { Err(error) })
        })
        .await
    }
}

fn limited(mut entry: Value, seconds: f64) -> Value {
    entry["timeout"] = json!(seconds);
    entry
}

#[tokio::test]
async fn a_program_is_connected_and_every_page_of_its_tools_is_listed() -> Result<()> {
    let steered = Steered::new(PROGRAM, &["a", "b", "c", "d", "e", "f", "g"])?;
    let mut entry = steered.entry();
    entry["env"] = json!({ "FAKE_KEY": "the-key-of-the-server" });
    let running = running(json!({ "files": entry })).await?;
    running.connected("files", &["a", "b", "c", "d", "e", "f", "g"]).await?;
    assert_eq!(running.item("files"), (Progress::Ready, None));
    let status = running.status("files");
    assert!(status.state.last_success.is_some() && status.state.last_error.is_none());
    let first = &running.lease().mcp.as_ref().unwrap().tools()[0];
    assert_eq!((first.0.as_str(), first.1.description.as_str()), ("files", "does a"));
    assert_eq!(first.1.parameters["properties"]["n"]["type"], "integer");

    // Nothing of our environment but what a program needs to be found and to keep its files.
    let environment = steered.environment()?;
    let names: Vec<_> = environment.iter().filter_map(|line| line.split('=').next()).collect();
    for name in names {
        assert!(["PATH", "HOME", "FAKE_KEY"].contains(&name), "{environment:?}");
    }
    assert!(environment.contains(&"FAKE_KEY=the-key-of-the-server".to_owned()));
    // What it wrote to its error output is shown, its key is not.
    eventually("the error output", async || {
        let errors = running.status("files").errors;
        let shown = errors == ["started with FAKE_KEY=[redacted]"];
        Ok(if shown { Ok(()) } else { Err(format!("{errors:?}")) })
    })
    .await?;
    running.down().await
}

#[tokio::test]
async fn changed_tools_are_listed_again() -> Result<()> {
    let steered = Steered::new(PROGRAM, &["old"])?;
    let running = running(json!({ "files": steered.entry() })).await?;
    running.connected("files", &["old"]).await?;
    steered.behave(&["new", "newer"], Manner::Good)?;
    running.connected("files", &["new", "newer"]).await?;
    assert_eq!(steered.starts()?, 1, "it is the same connection");
    running.down().await
}

#[tokio::test]
async fn a_crashed_program_is_started_again_and_its_tools_come_back() -> Result<()> {
    let steered = Steered::new(PROGRAM, &["a"])?;
    let running = running(json!({ "files": steered.entry() })).await?;
    running.connected("files", &["a"]).await?;
    let (own, child) = steered.latest()?;
    steered.behave(&["a"], Manner::Crash)?;
    running.failed("files", "the program ended: exit status: 3").await?;
    assert!(running.lease().mcp.as_ref().unwrap().tools().is_empty(), "nobody can call them");
    let (state, error) = running.item("files");
    assert_eq!(state, Progress::Starting);
    assert!(error.unwrap().contains("exit status: 3"));
    gone(&[own, child]).await?;
    steered.behave(&["a", "b"], Manner::Good)?;
    running.connected("files", &["a", "b"]).await?;
    assert_eq!(running.item("files"), (Progress::Ready, None));
    assert!(running.last_error("files").is_some(), "the last error stays on record");
    running.down().await
}

#[tokio::test]
async fn nothing_waits_for_a_server_that_hangs_and_its_deadline_ends_it() -> Result<()> {
    let hanging = Steered::new(PROGRAM, &["a"])?;
    hanging.behave(&["a"], Manner::Hang)?;
    let garbage = Steered::new(PROGRAM, &["a"])?;
    garbage.behave(&["a"], Manner::Garbage)?;
    let good = Steered::new(PROGRAM, &["a"])?;
    // The runtime is ready although the deadline of one server is far away.
    let running = running(json!({
        "patient": limited(hanging.entry(), 300.0),
        "hanging": limited(hanging.entry(), 1.0),
        "garbage": limited(garbage.entry(), 1.0),
        "good": good.entry(),
    }))
    .await?;
    assert!(matches!(running.status("patient").state.link, Link::Connecting));
    running.failed("hanging", "no answer to connecting within 1 s").await?;
    running.failed("garbage", "no answer to connecting within 1 s").await?;
    running.connected("good", &["a"]).await?;
    assert!(running.last_error("patient").is_none());
    running.down().await
}

#[tokio::test]
async fn a_list_of_tools_beyond_the_bound_is_refused() -> Result<()> {
    let names: Vec<String> = (0..200).map(|n| format!("tool-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let steered = Steered::new(PROGRAM, &names)?;
    let running = running(json!({ "huge": steered.entry() })).await?;
    running.failed("huge", "the list of tools is refused: they have more than 64 pages").await?;
    assert!(running.lease().mcp.as_ref().unwrap().tools().is_empty());
    let long = "x".repeat(200);
    steered.behave(&[&long], Manner::Good)?;
    running.failed("huge", "a name has 1 to 128 characters").await?;
    steered.behave(&["small"], Manner::Good)?;
    running.connected("huge", &["small"]).await?;
    running.down().await
}

#[tokio::test]
async fn what_cannot_be_started_is_an_item_with_an_error_and_harms_nobody() -> Result<()> {
    let steered = Steered::new(PROGRAM, &["a"])?;
    let running = running(json!({
        "absent": {"command": "no-such-program"},
        "forbidden": {"command": "sh", "args": ["-c", "true"]},
        "secretless": {"url": "http://127.0.0.1:9/mcp", "headers": {"X": "env:NO_SUCH_KEY"}},
        "older": {"url": "http://127.0.0.1:9/sse", "transport": "sse"},
        "off": {"command": PROGRAM, "active": false},
        "good": steered.entry(),
    }))
    .await?;
    running.failed("absent", "could not be started: entity not found").await?;
    running.failed("forbidden", "\"sh\" is not among the allowed ones").await?;
    running.failed("secretless", "NO_SUCH_KEY is not set").await?;
    running.failed("older", "the older SSE transport").await?;
    for name in ["forbidden", "secretless", "older"] {
        assert_eq!(running.item(name).0, Progress::Failed, "{name}");
    }
    assert_eq!(running.item("off"), (Progress::Stopped, None));
    running.connected("good", &["a"]).await?;
    running.down().await
}

#[tokio::test]
async fn a_stop_ends_programs_and_what_they_started_also_those_that_will_not_go() -> Result<()> {
    let (good, stubborn) = (Steered::new(PROGRAM, &["a"])?, Steered::new(PROGRAM, &["a"])?);
    let hanging = Steered::new(PROGRAM, &["a"])?;
    stubborn.behave(&["a"], Manner::Stay)?;
    hanging.behave(&["a"], Manner::Hang)?;
    let running = running(json!({
        "good": good.entry(), "stubborn": stubborn.entry(), "hanging": hanging.entry(),
    }))
    .await?;
    running.connected("good", &["a"]).await?;
    running.connected("stubborn", &["a"]).await?;
    let mut pids = Vec::new();
    for steered in [&good, &stubborn, &hanging] {
        let (own, child) = steered.started(1).await?;
        pids.extend([own, child]);
    }
    running.down().await?;
    // They are gone when the runtime is, not some time later: nobody waits here. What a program
    // started is waited for by the system, so it is given a moment.
    for pid in pids.iter().step_by(2) {
        assert!(!Path::new(&format!("/proc/{pid}")).exists(), "{pid} is left");
    }
    gone(&pids).await
}

#[tokio::test]
async fn a_restart_of_the_runtime_starts_the_programs_anew() -> Result<()> {
    let steered = Steered::new(PROGRAM, &["a"])?;
    let running = running(json!({ "files": steered.entry() })).await?;
    running.connected("files", &["a"]).await?;
    let (own, child) = steered.latest()?;
    let generation = running.control.restart().await.generation().unwrap();
    running.control.settled(generation).await;
    gone(&[own, child]).await?;
    running.connected("files", &["a"]).await?;
    assert_eq!(steered.starts()?, 2);
    running.down().await
}

#[tokio::test]
async fn a_server_is_changed_switched_off_and_removed_while_the_others_stay() -> Result<()> {
    let (one, other) = (Steered::new(PROGRAM, &["a"])?, Steered::new(PROGRAM, &["b"])?);
    let running = running(json!({ "one": one.entry(), "other": other.entry() })).await?;
    running.connected("one", &["a"]).await?;
    running.connected("other", &["b"]).await?;
    let mcp = running.lease().mcp.clone().unwrap();
    let (first, _) = one.latest()?;
    let mut entry = one.entry();
    mcp.apply("one", &entry).await?;
    assert_eq!(mcp.settled("one").await, Outcome::Connected);
    gone(&[first]).await?;
    entry["active"] = json!(false);
    let (second, _) = one.latest()?;
    mcp.apply("one", &entry).await?;
    gone(&[second]).await?;
    assert!(matches!(running.status("one").state.link, Link::Off));
    assert_eq!(running.item("one"), (Progress::Stopped, None));
    mcp.remove("one").await;
    assert_eq!(mcp.statuses().into_keys().collect::<Vec<_>>(), ["other"]);
    running.connected("other", &["b"]).await?;
    assert_eq!((one.starts()?, other.starts()?), (2, 1));
    drop(mcp);
    running.down().await
}

#[tokio::test]
async fn a_test_answers_the_tools_and_leaves_nothing_running() -> Result<()> {
    let steered = Steered::new(PROGRAM, &["a", "b", "c", "d"])?;
    let running = running(json!({})).await?;
    let mcp = running.lease().mcp.clone().unwrap();
    let tools = mcp.test(&steered.entry()).await?;
    assert_eq!(tools.iter().map(|tool| &*tool.name).collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    let (own, child) = steered.latest()?;
    gone(&[own, child]).await?;

    steered.behave(&["a"], Manner::Crash)?;
    let failure = mcp.test(&steered.entry()).await.unwrap_err();
    assert_eq!(failure.error.to_string(), "the program ended: exit status: 3");
    assert!(failure.errors.iter().any(|line| line.starts_with("crashing")), "{failure:?}");

    // A caller that goes away ends its test, and the runtime ends those that still run.
    steered.behave(&["a"], Manner::Hang)?;
    let entry = limited(steered.entry(), 300.0);
    tokio::select! {
        ended = mcp.test(&entry) => panic!("it hangs: {ended:?}"),
        started = steered.started(3) => { started?; }
    }
    let (own, child) = steered.latest()?;
    gone(&[own, child]).await?;
    let (ended, down) = tokio::join!(mcp.test(&entry), async {
        steered.started(4).await?;
        running.down().await
    });
    assert!(ended.unwrap_err().error.to_string().contains("no longer wanted"));
    down?;
    let (own, child) = steered.latest()?;
    gone(&[own, child]).await
}

fn far(fake: &FakeMcp) -> Value {
    json!({ "url": fake.url(), "transport": "streamable_http", "timeout": 20,
        "headers": {"X-Key": "the-key-of-the-far-server"} })
}

#[tokio::test]
async fn an_address_is_connected_kept_current_and_its_session_is_closed() -> Result<()> {
    let fake = FakeMcp::start(&["a", "b", "c", "d"])?;
    let running = running(json!({ "far": far(&fake) })).await?;
    running.connected("far", &["a", "b", "c", "d"]).await?;
    assert!(fake.keys().iter().all(|key| key == "the-key-of-the-far-server"));
    eventually("an event stream", async || {
        Ok(if fake.streams() > 0 { Ok(()) } else { Err(format!("{:?}", fake.sessions())) })
    })
    .await?;
    fake.offer(&["e"]);
    running.connected("far", &["e"]).await?;
    assert_eq!(fake.sessions(), (1, 1, 0));
    running.down().await?;
    assert_eq!(fake.sessions(), (1, 0, 1));
    Ok(())
}

#[tokio::test]
async fn an_address_that_forgot_the_session_or_was_away_is_connected_again() -> Result<()> {
    let fake = FakeMcp::start(&["a"])?;
    let running = running(json!({ "far": far(&fake) })).await?;
    running.connected("far", &["a"]).await?;
    fake.forget_sessions();
    fake.offer(&["a", "b"]);
    running.connected("far", &["a", "b"]).await?;
    fake.refuse(true);
    let error = running.failed("far", "failed").await?;
    for secret in ["a-key-in-the-path", "the-key-of-the-far-server", "127.0.0.1"] {
        assert!(!error.contains(secret), "{error}");
    }
    fake.refuse(false);
    fake.offer(&["c"]);
    running.connected("far", &["c"]).await?;
    running.down().await
}
