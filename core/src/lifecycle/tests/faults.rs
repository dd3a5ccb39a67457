//! Injected faults strike where the file says, and stop when it says so.

#![cfg(feature = "faults")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::timeout;

use super::script::{LIMITS, NAMES, Scripted, Up, good};
use super::world::World;
use crate::faults::{Faults, FaultsError};
use crate::lifecycle::{Activity, Control, Options, Snapshot, State, supervise};

fn faulty(path: &Path) -> Control<Up> {
    let plan = Scripted { world: Arc::new(World::default()), generations: vec![good()] };
    let faults = Faults::open(path, &NAMES).unwrap();
    supervise(plan, Options { limits: LIMITS, faults: Some(faults), ..Options::default() })
}

fn file(text: &str) -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("faults.json");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

async fn settle(control: &Control<Up>, generation: u64) -> Snapshot<Up> {
    timeout(Duration::from_secs(30), control.settled(generation)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_error_or_a_panic_fails_the_step_until_it_is_lifted() {
    for kind in ["error", "panic"] {
        let (_folder, path) =
            file(&format!(r#"{{"bootstrap": {{"two": {{"{kind}": "on purpose"}}}}}}"#));
        let control = faulty(&path);
        let failed = settle(&control, control.start().await.generation().unwrap()).await;
        let failure = failed.state.failure().unwrap();
        assert_eq!(failure.component, "two");
        assert!(failure.message.contains("on purpose"), "{}", failure.message);
        std::fs::write(&path, "{}").unwrap();
        let ready = settle(&control, control.retry().await.generation().unwrap()).await;
        assert!(ready.state.live().is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_hanging_step_goes_on_when_the_fault_is_lifted() {
    let (_folder, path) = file(r#"{"bootstrap": {"three": {"hang": true}}}"#);
    let control = faulty(&path);
    let began = control.start().await.generation().unwrap();
    let at_three = |now: &Snapshot<Up>| {
        let State::CoreReady(Activity::Bootstrapping { component, .. }) = now.state else {
            return false;
        };
        component == Some("three")
    };
    timeout(Duration::from_secs(5), control.subscribe().wait_for(at_three)).await.unwrap().unwrap();
    // While somebody writes the file, the fault stands.
    std::fs::write(&path, "{").unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(at_three(&control.snapshot()));
    std::fs::write(&path, "{}").unwrap();
    assert!(settle(&control, began).await.state.live().is_some());
    let timeline = control.timeline().snapshot();
    assert_eq!(timeline.current.as_ref().unwrap().components[2].record.error, None);
}

#[tokio::test(start_paused = true)]
async fn a_fault_in_a_stop_is_recorded_and_passed_over() {
    for (fault, text) in [
        (r#"{"hang": true}"#, "limit"),
        (r#"{"panic": "on purpose"}"#, "on purpose"),
        (r#"{"slow_ms": 20, "error": "on purpose"}"#, "on purpose"),
    ] {
        let (_folder, path) = file(&format!(r#"{{"stop": {{"one": {fault}}}}}"#));
        let control = faulty(&path);
        settle(&control, control.start().await.generation().unwrap()).await;
        let idle = settle(&control, control.stop().await.generation().unwrap()).await;
        assert!(matches!(idle.state, State::CoreReady(Activity::Idle)));
        let timeline = control.timeline().snapshot();
        let error = timeline.current.as_ref().unwrap().components[0].stop_error.clone().unwrap();
        assert!(error.contains(text), "{error}");
    }
}

#[test]
fn a_fault_for_an_unknown_component_refuses_the_start() {
    let (_folder, path) = file(r#"{"stop": {"fourth": {"hang": true}}}"#);
    let refused = Faults::open(&path, &NAMES).unwrap_err();
    assert!(matches!(&refused, FaultsError::UnknownComponent { name, .. } if name == "fourth"));
    std::fs::write(&path, r#"{"bootstrap": {"one": {"hangs": true}}}"#).unwrap();
    assert!(matches!(Faults::open(&path, &NAMES), Err(FaultsError::Malformed { .. })));
    let absent = path.with_file_name("absent.json");
    assert!(Faults::open(&absent, &NAMES).is_ok());
}
