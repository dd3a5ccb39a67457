//! `firstlight chat`: a conversation with a running gateway.

use std::env;
use std::io::{self, BufRead as _, IsTerminal as _};
use std::time::Duration;

use firstlight_core::settings::Settings;
use firstlight_runtime::http_client::{self, ClientSettings};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::arguments::ChatArguments;
use super::printed::Printed;
use super::stream::Events;
use crate::exit::{Exit, Problem};
use crate::running::Running;
use crate::terminal;

const API_KEY: &str = "FIRSTLIGHT_API_KEY";
const PASSWORD: &str = "FIRSTLIGHT_PASSWORD";
/// How long a stopped answer may take to end.
const STOPPING: Duration = Duration::from_secs(5);

/// Who talks.
enum Credentials {
    Key { key: String, username: String },
    Token(String),
}

/// A conversation.
struct Chat {
    client: Client,
    url: String,
    credentials: Credentials,
    session: Option<String>,
    provider: Option<String>,
    json: bool,
}

/// Sends one message, or what is typed line by line.
pub(super) async fn run(settings: Settings, arguments: ChatArguments) -> Result<Exit, Problem> {
    let url = arguments.url.clone().unwrap_or_else(|| local(&settings));
    let client = client()?;
    let mut lines = lines();
    let credentials = log_in(&client, &url, &arguments, &mut lines).await?;
    let mut chat = Chat {
        client,
        url,
        credentials,
        session: arguments.session,
        provider: arguments.provider,
        json: arguments.output.json,
    };
    match arguments.message {
        Some(message) => chat.turn(&message).await,
        None => chat.converse(&mut lines).await,
    }
}

/// The gateway of the data folder, or where it would be.
fn local(settings: &Settings) -> String {
    Running::read(&settings.data_dir)
        .map_or_else(|| format!("http://{}", settings.listen), |card| card.url)
}

/// What `/readyz` calls the state.
pub(super) async fn readiness(url: &str) -> Result<String, Problem> {
    let request = client()?.get(format!("{url}/readyz")).timeout(Duration::from_secs(5));
    let response = request.send().await.map_err(|error| unreachable(url, &error))?;
    let body = answer(response).await?;
    Ok(body.pointer("/data/state").and_then(Value::as_str).unwrap_or("unknown").to_owned())
}

fn client() -> Result<Client, Problem> {
    http_client::build(&ClientSettings::default()).map_err(|error| {
        Problem::caused(Exit::Internal, "no HTTP client could be made", &error, "report it")
    })
}

/// Standard input by lines, read by a thread of its own: a blocked read cannot be cancelled, and
/// must not keep the process.
fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

async fn log_in(
    client: &Client,
    url: &str,
    arguments: &ChatArguments,
    lines: &mut mpsc::Receiver<String>,
) -> Result<Credentials, Problem> {
    let username = arguments.username.clone();
    let from_environment = |name| env::var(name).ok().filter(|value| !value.is_empty());
    if let Some(key) = from_environment(API_KEY).filter(|_| !arguments.password_stdin) {
        return Ok(Credentials::Key { key, username: username.unwrap_or("terminal".to_owned()) });
    }
    let password =
        if arguments.password_stdin { lines.recv().await } else { from_environment(PASSWORD) };
    let (Some(username), Some(password)) = (username, password) else {
        let advice =
            format!("set {API_KEY}, or give --username with {PASSWORD} or --password-stdin");
        return Err(Problem::new(Exit::Usage, "there are no credentials", advice));
    };
    let request = client
        .post(format!("{url}/api/auth/login"))
        .json(&json!({ "username": username, "password": password }));
    let body = answer(request.send().await.map_err(|error| unreachable(url, &error))?).await?;
    match body.pointer("/data/token").and_then(Value::as_str) {
        Some(token) => Ok(Credentials::Token(token.to_owned())),
        None => Err(refused(&body)),
    }
}

impl Chat {
    /// Reads messages until the input ends or Ctrl-C is pressed at the prompt.
    async fn converse(&mut self, lines: &mut mpsc::Receiver<String>) -> Result<Exit, Problem> {
        let asks = io::stdin().is_terminal() && !self.json;
        let mut last = Exit::Success;
        loop {
            if asks {
                terminal::part("> ")?;
            }
            let line = tokio::select! {
                line = lines.recv() => line,
                _ = tokio::signal::ctrl_c() => None,
            };
            match line {
                None => return Ok(last),
                Some(line) if line.trim().is_empty() => {}
                Some(line) => last = self.turn(&line).await?,
            }
        }
    }

