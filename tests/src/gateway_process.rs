//! The real binary, on a folder and a port of its own, as an operator would run it.
//!
//! [`Folder`] is what outlives a process: the data, the faults file, the log. A [`GatewayProcess`]
//! runs on it, is talked to over HTTP, and ends by a signal or with the test.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use firstlight_core::config::{ConfigStore, DocumentId};
use firstlight_core::db::Database;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::event_stream::EventStream;
use crate::process::{self, PATIENCE};

/// How often a condition that nothing announces is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// The account of every gateway here.
const ACCOUNT: (&str, &str) = ("ada", "a long enough password");

/// Which build of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// As it is released: `FIRSTLIGHT_BIN`.
    Plain,
    /// With the feature `faults`: `FIRSTLIGHT_FAULTS_BIN`.
    Faulty,
}

/// What a gateway runs on.
pub struct Folder {
    folder: TempDir,
}

/// A running gateway.
pub struct GatewayProcess {
    child: Child,
    url: String,
    client: Client,
    token: String,
    log: PathBuf,
    _lines: Lines<BufReader<ChildStdout>>,
}

impl Build {
    fn binary(self) -> Result<PathBuf> {
        let variable = match self {
            Self::Plain => "FIRSTLIGHT_BIN",
            Self::Faulty => "FIRSTLIGHT_FAULTS_BIN",
        };
        let path = std::env::var_os(variable);
        let path = path.with_context(|| {
            format!("{variable} names no gateway: run `cargo xtask test --stage it`")
        })?;
        Ok(path.into())
    }
}

impl Folder {
    /// An empty one.
    pub fn empty() -> Result<Self> {
        Ok(Self { folder: TempDir::with_prefix("firstlight-it-")? })
    }

    /// An empty one with an account.
    pub async fn with_account(build: Build) -> Result<Self> {
        let folder = Self::empty()?;
        let mut command = folder.command(build)?;
        command.args(["account", "reset", "--username", ACCOUNT.0, "--password-stdin"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn()?;
        let mut input = child.stdin.take().context("its input was asked for")?;
        input.write_all(ACCOUNT.1.as_bytes()).await?;
        drop(input);
        let ended = timeout(PATIENCE, child.wait()).await??;
        ensure!(ended.success(), "account reset: {ended}");
        Ok(folder)
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What the gateways on this folder have logged.
    pub fn log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.log_file())?)
    }

    /// Replaces the faults, as a whole: a running gateway reads them again.
    pub fn inject(&self, faults: &Value) -> Result<()> {
        let path = self.faults();
        std::fs::write(path.with_extension("new"), faults.to_string())?;
        Ok(std::fs::rename(path.with_extension("new"), path)?)
    }

    /// Writes the settings file of the gateways that start from now on.
    pub fn settings(&self, text: &str) -> Result<()> {
        Ok(std::fs::write(self.folder.path().join("firstlight.toml"), text)?)
    }

    /// Stores the providers document. No gateway may run on the folder.
    pub async fn save_providers(&self, providers: Value) -> Result<()> {
        self.save_document(&DocumentId::Providers, providers).await
    }

    /// Stores a document. No gateway may run on the folder.
    pub async fn save_document(&self, id: &DocumentId, content: Value) -> Result<()> {
        std::fs::create_dir_all(self.data())?;
        let database = self.database().await?;
        let config = ConfigStore::open(database.clone()).await?;
        let revision = config.view(id)?.revision;
        config.save(id, revision, content, "a test").await?;
        config.close().await;
        database.close().await;
        Ok(())
    }

    /// The database itself, beside the gateway or without one.
    pub async fn database(&self) -> Result<Database> {
        Ok(Database::open(&self.data().join("firstlight.db")).await?)
    }

    /// Starts a gateway and logs in. It listens when this answers; its runtime may still come up.
    pub async fn start(&self, build: Build) -> Result<GatewayProcess> {
        let mut gateway = self.launch(build).await?;
        gateway.token = gateway.log_in().await?;
        Ok(gateway)
    }

    /// Starts a gateway without an account. It listens when this answers.
    pub async fn launch(&self, build: Build) -> Result<GatewayProcess> {
        let log = self.log_file();
        let mut command = self.command(build)?;
        command.arg("run").stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(File::options().create(true).append(true).open(&log)?);
        let mut child = command.spawn()?;
        let output = child.stdout.take().context("its output was asked for")?;
        let mut lines = BufReader::new(output).lines();
        let first = timeout(PATIENCE, lines.next_line()).await.context("it does not listen")??;
        let url = first.as_deref().and_then(|line| line.strip_prefix("listening on "));
        let url = url.with_context(|| format!("it says {first:?}: {}", tail(&log)))?.to_owned();
        // No deadline: event streams stay open. What must come is awaited with one of its own.
        let client = Client::builder().no_proxy().build()?;
        let token = String::new();
        Ok(GatewayProcess { child, url, client, token, log, _lines: lines })
    }

    /// The last lines of the log, to explain a failed test.
    pub fn said(&self) -> String {
        tail(&self.log_file())
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("gateway.log")
    }

    /// Runs another command on the folder to its end, with an input.
    pub async fn run(&self, build: Build, arguments: &[&str], input: &str) -> Result<Output> {
        let mut command = self.command(build)?;
        command.args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let mut stdin = child.stdin.take().context("its input was asked for")?;
        stdin.write_all(input.as_bytes()).await?;
        drop(stdin);
        Ok(timeout(PATIENCE, child.wait_with_output()).await.context("the command hangs")??)
    }

    fn faults(&self) -> PathBuf {
        self.folder.path().join("faults.json")
    }

