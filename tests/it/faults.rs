//! Each component made to hang, fail and panic, on the way up and on the way down: the gateway
//! stays reachable, says what is wrong, is repaired in the same process, and keeps nothing.
//!
//! `FIRSTLIGHT_STRICT=1` holds the answers to the promised times; they are printed either way.

use std::time::Duration;

use anyhow::{Result, ensure};
use firstlight_tests::gateway_process::{Build, Folder, GatewayProcess, answer, eventually};
use firstlight_tests::process::PATIENCE;
use firstlight_tests::process_cost::{CONNECTIONS, Cost};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::time::Instant;

const COMPONENTS: [&str; 8] =
    ["plugins", "providers", "mcp", "pipelines", "bus", "platforms", "metadata", "hooks"];

/// The components that the runtime can do without.
const TOLERATED: [&str; 2] = ["mcp", "metadata"];

/// Rows that answer in every state.
const CORE_ROWS: [&str; 5] = [
    "/livez",
    "/api/stat/runtime-status",
    "/api/runtime/timeline",
    "/api/log-history",
    "/api/trace/settings",
];

/// A row that helps to repair: closed only while something is under way.
const RECOVERY_ROW: &str = "/api/plugin/source/get-failed-plugins";

/// Rows that need the runtime, as a person who is logged in calls them.
const GUARDED_ROWS: [&str; 4] =
    ["/api/plugin/get", "/api/stat/get", "/api/chat/sessions", "/api/plug/anything"];

/// Where the gateway stands, for what its guarded rows must say.
#[derive(Clone, Copy)]
enum Phase<'a> {
    UnderWay,
    Failed(&'a str),
    Stopped,
}

struct Subject {
    folder: Folder,
    gateway: GatewayProcess,
    component: &'static str,
    key: String,
    slowest_core: Duration,
    slowest_log_in: Duration,
}

#[tokio::test]
async fn the_components_are_the_ones_that_are_tested_here() -> Result<()> {
    let folder = Folder::with_account(Build::Plain).await?;
    let gateway = folder.start(Build::Plain).await?;
    let timeline = gateway.ready().await?;
    let names = timeline["components"].as_array().unwrap().iter();
    let names: Vec<_> = names.map(|component| component["name"].as_str().unwrap()).collect();
    assert_eq!(names, COMPONENTS);
    Ok(())
}

#[tokio::test]
async fn faulty_plugins_are_seen_repaired_and_retried() -> Result<()> {
    check("plugins").await
}

#[tokio::test]
async fn faulty_providers_are_seen_repaired_and_retried() -> Result<()> {
    check("providers").await
}

#[tokio::test]
async fn faulty_mcp_is_seen_and_does_without() -> Result<()> {
    check("mcp").await
}

#[tokio::test]
async fn faulty_pipelines_are_seen_repaired_and_retried() -> Result<()> {
    check("pipelines").await
}

#[tokio::test]
async fn a_faulty_bus_is_seen_repaired_and_retried() -> Result<()> {
    check("bus").await
}

#[tokio::test]
async fn faulty_platforms_are_seen_repaired_and_retried() -> Result<()> {
    check("platforms").await
}

#[tokio::test]
async fn faulty_metadata_is_seen_and_does_without() -> Result<()> {
    check("metadata").await
}

#[tokio::test]
async fn faulty_hooks_are_seen_repaired_and_retried() -> Result<()> {
    check("hooks").await
}

#[tokio::test]
async fn a_stop_that_hangs_is_given_up_and_the_others_are_stopped() -> Result<()> {
    let subject = Subject::hanging("bus").await?;
    subject.lift()?;
    subject.gateway.ready().await?;
    subject.folder.inject(&json!({ "stop": { "bus": { "hang": true } } }))?;
    subject.gateway.command("stop").await?;
    let timeline = subject.gateway.idle().await?;
    subject.all_stopped(&timeline, Some("took longer than its limit of 5s"))?;
    subject.lift()?;
    subject.gateway.command("start").await?;
    subject.gateway.ready().await?;
    Ok(())
}

/// The whole history of one component's faults, in one process.
async fn check(component: &'static str) -> Result<()> {
    let mut subject = Subject::hanging(component).await?;
    let pid = subject.gateway.pid()?;
    subject.answers_as(Phase::UnderWay).await?;
    subject.lift()?;
    subject.gateway.ready().await?;
    let baseline = subject.rested().await?;

    subject.is_taken_down_while_it_hangs().await?;
    subject.fails_and_is_repaired().await?;
    subject.stops_in_spite_of_faults().await?;

    assert_eq!(subject.gateway.pid()?, pid);
    subject.keeps_nothing_beyond(&baseline).await?;
    println!(
        "{component}: slowest answer {:?}, slowest log-in {:?}",
        subject.slowest_core, subject.slowest_log_in
    );
    subject.gateway.terminate()?;
    ensure!(subject.gateway.ended().await?.success());
    Ok(())
}

