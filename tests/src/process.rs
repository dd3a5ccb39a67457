//! The real binary as a process: started, asked, signalled, and never left behind.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::time::timeout;

/// How long anything may take on a busy machine before the test is called hung.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A running gateway on a data folder of the test. Dropped, it is killed.
pub struct Gateway {
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: ChildStderr,
    /// Where it listens: `http://127.0.0.1:PORT`.
    pub url: String,
}

/// The binary under test: the one that `FIRSTLIGHT_BIN` names, else a fresh build of the workspace.
pub async fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("FIRSTLIGHT_BIN") {
        return Ok(path.into());
    }
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let compiled = Command::new(env!("CARGO"))
        .args(["build", "-p", "firstlight-gateway", "--bin", "firstlight"])
        .args(["--message-format", "json", "--manifest-path"])
        .arg(manifest)
        .stderr(Stdio::inherit())
        .output()
        .await?;
    ensure!(compiled.status.success(), "the gateway did not build");
    let messages = String::from_utf8(compiled.stdout)?;
    let built = messages.lines().rev().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        message.get("executable")?.as_str().map(PathBuf::from)
    });
    built.context("cargo built no executable")
}

/// The binary with arguments on a data folder, without anything of the surrounding environment that
/// is a setting.
pub async fn command<S: AsRef<OsStr>>(
    folder: &Path,
    arguments: impl IntoIterator<Item = S>,
) -> Result<Command> {
    let mut command = Command::new(binary().await?);
    settle(&mut command, folder);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    Ok(command)
}

/// Gives a command its own data folder and a free port, and none of our variables around it.
pub(crate) fn settle(command: &mut Command, folder: &Path) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("FIRSTLIGHT_") {
            command.env_remove(name);
        }
    }
    command
        .current_dir(folder)
        .env("FIRSTLIGHT_DATA_DIR", folder.join("data"))
        .env("FIRSTLIGHT_LISTEN", "127.0.0.1:0");
}

/// Runs a command to its end, with an input.
pub async fn run(folder: &Path, arguments: &[&str], input: &str) -> Result<Output> {
    let mut command = command(folder, arguments).await?;
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take().context("a pipe was asked for")?;
    stdin.write_all(input.as_bytes()).await?;
    drop(stdin);
    Ok(timeout(PATIENCE, child.wait_with_output()).await.context("the command hangs")??)
}

impl Gateway {
    /// Starts a gateway and waits until it listens.
    pub async fn start(folder: &Path) -> Result<Self> {
        Self::start_with(folder, &[]).await
    }

    /// [`Self::start`] with variables.
    pub async fn start_with(folder: &Path, variables: &[(&str, &str)]) -> Result<Self> {
        let mut command = command(folder, ["run"]).await?;
        let mut child = command.envs(variables.iter().copied()).spawn()?;
        let stdout = child.stdout.take().context("a pipe was asked for")?;
        let mut stderr = child.stderr.take().context("a pipe was asked for")?;
        let mut stdout = BufReader::new(stdout).lines();
        let first = timeout(PATIENCE, stdout.next_line()).await.context("it does not listen")??;
        let url = first.as_deref().and_then(|line| line.strip_prefix("listening on "));
        let Some(url) = url.map(str::to_owned) else {
            let mut log = String::new();
            stderr.read_to_string(&mut log).await?;
            bail!("it did not start: {first:?}\n{log}");
        };
        Ok(Self { child, stdout, stderr, url })
    }

    /// The process id.
    pub fn pid(&self) -> Result<u32> {
        self.child.id().context("the process has ended")
    }

    /// The next line on standard output that begins with the given words, without white space.
    pub async fn line(&mut self, beginning: &str) -> Result<String> {
        let search = async {
            while let Some(line) = self.stdout.next_line().await? {
                if line.trim().starts_with(beginning) {
                    return Ok(line.trim().to_owned());
                }
            }
            bail!("the output ended without a line {beginning:?}")
        };
        timeout(PATIENCE, search).await.context("no such line in time")?
    }

    /// Sends a signal by its name.
    pub async fn signal(&self, name: &str) -> Result<()> {
        let pid = self.pid()?.to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().await?;
        ensure!(sent.success(), "the signal was not sent");
        Ok(())
    }

    /// Waits for the end, and gives the rest of the log.
    pub async fn ended(mut self) -> Result<(ExitStatus, String)> {
        let mut log = String::new();
        let end = async {
            self.stderr.read_to_string(&mut log).await?;
            self.child.wait().await
        };
        let status = timeout(PATIENCE, end).await.context("the gateway does not end")??;
        Ok((status, log))
    }

    /// Waits until the runtime is ready.
    pub async fn ready(&self) -> Result<()> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let ready = async {
            loop {
                let response = client.get(format!("{}/readyz", self.url)).send().await?;
                if response.status().is_success() {
                    return Ok::<(), reqwest::Error>(());
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        Ok(timeout(PATIENCE, ready).await.context("it does not get ready")??)
    }

    /// Logs in; none when it was refused.
    pub async fn log_in(&self, username: &str, password: &str) -> Result<Option<String>> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let credentials = json!({ "username": username, "password": password });
        let request = client.post(format!("{}/api/auth/login", self.url)).json(&credentials);
        let body: Value = request.send().await?.json().await?;
        Ok(body.pointer("/data/token").and_then(Value::as_str).map(str::to_owned))
    }

    /// The status of a GET with a log-in.
    pub async fn status(&self, path: &str, token: &str) -> Result<u16> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let request = client.get(format!("{}{path}", self.url)).bearer_auth(token);
        Ok(request.send().await?.status().as_u16())
    }
}
