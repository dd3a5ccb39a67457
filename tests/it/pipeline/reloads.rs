//! Plugins of both lanes that are reloaded while messages flow: each message is handled once.
//!
//! In short form; `FIRSTLIGHT_RELOADS=100 FIRSTLIGHT_MESSAGES=10000` is the long one.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use firstlight_core::bus::BusSettings;
use firstlight_core::model::MessageEvent;
use firstlight_plugins_api::Capabilities;
use firstlight_runtime::plugins::{InstallTerms, PackageSource, Plugins, VersionCheck};
use tempfile::TempDir;

use super::fixture::{Gateway, Made, private};

const SESSIONS: usize = 50;

fn number(variable: &str, usual: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

async fn install(plugins: &Plugins, package: &Path) {
    let source = PackageSource::Folder { path: package.to_owned() };
    let staged = plugins.sources().stage(source).await.unwrap();
    let terms = InstallTerms {
        grants: Capabilities::all(),
        source: staged.origin().clone(),
        version_check: VersionCheck::Required,
    };
    plugins.install(staged, terms).await.unwrap();
}

fn component() -> TempDir {
    let package = TempDir::new().unwrap();
    let declared = r#"{"api":"1.0","name":"guest","version":"1.0.0","handlers":[{"name":"guest","trigger":{"command":{"naming":{"word":"guest"}}}}]}"#;
    let reply = r#"{"messages":[[{"type":"text","data":{"text":"done"}}]]}"#;
    let quoted = |text: &str| text.replace('"', "\\\"");
    let text = include_str!("../../../runtime/src/plugins/lanes/tests/guest.wat")
        .replace("@DECLARED@", &quoted(declared))
        .replace("@LENGTH@", &declared.len().to_string())
        .replace(
            "(func $deeper",
            &format!("(data (i32.const 9000) \"{}\") (func $deeper", quoted(reply)),
        )
        .replace(
            "@HANDLE@",
            &format!("(return (call $answer (i32.const 9000) (i32.const {})))", reply.len()),
        )
        .replace("@LOAD@", "")
        .replace("@UNLOAD@", "");
    std::fs::write(package.path().join("plugin.wasm"), wat::parse_str(text).unwrap()).unwrap();
    let manifest = "name = \"guest\"\nversion = \"1.0.0\"\nlane = \"component\"\n";
    std::fs::write(package.path().join("plugin.toml"), manifest).unwrap();
    package
}

fn program() -> TempDir {
    let package = TempDir::new().unwrap();
    let code = "
import firstlight
plugin = firstlight.Plugin('guest', '1.0.0')

@plugin.command('guest')
def guest(call): return 'done'

plugin.run()
";
    let sdk = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins-api/sdk/python/firstlight.py");
    std::fs::write(package.path().join("main.py"), code).unwrap();
    std::fs::copy(sdk, package.path().join("firstlight.py")).unwrap();
    let manifest = "name = \"guest\"\nversion = \"1.0.0\"\nlane = \"process\"\n\
                    [process]\ncommand = [\"python3\", \"main.py\"]\n";
    std::fs::write(package.path().join("plugin.toml"), manifest).unwrap();
    package
}

fn message(number: usize) -> MessageEvent {
    let user = format!("user{}", number % SESSIONS);
    private(&user, &format!("m{number}"), "/guest")
}

async fn each_message_is_handled_once(package: &TempDir) {
    let (messages, reloads) =
        (number("FIRSTLIGHT_MESSAGES", 1000), number("FIRSTLIGHT_RELOADS", 10));
    let bus = BusSettings { max_unsent: 1_000_000, ..BusSettings::default() };
    let gateway = Gateway::made(Made { bus, ..Made::default() }).await;
    gateway.start().await;
    let plugins = gateway.control.snapshot().state.live().unwrap().lease().plugins.clone();
    install(&plugins, package.path()).await;
    let talk = async {
        let mut ids = Vec::with_capacity(messages);
        for number in 0..messages {
            ids.push(gateway.receive(message(number)).await);
        }
        for id in &ids {
            let done = gateway.row(*id, |row| !row.state.is_unfinished()).await;
            assert_eq!(done.state, firstlight_core::bus::InboxState::Done, "{done:?}");
        }
        ids
    };
    let reload = async {
        for _ in 0..reloads {
            plugins.reload("guest").await.unwrap();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let (ids, ()) = tokio::join!(talk, reload);
    let mut answers = BTreeMap::<i64, usize>::new();
    for row in gateway.all_queued().await {
        *answers.entry(row.inbox_id.unwrap()).or_default() += 1;
    }
    assert_eq!(answers.len(), ids.len(), "messages that nobody handled");
    let twice = answers.iter().filter(|(_, count)| **count != 1).count();
    assert_eq!(twice, 0, "messages that were handled twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_is_reloaded_handles_each_message_once() {
    each_message_is_handled_once(&component()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_reloaded_handles_each_message_once() {
    each_message_is_handled_once(&program()).await;
}
