//! An MCP server as a program. Its one argument is the folder that steers it.

use std::io::{BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio, exit};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use firstlight_tests::fake_mcp::{Control, Manner, answer, list_changed};
use serde_json::Value;

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_millis(10);

static OUTPUT: Mutex<()> = Mutex::new(());

fn main() -> Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).context("which folder?")?);
    let control = read(&folder)?;
    let started_before = folder.join("pids").exists();
    let environment = std::env::vars().map(|(name, value)| format!("{name}={value}\n"));
    std::fs::write(folder.join("environment"), environment.collect::<String>())?;
    let _child = note_processes(&folder, control.manner)?;
    say_on_the_error_output("started with FAKE_KEY=");
    match control.manner {
        Manner::Crash => crash(),
        Manner::OnlyOnce if started_before => crash(),
        Manner::Garbage => write("this is {no} JSON\n\u{0}\u{1}]]"),
        _ => {}
    }
    let watched = folder.clone();
    thread::spawn(move || watch(&watched, control));
    for line in std::io::stdin().lock().lines() {
        let (Ok(message), control) = (serde_json::from_str::<Value>(&line?), read(&folder)?) else {
            continue;
        };
        let silent = match control.manner {
            Manner::Hang => true,
            Manner::HangOnList => message.get("method").is_some_and(|name| name == "tools/list"),
            _ => false,
        };
        match answer(&message, &control.tools) {
            Some(_) if control.manner == Manner::Garbage => write("{\"jsonrpc\":"),
            Some(answer) if !silent => write(&answer.to_string()),
            _ => {}
        }
    }
    if read(&folder)?.manner == Manner::Stay {
        loop {
            thread::park();
        }
    }
    Ok(())
}

/// Starts a process of our own, as package runners do, and writes down who we are.
fn note_processes(folder: &Path, manner: Manner) -> Result<Child> {
    let script = match manner {
        Manner::Stay => "trap '' TERM; while :; do sleep 1; done",
        // It reads from us, so that our end is its end.
        _ => "exec cat >/dev/null",
    };
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::null());
    let child = command.stderr(Stdio::null()).spawn()?;
    let mut pids = std::fs::File::options().create(true).append(true).open(folder.join("pids"))?;
    pids.write_all(format!("{} {}.\n", std::process::id(), child.id()).as_bytes())?;
    Ok(child)
}

/// Says when the tools are others, and crashes on demand.
fn watch(folder: &Path, mut known: Control) {
    loop {
        thread::sleep(LOOK);
        let Ok(control) = read(folder) else { continue };
        if control.manner == Manner::Crash {
            crash();
        }
        if control.tools != known.tools {
            write(&list_changed().to_string());
        }
        known = control;
    }
}

#[expect(clippy::disallowed_methods, reason = "a crash runs no destructors")]
fn crash() -> ! {
    say_on_the_error_output("crashing with FAKE_KEY=");
    exit(3)
}

fn say_on_the_error_output(what: &str) {
    let key = std::env::var("FAKE_KEY").unwrap_or_default();
    let _nobody_may_listen = writeln!(std::io::stderr(), "{what}{key}");
}

fn read(folder: &Path) -> Result<Control> {
    Ok(serde_json::from_str(&std::fs::read_to_string(folder.join("control.json"))?)?)
}

fn write(line: &str) {
    let _whole_lines = OUTPUT.lock();
    let mut output = std::io::stdout().lock();
    let _nobody_may_listen = writeln!(output, "{line}").and_then(|()| output.flush());
}
