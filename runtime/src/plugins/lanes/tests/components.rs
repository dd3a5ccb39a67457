//! The component lane.

use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;

use super::guests::{component, sandboxed};
use crate::plugins::dispatch_tests::{World, private, world_with};

/// The world with one component, whose command was called, and what was said.
struct Tried {
    world: World,
    said: Vec<String>,
    _packages: TempDir,
}

async fn with(on_handle: &str) -> Tried {
    let packages = tempfile::tempdir().unwrap();
    let guest = sandboxed(packages.path(), "guest", &component("guest", "", on_handle, ""));
    let world = world_with(vec![guest]).await;
    let said = world.answers(&private("/guest")).await;
    Tried { world, said, _packages: packages }
}

fn last_fault(world: &World) -> String {
    let live = world.plugins.find("guest").expect("it is loaded");
    live.health.report().last_fault.unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_answers_its_command() {
    let Tried { world, said, _packages } = with("").await;
    assert!(said.is_empty(), "{said:?}");
    assert_eq!(world.plugins.find("guest").unwrap().health.report().faults, 0);
    let usage = world.plugins.find("guest").unwrap().lane.as_ref().unwrap().usage();
    assert_eq!(usage.instances, 1);
    assert!(usage.memory >= 128 << 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_spins_is_ended_by_its_processor_time() {
    let begun = Instant::now();
    let Tried { world, said, _packages } = with("(loop $on (br $on))").await;
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert!(said[0].contains("guest"), "{said:?}");
    assert!(last_fault(&world).contains("processor time"), "{}", last_fault(&world));
    // Another instance answers as if nothing had happened.
    assert_eq!(world.answers(&private("/roll 20")).await, ["d20"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_wants_ever_more_memory_gets_no_more_than_its_own() {
    let grow =
        "(loop $on (br_if $on (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
    let Tried { world, _packages, .. } = with(grow).await;
    assert!(last_fault(&world).contains("64 MiB of memory"), "{}", last_fault(&world));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_traps_or_recurses_costs_its_call() {
    let Tried { world, _packages, .. } = with("unreachable").await;
    assert!(last_fault(&world).contains("gave up"), "{}", last_fault(&world));
    let Tried { world, _packages, .. } = with("(drop (call $deeper (i32.const 0)))").await;
    assert!(last_fault(&world).contains("called itself"), "{}", last_fault(&world));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_answers_garbage_is_named() {
    let Tried { world, _packages, .. } =
        with("(return (call $answer (i32.const 8400) (i32.const 7)))").await;
    assert!(last_fault(&world).contains("cannot be read"), "{}", last_fault(&world));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_floods_the_log_is_heard_at_its_rate() {
    let flood = "(loop $on
        (call $host (i32.const 8300) (i32.const 57) (i32.const 512))
        (local.set $count (i32.add (local.get $count) (i32.const 1)))
        (br_if $on (i32.lt_u (local.get $count) (i32.const 2000))))";
    let Tried { world, _packages, .. } = with(flood).await;
    let live = world.plugins.find("guest").unwrap();
    assert_eq!(live.health.report().faults, 0, "{}", last_fault(&world));
    assert!(live.terms.log.dropped() > 1000);
    assert!(live.terms.log.tail().lines().iter().any(|line| line.contains("flood")));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_breaks_again_and_again_is_given_a_rest() {
    let Tried { world, _packages, .. } = with("unreachable").await;
    for _ in 0..5 {
        world.answers(&private("/guest")).await;
    }
    let report = world.plugins.find("guest").unwrap().health.report();
    assert_eq!(report.breaker.name(), "open");
    assert_eq!(report.faults, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_spins_in_load_or_unload_does_not_hold_up_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let spin = "(loop $on (br $on))";
    let first = sandboxed(folder.path(), "first", &component("first", spin, "", ""));
    let second = sandboxed(folder.path(), "second", &component("second", "", "", spin));
    let begun = Instant::now();
    let world = world_with(vec![first, second]).await;
    let failed = world.plugins.sources().failed();
    assert!(failed["first"].error.contains("processor time"), "{}", failed["first"].error);
    assert_eq!(world.answers(&private("/roll")).await, ["d6"]);
    world.plugins.unload_all().await;
    assert!(begun.elapsed() < Duration::from_mins(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn code_that_was_changed_or_lost_in_the_cache_is_compiled_again() {
    let Tried { world, _packages, .. } = with("").await;
    let cache = world.folder().join("plugins/.compiled");
    let file = std::fs::read_dir(&cache).unwrap().next().unwrap().unwrap().path();
    let good = std::fs::read(&file).unwrap();
    for bad in [Some(b"not code".to_vec()), None] {
        // The running instance has the old file mapped: it may be replaced, not written into.
        std::fs::remove_file(&file).unwrap();
        if let Some(bad) = bad {
            std::fs::write(&file, bad).unwrap();
        }
        world.plugins.reload("guest").await.unwrap();
        assert_eq!(std::fs::read(&file).unwrap().len(), good.len());
        assert!(world.answers(&private("/guest")).await.is_empty());
    }
}

#[test]
fn what_is_no_plugin_is_refused_in_words() {
    let encode = crate::plugins::lanes::component::encode;
    let text = |bytes: &[u8]| encode(bytes).unwrap_err().to_string();
    assert!(text(b"garbage").contains("no plugin"), "{}", text(b"garbage"));
    let without_version = wat::parse_str("(component)").unwrap();
    assert!(text(&without_version).contains("component!"), "{}", text(&without_version));
    let newer = r#"(component (core module (@custom "firstlight-plugin-api" "2.0")))"#;
    let newer = text(&wat::parse_str(newer).unwrap());
    assert!(newer.contains("version 2.0"), "{newer}");
    let older_minor = r#"(component (core module (@custom "firstlight-plugin-api" "1.9")))"#;
    assert!(encode(&wat::parse_str(older_minor).unwrap()).is_ok());
    let wasi = r#"(component
        (core module (@custom "firstlight-plugin-api" "1.0"))
        (import "wasi:cli/environment@0.2.3" (instance)))"#;
    let wasi = text(&wat::parse_str(wasi).unwrap());
    assert!(wasi.contains("wasi:cli") && wasi.contains("wasm32-unknown-unknown"), "{wasi}");
}
