//! The conformance corpus, played to the process SDKs in Rust and in Python, and to the gateway's
//! reader of messages.
#![cfg(test)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use firstlight_plugins_api::wire::HostCall;
use firstlight_plugins_api::wire::frame::{self, Frame};
use firstlight_plugins_api::{
    Answered, Argument, Call, Event, Filter, Handler, Hook, HookKind, Host, Manifest, Message,
    Outgoing, Piece, Plugin, PluginError, Reply, SettingsTaken, Timer, Tool, Unanswered, Version,
    WebRequest, WebResponse, WebRoute, process,
};
use serde_json::{Value, json};

/// How long a message may take that must come, and one that must not.
const PATIENCE: Duration = Duration::from_secs(20);
const SILENCE: Duration = Duration::from_millis(150);

/// The plugin that the corpus talks to; `conformance/plugin.py` is the same in Python.
struct Conformance {
    host: Host,
}

impl Plugin for Conformance {
    fn manifest() -> Manifest {
        Manifest::new("conformance", Version::new(1, 2, 3))
    }

    fn settings_schema() -> Option<Value> {
        Some(json!({ "type": "object" }))
    }

    async fn load(host: Host) -> Result<Self, PluginError> {
        Ok(Self { host })
    }

    async fn settings_changed(&self, _settings: Value) -> Result<SettingsTaken, PluginError> {
        Ok(SettingsTaken::Taken)
    }

    fn handlers(&self) -> Vec<Handler> {
        let rest = || Argument::rest("text");
        vec![
            Handler::command("echo").about("Says it again.").argument(rest()),
            Handler::command("keep").about("Stores a text and reads it again.").argument(rest()),
            Handler::command("fail"),
            Handler::command("crash"),
            Handler::message("listen", Filter::Custom("has_x".into())),
        ]
    }

    async fn handle(&self, call: Call) -> Result<Reply, PluginError> {
        let text = call.arguments.text("text").unwrap_or_default();
        match call.handler.as_str() {
            "echo" => Ok(Reply::text(text)),
            "keep" => {
                self.host.store("kept", json!(text)).await?;
                Ok(Reply::text(json!(self.host.load("kept").await?).to_string()))
            }
            "fail" => Err(PluginError::Arguments("that will not do".into())),
            "crash" => panic!("by nought"),
            "listen" => Ok(Reply::nothing().stop()),
            other => Err(PluginError::Unknown(format!("there is nothing called {other}"))),
        }
    }

    fn predicate(&self, name: &str, event: &Event) -> bool {
        name == "has_x" && event.text.contains('x')
    }

    async fn answered(&self, answered: Answered) -> Result<Reply, PluginError> {
        Ok(Reply::text(format!("{}: {}", answered.name, answered.event.text)))
    }

    async fn unanswered(&self, unanswered: Unanswered) -> Result<Vec<Outgoing>, PluginError> {
        Ok(vec![Outgoing::new(unanswered.reply_to, "nobody answered")])
    }

    async fn timer(&self, timer: Timer) -> Result<Vec<Outgoing>, PluginError> {
        Ok(vec![Outgoing::new(timer.payload["to"].as_str().unwrap_or_default(), timer.name)])
    }

    fn hooks(&self) -> Vec<Hook> {
        vec![Hook::new(HookKind::Decorating).priority(5)]
    }

    async fn decorating(&self, _event: &Event, value: &mut Message) -> Result<Reply, PluginError> {
        value.pieces.push(Piece::text("(decorated)"));
        Ok(Reply::nothing())
    }

    fn routes(&self) -> Vec<WebRoute> {
        vec![WebRoute::get("/status", "How it is.")]
    }

    async fn web(&self, request: WebRequest) -> Result<WebResponse, PluginError> {
        Ok(WebResponse::json(&json!({ "by": request.username })))
    }

    fn tools(&self) -> Vec<Tool> {
        vec![Tool::without_arguments("add", "Adds two numbers.")]
    }

    async fn call_tool(&self, name: &str, arguments: Value) -> Result<Value, PluginError> {
        let number = |key: &str| arguments[key].as_i64().unwrap_or_default();
        match name {
            "add" => Ok(json!(number("a") + number("b"))),
            other => Err(PluginError::Unknown(format!("there is nothing called {other}"))),
        }
    }
}

/// The gateway's end of a conversation.
struct Talk {
    input: Option<Box<dyn Write>>,
    lines: Receiver<String>,
    /// The id of the last call that the plugin made.
    call: Value,
    child: Option<Child>,
}