impl Subject {
    /// A gateway whose bootstrap hangs in this component.
    async fn hanging(component: &'static str) -> Result<Self> {
        let folder = Folder::with_account(Build::Faulty).await?;
        folder.inject(&json!({ "bootstrap": { component: { "hang": true } } }))?;
        let gateway = folder.start(Build::Faulty).await?;
        let key = gateway.api_key("config").await?;
        let (slowest_core, slowest_log_in) = (Duration::ZERO, Duration::ZERO);
        let subject = Self { folder, gateway, component, key, slowest_core, slowest_log_in };
        subject.hangs().await?;
        Ok(subject)
    }

    fn inject(&self, fault: &Value) -> Result<()> {
        self.folder.inject(&json!({ "bootstrap": { self.component: fault } }))
    }

    fn lift(&self) -> Result<()> {
        self.folder.inject(&json!({}))
    }

    async fn hangs(&self) -> Result<Value> {
        let name = self.component;
        let starting = |timeline: &Value| of(timeline, name)["state"] == "starting";
        self.gateway.until("a hanging step", starting).await
    }

    async fn failed(&self) -> Result<Value> {
        self.gateway.until("a failure", |timeline| timeline["failed"] == true).await
    }

    async fn is_taken_down_while_it_hangs(&mut self) -> Result<()> {
        self.inject(&json!({ "hang": true }))?;
        self.gateway.restart().await?;
        self.hangs().await?;
        self.gateway.command("stop").await?;
        let timeline = self.gateway.idle().await?;
        assert_eq!(timeline["unclean"], json!([]));
        self.answers_as(Phase::Stopped).await?;
        self.gateway.command("start").await?;
        let first = self.hangs().await?["attempt"].as_u64().unwrap();
        self.gateway.restart().await?;
        let name = self.component;
        let again = |timeline: &Value| {
            timeline["attempt"].as_u64() > Some(first) && of(timeline, name)["state"] == "starting"
        };
        self.gateway.until("the next attempt", again).await?;
        self.lift()?;
        self.gateway.ready().await?;
        Ok(())
    }

    async fn fails_and_is_repaired(&mut self) -> Result<()> {
        let faults = [
            (json!({ "error": "it broke" }), "it broke"),
            (json!({ "panic": "it fell" }), "panicked: it fell"),
        ];
        for (fault, text) in faults {
            self.inject(&fault)?;
            self.gateway.restart().await?;
            if TOLERATED.contains(&self.component) {
                let timeline = self.gateway.ready().await?;
                assert_eq!(of(&timeline, self.component)["state"], "failed");
                assert_eq!(of(&timeline, self.component)["error"], text);
                continue;
            }
            let timeline = self.failed().await?;
            assert_eq!(timeline["failure"]["component"], self.component);
            assert_eq!(of(&timeline, self.component)["error"], text);
            assert_eq!(timeline["unclean"], json!([]));
            self.answers_as(Phase::Failed(text)).await?;
        }
        self.lift()?;
        if TOLERATED.contains(&self.component) {
            self.gateway.restart().await?;
        } else {
            self.gateway.command("retry").await?;
        }
        let name = self.component;
        let whole =
            |timeline: &Value| timeline["ready"] == true && of(timeline, name)["state"] == "ready";
        let timeline = self.gateway.until("ready again", whole).await?;
        assert_eq!(timeline["unclean"], json!([]));
        Ok(())
    }

    async fn stops_in_spite_of_faults(&mut self) -> Result<()> {
        let faults = [
            (json!({ "error": "it broke" }), Some("it broke")),
            (json!({ "panic": "it fell" }), Some("panicked: it fell")),
            (json!({ "hang": true }), None),
        ];
        for (fault, error) in faults {
            if self.component == "metadata" && error.is_none() {
                continue;
            }
            self.folder.inject(&json!({ "stop": { self.component: fault } }))?;
            self.gateway.command("stop").await?;
            if error.is_none() {
                let stopping = |timeline: &Value| timeline["activity"] == "stopping";
                self.gateway.until("a hanging stop", stopping).await?;
                self.answers_as(Phase::UnderWay).await?;
                self.lift()?;
            }
            let timeline = self.gateway.idle().await?;
            self.all_stopped(&timeline, error)?;
            self.lift()?;
            self.gateway.command("start").await?;
            self.gateway.ready().await?;
        }
        Ok(())
    }

    /// Every component was stopped once, and only this one complained.
    fn all_stopped(&self, timeline: &Value, error: Option<&str>) -> Result<()> {
        ensure!(timeline["unclean"] == json!([]), "{timeline}");
        for name in COMPONENTS {
            let component = of(timeline, name);
            ensure!(component["state"] == "stopped", "{name}: {component}");
            ensure!(component["stop_ms"].is_u64(), "{name}: {component}");
            let complaint = component["stop_error"].as_str().unwrap_or_default();
            let wanted = error.filter(|_| name == self.component).unwrap_or_default();
            ensure!(complaint.starts_with(wanted), "{name}: {component}");
            ensure!(complaint.is_empty() == wanted.is_empty(), "{name}: {component}");
        }
        Ok(())
    }