    fn command(&self, build: Build) -> Result<Command> {
        let mut command = Command::new(build.binary()?);
        process::settle(&mut command, self.folder.path());
        command.kill_on_drop(true);
        if build == Build::Faulty {
            command.env("FIRSTLIGHT_FAULTS", self.faults());
        }
        Ok(command)
    }
}

impl GatewayProcess {
    /// Its process id.
    pub fn pid(&self) -> Result<u32> {
        self.child.id().context("the gateway has ended")
    }

    /// Where it is reached.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// The token of its log-in.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The last lines of its log, to explain a failed test.
    pub fn said(&self) -> String {
        tail(&self.log)
    }

    /// Logs in once more and answers the token.
    pub async fn log_in(&self) -> Result<String> {
        let body = json!({ "username": ACCOUNT.0, "password": ACCOUNT.1 });
        let request = self.anonymous(Method::POST, "/api/auth/login").json(&body);
        let answer: Value = timeout(PATIENCE, request.send()).await??.json().await?;
        let token = answer["data"]["token"].as_str();
        Ok(token.with_context(|| format!("log-in: {answer}"))?.to_owned())
    }

    /// Makes an API key with this scope.
    pub async fn api_key(&self, scope: &str) -> Result<String> {
        let wanted = json!({ "name": "a test", "scopes": [scope] });
        let (status, made) = self.post("/api/apikey/create", &wanted).await?;
        let key = made["data"]["api_key"].as_str();
        Ok(key.with_context(|| format!("no key: {status} {made}"))?.to_owned())
    }

    /// A request without credentials.
    pub fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    /// A request of the logged-in person.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(&self.token)
    }

    /// The status and body of a GET.
    pub async fn read(&self, path: &str) -> Result<(u16, Value)> {
        answer(self.request(Method::GET, path)).await
    }

    /// The `data` of a GET that is to succeed.
    pub async fn data(&self, path: &str) -> Result<Value> {
        let (status, mut body) = self.read(path).await?;
        ensure!(status == 200 && body["status"] == "ok", "GET {path}: {status} {body}");
        Ok(body["data"].take())
    }

    /// The status and body of a POST.
    pub async fn post(&self, path: &str, body: &Value) -> Result<(u16, Value)> {
        answer(self.request(Method::POST, path).json(body)).await
    }

    /// A lifecycle command that is to begin something: `start`, `retry` or `stop`.
    pub async fn command(&self, name: &str) -> Result<()> {
        let (status, body) = self.post(&format!("/api/runtime/{name}"), &json!({})).await?;
        ensure!(status == 202, "{name}: {status} {body}");
        Ok(())
    }

    /// Asks for a restart of the runtime.
    pub async fn restart(&self) -> Result<()> {
        let (status, body) = self.post("/api/stat/restart-core", &json!({})).await?;
        ensure!(status == 200 && body["status"] == "ok", "restart: {status} {body}");
        Ok(())
    }

    /// Opens an event stream with a request.
    pub async fn stream(&self, request: RequestBuilder) -> Result<EventStream> {
        let response: Response = timeout(PATIENCE, request.send()).await??;
        ensure!(response.status() == 200, "{}", response.status());
        Ok(EventStream::of(response))
    }

    /// Waits until the timeline is as wanted, and answers it.
    pub async fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let mut events = self.stream(self.request(Method::GET, "/api/runtime/events")).await?;
        let mut last = Value::Null;
        let watch = async {
            while let Some(event) = events.next().await? {
                last = event.json()?;
                if wanted(&last) {
                    return Ok(());
                }
            }
            bail!("the events ended");
        };
        match timeout(PATIENCE, watch).await {
            Ok(Ok(())) => Ok(last),
            Ok(Err(error)) => Err(error.context(format!("waiting for {what}: {last}"))),
            Err(_) => bail!("waited in vain for {what}: {last}\n{}", self.said()),
        }
    }

    /// Waits until everything is served.
    pub async fn ready(&self) -> Result<Value> {
        self.until("ready", |timeline| timeline["ready"] == true).await
    }

    /// Waits until nothing runs, because somebody stopped it.
    pub async fn idle(&self) -> Result<Value> {
        self.until("idle", |timeline| timeline["activity"] == "idle").await
    }

    /// Ends it the way a power cut does, and waits until it is gone.
    pub async fn kill(mut self) -> Result<()> {
        Ok(timeout(PATIENCE, self.child.kill()).await??)
    }

    /// Asks it to end, as a service manager does.
    pub fn terminate(&self) -> Result<()> {
        let pid = libc::pid_t::try_from(self.pid()?)?;
        #[expect(unsafe_code, reason = "a signal to a child that has not been waited for")]
        let sent = unsafe { libc::kill(pid, libc::SIGTERM) };
        ensure!(sent == 0, "no signal: {}", std::io::Error::last_os_error());
        Ok(())
    }

    /// Waits until it has ended.
    pub async fn ended(mut self) -> Result<ExitStatus> {
        Ok(timeout(PATIENCE, self.child.wait()).await.context("it does not end")??)
    }
}

/// Waits until a look shows what is wanted; for what nothing announces.
pub async fn eventually<T>(
    what: &str,
    mut look: impl AsyncFnMut() -> Result<std::result::Result<T, String>>,
) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match look().await? {
            Ok(found) => return Ok(found),
            Err(seen) if Instant::now() > deadline => {
                bail!("waited in vain for {what}; last seen: {seen}")
            }
            Err(_) => sleep(LOOK).await,
        }
    }
}

/// The status and JSON body of a request, within the patience of a test.
pub async fn answer(request: RequestBuilder) -> Result<(u16, Value)> {
    let response = timeout(PATIENCE, request.send()).await.context("no answer")??;
    let status = response.status().as_u16();
    Ok((status, timeout(PATIENCE, response.json()).await.context("no whole answer")??))
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(25)..).unwrap_or_default().join("\n")
}