impl Talk {
    fn over(input: impl Write + 'static, output: impl Read + Send + 'static) -> Self {
        let (sender, lines) = channel();
        thread::spawn(move || {
            let all = BufReader::new(output).lines().map_while(Result::ok);
            all.for_each(|line| drop(sender.send(line)));
        });
        Self { input: Some(Box::new(input)), lines, call: Value::Null, child: None }
    }

    fn with_rust() -> Self {
        let (plugin_reads, input) = std::io::pipe().unwrap();
        let (output, plugin_writes) = std::io::pipe().unwrap();
        thread::spawn(move || {
            process::serve::<Conformance, _>(BufReader::new(plugin_reads), plugin_writes).unwrap();
        });
        Self::over(input, output)
    }

    fn with_python() -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut child = Command::new("python3")
            .arg(here.join("conformance/plugin.py"))
            .env("PYTHONPATH", here.join("sdk/python"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python3 is needed for this test");
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut talk = Self::over(input, output);
        talk.child = Some(child);
        talk
    }

    fn play(&mut self, step: &Value) {
        let mut message = step["to_plugin"].clone();
        if message["id"] == "$call" {
            message["id"] = self.call.clone();
        }
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{}", message.as_str().map_or(message.to_string(), str::to_owned)).unwrap();
        input.flush().unwrap();
        let expected = step["expect"].as_array().unwrap();
        for wanted in expected {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|error| panic!("{}: {error}", step["name"]));
            let said: Value = serde_json::from_str(&line).unwrap();
            assert!(fits(&said, wanted), "{}:\n  said {said}\n  wanted {wanted}", step["name"]);
            if said.get("method").is_some() {
                self.call = said["id"].clone();
            }
        }
        if expected.is_empty() {
            let said = self.lines.recv_timeout(SILENCE);
            assert!(said.is_err(), "{}: {said:?}", step["name"]);
        }
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        drop(self.input.take());
        if let Some(child) = &mut self.child {
            // It has been told to end; a plugin that does not is ended.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Whether all that is wanted is there.
fn fits(said: &Value, wanted: &Value) -> bool {
    match (said, wanted) {
        (_, Value::String(anything)) if anything == "*" => true,
        (Value::Object(said), Value::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| fits(said.get(key).unwrap_or(&Value::Null), wanted))
        }
        (Value::Array(said), Value::Array(wanted)) => {
            said.len() == wanted.len() && said.iter().zip(wanted).all(|(s, w)| fits(s, w))
        }
        _ => said == wanted,
    }
}

/// The steps of each file.
fn corpus() -> Vec<(PathBuf, Vec<Value>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|end| end == "jsonl"));
    let steps = |path: &Path| -> Vec<Value> {
        let text = fs::read_to_string(path).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let all: Vec<_> = files.map(|path| (path.clone(), steps(&path))).collect();
    assert!(all.len() >= 8, "the corpus was not found");
    all
}

fn play(talk: impl Fn() -> Talk) {
    for (path, steps) in corpus() {
        let steps: Vec<&Value> = steps.iter().filter(|s| s.get("to_plugin").is_some()).collect();
        if steps.is_empty() {
            continue;
        }
        println!("{}", path.display());
        let mut talk = talk();
        for step in steps {
            talk.play(step);
        }
    }
}

#[test]
fn the_rust_sdk_speaks_as_the_corpus_says() {
    play(Talk::with_rust);
}

#[test]
fn the_python_sdk_speaks_as_the_corpus_says() {
    play(Talk::with_python);
}

#[test]
fn the_gateway_reads_messages_as_the_corpus_says() {
    let all = corpus();
    let steps = all.iter().flat_map(|(_, steps)| steps);
    let mut played = 0;
    for step in steps.filter(|step| step.get("from_plugin").is_some()) {
        let (message, expect) = (&step["from_plugin"], &step["expect"]);
        let line = message.as_str().map_or(message.to_string(), str::to_owned);
        let read = match Frame::parse(&line) {
            Ok(Frame::Request { method, params, .. }) => {
                let call = frame::call::<HostCall>(&method, params).ok();
                json!({ "is": "request", "method": call.map(|call| call.method()) })
            }
            Ok(Frame::Answer { result, .. }) => {
                json!({ "is": "answer", "kind": result.err().map(|error| error.kind) })
            }
            Ok(Frame::Notification { .. }) => json!({ "is": "notification" }),
            Err(_) => json!({ "is": "refused" }),
        };
        assert!(fits(&read, expect), "{}: {read}", step["name"]);
        played += 1;
    }
    assert!(played > 10);
}