    /// What rows of each kind and callers of each class get in this phase.
    async fn answers_as(&mut self, phase: Phase<'_>) -> Result<()> {
        for path in CORE_ROWS {
            let asked = Instant::now();
            let (status, body) = self.gateway.read(path).await?;
            self.slowest_core = self.slowest_core.max(asked.elapsed());
            assert_eq!((status, &body["status"]), (200, &json!("ok")), "{path}: {body}");
        }
        let asked = Instant::now();
        self.gateway.log_in().await?;
        self.slowest_log_in = self.slowest_log_in.max(asked.elapsed());
        let strict = std::env::var_os("FIRSTLIGHT_STRICT").is_some();
        let limits = if strict { [50, 250].map(Duration::from_millis) } else { [PATIENCE; 2] };
        assert!(self.slowest_core <= limits[0], "a core row took {:?}", self.slowest_core);
        assert!(self.slowest_log_in <= limits[1], "a log-in took {:?}", self.slowest_log_in);

        let status = self.gateway.data("/api/stat/runtime-status").await?;
        assert_eq!(status, refusal(phase, true)["data"]);
        for path in GUARDED_ROWS {
            refused(phase, true, self.gateway.request(Method::GET, path)).await?;
        }
        let gateway = &self.gateway;
        let with_key = gateway.anonymous(Method::GET, "/api/v1/configs");
        refused(phase, false, with_key.header("X-API-Key", &self.key)).await?;
        refused(phase, false, gateway.anonymous(Method::GET, "/api/stat/start-time")).await?;
        let webhook = "/api/platform/webhook/0011223344556677";
        refused(phase, false, gateway.anonymous(Method::POST, webhook)).await?;
        match phase {
            Phase::UnderWay => {
                refused(phase, true, gateway.request(Method::GET, RECOVERY_ROW)).await?;
            }
            Phase::Failed(_) | Phase::Stopped => {
                gateway.data(RECOVERY_ROW).await?;
            }
        }
        Ok(())
    }

    /// What the process holds when it is ready and has nothing to do.
    async fn rested(&self) -> Result<Cost> {
        let mut last = Cost::of(self.gateway.pid()?)?;
        eventually("a process at rest", async || {
            let now = Cost::of(self.gateway.pid()?)?;
            let same = now.threads == last.threads && now.descriptors == last.descriptors;
            last = now.clone();
            Ok(if same { Ok(now) } else { Err(format!("{now:?}")) })
        })
        .await
    }

    async fn keeps_nothing_beyond(&self, baseline: &Cost) -> Result<()> {
        let timeline = self.gateway.data("/api/runtime/timeline").await?;
        assert_eq!(timeline["unclean"], json!([]));
        let database = self.folder.database().await?;
        let leased = "SELECT count(*) FROM inbox WHERE state = 'leased'";
        let leased: i64 = sqlx::query_scalar(leased).fetch_one(database.readers()).await?;
        assert_eq!(leased, 0, "messages are still leased");
        database.close().await;
        eventually("threads and descriptors as before", async || {
            let now = Cost::of(self.gateway.pid()?)?;
            ensure!(now.connections() <= CONNECTIONS, "{now:?}");
            let more = now.beyond(baseline);
            Ok(if more.is_empty() { Ok(()) } else { Err(format!("{more:?}")) })
        })
        .await
    }
}

/// The record of a component in a timeline.
fn of<'a>(timeline: &'a Value, component: &str) -> &'a Value {
    let mut components = timeline["components"].as_array().into_iter().flatten();
    components.find(|record| record["name"] == component).unwrap_or(&Value::Null)
}

/// The body of a refusal, without the id of the request. Only people who are logged in are told why.
fn refusal(phase: Phase<'_>, in_full: bool) -> Value {
    let (code, message, state, failure) = match phase {
        Phase::UnderWay => (
            "runtime_loading",
            "The runtime is still loading. Try again shortly.",
            "core_ready",
            None,
        ),
        Phase::Failed(text) => (
            "runtime_failed",
            "The runtime failed to start. Check the logs, fix the cause and retry.",
            "runtime_failed",
            Some(text),
        ),
        Phase::Stopped => (
            "runtime_stopped",
            "The runtime was stopped. Start it from the dashboard or with POST /api/runtime/start.",
            "core_ready",
            None,
        ),
    };
    json!({ "status": "error", "code": code, "message": message, "data": {
        "state": state, "ready": false, "failed": failure.is_some(),
        "failure_message": failure.filter(|_| in_full) } })
}

async fn refused(phase: Phase<'_>, in_full: bool, request: RequestBuilder) -> Result<()> {
    let again = request.try_clone().unwrap();
    let retry_after = again.send().await?.headers().get("retry-after").cloned();
    let retry_after = retry_after.map(|value| value.to_str().unwrap().to_owned());
    let (status, mut body) = answer(request).await?;
    assert!(body.as_object_mut().unwrap().remove("request_id").is_some(), "{body}");
    assert_eq!((status, &body), (503, &refusal(phase, in_full)));
    let wanted = matches!(phase, Phase::UnderWay).then(|| "1".to_owned());
    assert_eq!(retry_after, wanted, "{body}");
    Ok(())
}
