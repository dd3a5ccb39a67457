//! `cargo xtask bench http`: a session-guarded row answered from memory, and the refusal of a row
//! that needs the runtime while it loads, each against a bare server with the same document.

use std::{
    fs,
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{
    client::{Options, call},
    figures::{Figures, median},
    server::Server,
};
use crate::workspace::{Faults, Workspace};

/// Needs a session, answers from memory in every state.
const GUARDED: &str = "/api/stat/version";
/// Needs a session and a runtime.
const NEEDS_RUNTIME: &str = "/api/plugin/get";
const USERNAME: &str = "bench";
const PASSWORD: &str = "a password for the bench only 7";

/// How much load, and how often.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Turns of each side; the first of each is thrown away.
    #[arg(long, default_value_t = 6)]
    rounds: usize,
    /// Seconds of each turn.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Connections, each with one request at a time.
    #[arg(long, default_value_t = 32)]
    connections: usize,
}

/// What is asked of one side.
struct Target<'a> {
    address: SocketAddr,
    path: &'a str,
    status: u16,
    token: Option<&'a str>,
}

struct Bench<'a> {
    arguments: &'a Arguments,
    load: PathBuf,
    bare: PathBuf,
    folder: tempfile::TempDir,
}

/// Builds everything, then measures both comparisons.
pub(super) fn run(workspace: &Workspace, profile: &str, arguments: &Arguments) -> Result<Figures> {
    let faulty = workspace.gateway(profile, Faults::With)?;
    let plain = workspace.gateway(profile, Faults::Without)?;
    let bench = Bench {
        arguments,
        load: workspace.peer(profile, "load")?,
        bare: workspace.peer(profile, "bare-server")?,
        folder: tempfile::tempdir()?,
    };
    let data = bench.folder.path().join("data");
    account(&plain, &data)?;
    let mut figures = Figures::default();
    let (ours, bare) = bench.guarded(&plain, &data)?;
    figures.add("guarded_row_rps", "requests/s", ours, Some(bare));
    let (ours, bare) = bench.loading(&faulty, &data)?;
    figures.add("loading_503_rps", "requests/s", ours, Some(bare));
    Ok(figures)
}

impl Bench<'_> {
    fn guarded(&self, binary: &Path, data: &Path) -> Result<(f64, f64)> {
        let mut gateway = Server::gateway(binary, data, None)?;
        gateway.answered("/readyz")?;
        self.compare(&gateway, GUARDED, 200, "/row")
    }

    /// The first component hangs, so the runtime stays loading for the whole measurement.
    fn loading(&self, binary: &Path, data: &Path) -> Result<(f64, f64)> {
        let faults = self.folder.path().join("faults.json");
        fs::write(&faults, json!({ "bootstrap": { "plugins": { "hang": true } } }).to_string())?;
        let mut gateway = Server::gateway(binary, data, Some(&faults))?;
        gateway.answered("/livez")?;
        self.compare(&gateway, NEEDS_RUNTIME, 503, "/refused")
    }

    /// Lets the bare server answer what the gateway answers, and loads them in turns.
    fn compare(
        &self,
        gateway: &Server,
        path: &str,
        status: u16,
        bare_path: &str,
    ) -> Result<(f64, f64)> {
        let token = token(gateway.address)?;
        let options = Options { token: Some(&token), json: None };
        let reply = call(gateway.address, path, &options)?;
        ensure!(reply.status == status, "{path} answered {}: {}", reply.status, reply.body);
        let document = self.folder.path().join("document.json");
        fs::write(&document, reply.body)?;
        let database = self.folder.path().join("bare.db");
        let mut bare = Server::bare(&self.bare, &database, Some(&document))?;
        bare.answered("/livez")?;

        let ours = Target { address: gateway.address, path, status, token: Some(&token) };
        let theirs = Target { address: bare.address, path: bare_path, status, token: None };
        let (mut ours_rates, mut bare_rates) = (Vec::new(), Vec::new());
        for round in 0..self.arguments.rounds {
            let (our_rate, bare_rate) = (self.rate(&ours)?, self.rate(&theirs)?);
            println!("{path}: {our_rate:.0}/s, bare {bare_rate:.0}/s");
            if round > 0 {
                ours_rates.push(our_rate);
                bare_rates.push(bare_rate);
            }
        }
        Ok((median(&ours_rates), median(&bare_rates)))
    }

    /// One turn of load.
    fn rate(&self, target: &Target<'_>) -> Result<f64> {
        let mut command = Command::new(&self.load);
        command
            .args(["--address", &target.address.to_string(), "--path", target.path])
            .args(["--status", &target.status.to_string()])
            .args(["--connections", &self.arguments.connections.to_string()])
            .args(["--seconds", &self.arguments.seconds.to_string()]);
        if let Some(token) = target.token {
            command.env("LOAD_TOKEN", token);
        }
        let output = command.stderr(Stdio::inherit()).output()?;
        ensure!(output.status.success(), "the load on {} failed", target.path);
        let result: Value = serde_json::from_slice(&output.stdout)?;
        let number = |key: &str| result.get(key).and_then(Value::as_f64).context("no count");
        Ok(number("requests")? / number("seconds")?)
    }
}

/// Makes the account the way an operator would.
pub(super) fn account(binary: &Path, data: &Path) -> Result<()> {
    let mut child = Command::new(binary)
        .args(["account", "reset", "--username", USERNAME, "--password-stdin"])
        .env("FIRSTLIGHT_DATA_DIR", data)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    let mut stdin = child.stdin.take().context("no standard input")?;
    writeln!(stdin, "{PASSWORD}")?;
    drop(stdin);
    ensure!(child.wait()?.success(), "the account could not be made");
    Ok(())
}

/// Logs in and returns the session's token.
pub(super) fn token(address: SocketAddr) -> Result<String> {
    let body = json!({ "username": USERNAME, "password": PASSWORD });
    let options = Options { token: None, json: Some(&body) };
    let reply = call(address, "/api/auth/login", &options)?;
    let answer: Value = serde_json::from_str(&reply.body)?;
    let token = answer.pointer("/data/token").and_then(Value::as_str);
    Ok(token.with_context(|| format!("no token in {}", reply.body))?.to_owned())
}