    /// Sends one message and prints the answer as it comes. Ctrl-C stops it.
    async fn turn(&mut self, message: &str) -> Result<Exit, Problem> {
        let mut events = Events::new(self.send(message).await?);
        let mut printed = Printed::new(self.json);
        loop {
            let event = tokio::select! {
                event = events.next() => event?,
                _ = tokio::signal::ctrl_c() => break self.stop(&mut events).await?,
            };
            let Some(event) = event else { break };
            self.note_session(&event);
            printed.show(&event)?;
        }
        printed.close()?;
        Ok(if printed.failed() { Exit::Findings } else { Exit::Success })
    }

    async fn send(&mut self, message: &str) -> Result<Response, Problem> {
        let mut body = json!({ "message": message, "enable_streaming": true });
        let fields = body.as_object_mut();
        let path = match &self.credentials {
            Credentials::Key { .. } => "/api/v1/chat",
            Credentials::Token(_) => "/api/tui/chat",
        };
        if let Credentials::Token(_) = self.credentials
            && self.session.is_none()
        {
            self.session = Some(self.new_session().await?);
        }
        let username = match &self.credentials {
            Credentials::Key { username, .. } => Some(username.clone()),
            Credentials::Token(_) => None,
        };
        let given = [
            ("session_id", &self.session),
            ("selected_provider", &self.provider),
            ("username", &username),
        ];
        if let Some(fields) = fields {
            for (name, value) in given {
                if let Some(value) = value {
                    fields.insert(name.to_owned(), Value::from(value.as_str()));
                }
            }
        }
        let request = self.signed(self.client.post(format!("{}{path}", self.url))).json(&body);
        let response = request.send().await.map_err(|error| unreachable(&self.url, &error))?;
        let is_stream = response
            .headers()
            .get("content-type")
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        if is_stream { Ok(response) } else { Err(refused(&answer(response).await?)) }
    }

    async fn new_session(&self) -> Result<String, Problem> {
        let request = self.signed(self.client.get(format!("{}/api/tui/new_session", self.url)));
        let response = request.send().await.map_err(|error| unreachable(&self.url, &error))?;
        let body = answer(response).await?;
        let session = body.pointer("/data/session_id").and_then(Value::as_str);
        session.map(str::to_owned).ok_or_else(|| refused(&body))
    }

    /// Asks the gateway to stop the answer and reads what is left of it. With an API key there is
    /// nothing to ask, and hanging up is what ends it.
    async fn stop(&self, events: &mut Events) -> Result<(), Problem> {
        if let (Credentials::Token(_), Some(session)) = (&self.credentials, &self.session) {
            let request = self.signed(self.client.post(format!("{}/api/tui/stop", self.url)));
            let request = request.json(&json!({ "session_id": session })).timeout(STOPPING);
            request.send().await.map_err(|error| unreachable(&self.url, &error))?;
            let rest = async { while let Ok(Some(_)) = events.next().await {} };
            // An answer that does not end is left behind.
            let _ = timeout(STOPPING, rest).await;
        }
        Ok(())
    }

    fn note_session(&mut self, event: &Value) {
        if event.get("type").and_then(Value::as_str) == Some("session_id")
            && let Some(session) = event.get("session_id").and_then(Value::as_str)
        {
            self.session = Some(session.to_owned());
        }
    }

    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.credentials {
            Credentials::Key { key, .. } => request.header("X-API-Key", key),
            Credentials::Token(token) => request.bearer_auth(token),
        }
    }
}

/// Reads a JSON answer.
async fn answer(response: Response) -> Result<Value, Problem> {
    let status = response.status();
    let text = response.text().await.map_err(|error| broken(&error))?;
    serde_json::from_str(&text).map_err(|_| {
        let what = format!("what answers there is no Firstlight ({status})");
        Problem::new(Exit::Unreachable, what, "check the address in --url")
    })
}

/// What an error answer means.
fn refused(body: &Value) -> Problem {
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let (exit, advice) = match text("code") {
        "runtime_loading" => (Exit::Unreachable, "try again in a moment"),
        "runtime_failed" | "runtime_stopped" => (Exit::Unreachable, "look into the dashboard"),
        "credentials_wrong" | "key_invalid" | "key_missing" | "session_invalid"
        | "session_expired" | "unauthenticated" | "scope_missing" | "throttled"
        | "setup_needed" => {
            (Exit::Refused, "check the name and password, or the API key and its scopes")
        }
        _ => (Exit::Findings, "correct what it says, then try again"),
    };
    Problem::new(exit, format!("the gateway refused: {}", text("message")), advice)
}

fn unreachable(url: &str, error: &reqwest::Error) -> Problem {
    if error.status() == Some(StatusCode::REQUEST_TIMEOUT) {
        return broken(error);
    }
    Problem::caused(
        Exit::Unreachable,
        &format!("no gateway answers at {url}"),
        error,
        "start it, or name another one with --url",
    )
}

/// An answer that ended in the middle.
pub(super) fn broken(error: &reqwest::Error) -> Problem {
    let advice = "look into the gateway's log, then try again";
    Problem::caused(Exit::Unreachable, "the gateway broke off its answer", error, advice)
}
