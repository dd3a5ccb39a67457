//! The process lane.

use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::guests::program;
use crate::plugins::dispatch_tests::{World, private, world_with};

/// The beginning of a program with one command.
const COMMAND: &str = "
import firstlight, os, sys, time, subprocess
plugin = firstlight.Plugin('guest', '1.0.0')

@plugin.command('guest')
def guest(call):
";

/// The world with one program, in a folder that lives as long.
struct Tried {
    world: World,
    _packages: TempDir,
}

impl std::ops::Deref for Tried {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

async fn with(body: &str) -> Tried {
    let folder = tempfile::tempdir().unwrap();
    let body = body.replace('\n', "\n    ");
    let code = format!("{COMMAND}    {body}\n\nplugin.run()\n");
    let world = world_with(vec![program(folder.path(), "guest", &code)]).await;
    Tried { world, _packages: folder }
}

fn last_fault(world: &World) -> String {
    let live = world.plugins.find("guest").expect("it is loaded");
    live.health.report().last_fault.unwrap_or_default()
}

fn processes(marker: &str) -> usize {
    let mut found = 0;
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        found += usize::from(String::from_utf8_lossy(&line).contains(marker));
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_answers_and_asks_the_gateway() {
    let world = with(
        "seen = (plugin.host('load', key='seen') or 0) + 1
plugin.host('store', key='seen', value=seen)
return f'seen {seen}'",
    )
    .await;
    assert_eq!(world.answers(&private("/guest")).await, ["seen 1"]);
    assert_eq!(world.answers(&private("/guest")).await, ["seen 2"]);
    world.plugins.unload_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_data_folder_may_be_named_relative_to_where_the_gateway_runs() {
    let packages = tempfile::tempdir().unwrap();
    let up = std::env::current_dir().unwrap().components().count() - 1;
    let relative = packages.path().strip_prefix("/").unwrap();
    let relative = std::path::Path::new(&"../".repeat(up)).join(relative);
    let code = format!("{COMMAND}    return 'here'\n\nplugin.run()\n");
    let world = world_with(vec![program(&relative, "guest", &code)]).await;
    assert_eq!(world.answers(&private("/guest")).await, ["here"]);
    world.plugins.unload_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_spins_or_sleeps_is_ended_and_comes_back() {
    let world = with(
        "if not plugin.host('load', key='again'):
    plugin.host('store', key='again', value=True)
    while True: pass
return 'back'",
    )
    .await;
    world.answers(&private("/guest")).await;
    assert!(last_fault(&world).contains("processor time"), "{}", last_fault(&world));
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let said = world.answers(&private("/guest")).await;
        if said == ["back"] {
            break;
        }
        assert!(Instant::now() < until, "{said:?}");
        sleep(Duration::from_millis(100)).await;
    }
    world.plugins.unload_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_does_not_answer_is_ended_at_its_deadline() {
    let world = with("time.sleep(60)").await;
    let begun = Instant::now();
    world.answers(&private("/guest")).await;
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(last_fault(&world).contains("no answer"), "{}", last_fault(&world));
    world.plugins.unload_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_wants_ever_more_memory_is_ended() {
    let world = with(
        "kept = []
while True:
    kept.append(bytearray(8 << 20))
    time.sleep(0.005)",
    )
    .await;
    world.answers(&private("/guest")).await;
    let fault = last_fault(&world);
    assert!(fault.contains("memory") || fault.contains("ended"), "{fault}");
    world.plugins.unload_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_writes_garbage_or_ends_is_named() {
    let world = with("os.write(1, b'garbage\\n')\ntime.sleep(5)").await;
    world.answers(&private("/guest")).await;
    assert!(last_fault(&world).contains("no message"), "{}", last_fault(&world));
    world.plugins.unload_all().await;
    let world = with("os._exit(3)").await;
    world.answers(&private("/guest")).await;
    assert!(last_fault(&world).contains("ended"), "{}", last_fault(&world));
    world.plugins.unload_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_floods_the_log_is_heard_at_its_rate() {
    let world = with("for n in range(20000): print('flood')\nreturn 'done'").await;
    assert_eq!(world.answers(&private("/guest")).await, ["done"]);
    let until = Instant::now() + Duration::from_secs(10);
    let live = world.plugins.find("guest").unwrap();
    while live.terms.log.dropped() < 10_000 {
        assert!(Instant::now() < until, "{}", live.terms.log.dropped());
        sleep(Duration::from_millis(20)).await;
    }
    world.plugins.unload_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_starts_ends_with_it() {
    let marker = "17171717";
    let world = with(&format!("subprocess.Popen(['sleep', '{marker}'])\nreturn 'started'")).await;
    for _ in 0..3 {
        assert_eq!(world.answers(&private("/guest")).await, ["started"]);
    }
    let until = Instant::now() + Duration::from_secs(5);
    // What was just started is not yet called what it will be.
    while processes(marker) < 3 {
        assert!(Instant::now() < until);
        sleep(Duration::from_millis(20)).await;
    }
    world.plugins.unload_all().await;
    let until = Instant::now() + Duration::from_secs(5);
    while processes(marker) > 0 {
        assert!(Instant::now() < until);
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_forks_without_end_is_ended_with_all_of_them() {
    let marker = "18181818";
    let world = with(&format!(
        "for n in range(100): subprocess.Popen(['sleep', '{marker}'])\ntime.sleep(30)"
    ))
    .await;
    world.answers(&private("/guest")).await;
    assert!(last_fault(&world).contains("processes"), "{}", last_fault(&world));
    let until = Instant::now() + Duration::from_secs(5);
    while processes(marker) > 0 {
        assert!(Instant::now() < until);
        sleep(Duration::from_millis(20)).await;
    }
    world.plugins.unload_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_does_not_start_is_a_failed_plugin_and_one_that_does_not_stop_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let code = "
import firstlight, time
plugin = firstlight.Plugin('guest', '1.0.0')
@plugin.on('unload')
def unload():
    time.sleep(60)
plugin.run()
";
    let stubborn = program(folder.path(), "stubborn", code);
    let broken = program(folder.path(), "broken", "raise SystemExit(1)");
    let world = world_with(vec![stubborn, broken]).await;
    let failed = world.plugins.sources().failed();
    assert!(failed["broken"].error.contains("ended"), "{}", failed["broken"].error);
    assert_eq!(failed.len(), 1);
    let begun = Instant::now();
    world.plugins.unload_all().await;
    assert!(begun.elapsed() < Duration::from_secs(20));
}
