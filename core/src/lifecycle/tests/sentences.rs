//! What the lifecycle promises, one sentence each.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::script::{
    Behaviour, GOOD, Generation, LIMITS, NAMES, Quirk, START_LIMIT, Scripted, Start, Stop, Task,
    Up, good, options,
};
use super::world::World;
use crate::lifecycle::{
    Activity, Answer, Background, Bootstrap, BoxError, Component, Control, History, Limits,
    Options, Outcome, Progress, Retry, Snapshot, State, StepCx, StepFailure, Steps, supervise,
};

fn scripted(generations: Vec<Generation>) -> (Control<Up>, Arc<World>) {
    let world = Arc::new(World::default());
    let plan = Scripted { world: Arc::clone(&world), generations };
    (supervise(plan, Options { limits: LIMITS, ..Options::default() }), world)
}

fn with(component: usize, behaviour: Behaviour) -> Generation {
    let mut generation = good();
    generation.components[component] = behaviour;
    generation
}

async fn settle(control: &Control<Up>, answer: Answer) -> Snapshot<Up> {
    timeout(Duration::from_secs(5), control.settled(answer.generation().unwrap())).await.unwrap()
}

async fn start(control: &Control<Up>) -> Snapshot<Up> {
    settle(control, control.start().await).await
}

/// Waits until the named component is the current step.
async fn until_step(control: &Control<Up>, name: &str) {
    let at_step = |snapshot: &Snapshot<Up>| {
        matches!(
            snapshot.state,
            State::CoreReady(Activity::Bootstrapping { component: Some(current), .. }) if current == name
        )
    };
    timeout(Duration::from_secs(5), control.subscribe().wait_for(at_step)).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_start_leads_to_ready_and_a_stop_to_idle() {
    let (control, world) = scripted(vec![good()]);
    assert!(matches!(control.snapshot().state, State::CoreReady(Activity::Idle)));
    assert!(start(&control).await.state.live().is_some());
    let idle = settle(&control, control.stop().await).await;
    assert!(matches!(idle.state, State::CoreReady(Activity::Idle)));
    assert_eq!(world.facts().stopped[&1], [3, 2, 1, 0]);
    let timeline = control.timeline().snapshot();
    let attempt = timeline.current.as_ref().unwrap();
    assert_eq!(attempt.outcome, Outcome::Stopped);
    assert!(attempt.components.iter().all(|part| part.record.state == Progress::Stopped));
}

#[tokio::test(start_paused = true)]
async fn commands_say_whether_something_begins() {
    let (control, _) = scripted(vec![good()]);
    assert!(matches!(control.stop().await, Answer::Already { .. }));
    assert!(matches!(control.start().await, Answer::Began { .. }));
    assert!(matches!(control.start().await, Answer::Already { .. }));
    assert!(matches!(control.retry().await, Answer::Already { .. }));
    assert!(matches!(control.stop().await, Answer::Began { .. }));
    assert!(matches!(control.stop().await, Answer::Already { .. }));
    assert!(matches!(control.start().await, Answer::Began { .. }));
    assert!(matches!(control.shutdown().await, Answer::Began { .. }));
    assert_eq!(control.start().await, Answer::Ending);
    let last = settle(&control, control.shutdown().await).await;
    assert!(matches!(last.state, State::Created));
    assert_eq!(control.restart().await, Answer::Ending);
    assert!(matches!(control.stop().await, Answer::Already { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_failure_names_its_component_and_a_retry_in_the_same_process_is_ready() {
    let failing = with(1, Behaviour { start: Start::Fail, ..GOOD });
    let (control, world) = scripted(vec![failing, good()]);
    let failed = start(&control).await;
    let failure = failed.state.failure().unwrap();
    assert_eq!((failure.component, failure.attempt), (NAMES[1], 1));
    assert_eq!(failure.message, "the start fails");
    assert_eq!(world.facts().stopped[&1], [0]);
    let ready = settle(&control, control.retry().await).await;
    assert!(ready.state.live().is_some());
    let timeline = control.timeline().snapshot();
    let before = timeline.previous.as_ref().unwrap();
    assert_eq!(before.outcome, Outcome::Failed);
    assert_eq!(before.components[1].record.error.as_deref(), Some("the start fails"));
    assert_eq!(before.components[2].record.state, Progress::Pending);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_takes_too_long_has_failed() {
    let (control, _) = scripted(vec![with(0, Behaviour { start: Start::Hang, ..GOOD })]);
    let begun = Instant::now();
    let failed = start(&control).await;
    let message = &failed.state.failure().unwrap().message;
    assert!(message.contains("longer than its limit"), "{message}");
    assert!(begun.elapsed() < START_LIMIT * 2);
}

#[tokio::test(start_paused = true)]
async fn a_tolerated_component_fails_alone() {
    for start_as in [Start::Fail, Start::Panic, Start::Hang] {
        let (control, _) = scripted(vec![with(2, Behaviour { start: start_as, ..GOOD })]);
        assert!(start(&control).await.state.live().is_some(), "{start_as:?}");
        let timeline = control.timeline().snapshot();
        let record = &timeline.current.as_ref().unwrap().components[2].record;
        assert_eq!(record.state, Progress::Failed);
        assert!(record.error.is_some() && record.duration_ms.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_critical_task_fails_the_runtime_and_names_itself() {
    let dying = Behaviour { task: Task::Dies(500, Start::Panic), ..GOOD };
    let (control, _) = scripted(vec![with(3, dying)]);
    let ready = start(&control).await;
    let failed = timeout(Duration::from_secs(5), control.settled(ready.generation + 1)).await;
    let failed = failed.unwrap();
    let failure = failed.state.failure().unwrap();
    assert_eq!(failure.component, NAMES[3]);
    assert!(failure.message.contains("four/task") && failure.message.contains("panics"));
}

#[tokio::test(start_paused = true)]
async fn a_stop_in_the_middle_of_a_start_drops_it_at_once() {
    let (control, world) = scripted(vec![with(2, Behaviour { start: Start::Hang, ..GOOD })]);
    let begun = Instant::now();
    control.start().await;
    until_step(&control, NAMES[2]).await;
    settle(&control, control.stop().await).await;
    assert!(begun.elapsed() < START_LIMIT);
    assert_eq!(world.facts().stopped[&1], [1, 0]);
    let timeline = control.timeline().snapshot();
    assert_eq!(timeline.current.as_ref().unwrap().outcome, Outcome::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_restart_never_rests_between() {
    let (control, _) = scripted(vec![good()]);
    start(&control).await;
    let mut seen = Vec::new();
    let mut states = control.subscribe();
    let answer = control.restart().await;
    while states.borrow_and_update().state.live().is_none() || seen.is_empty() {
        seen.push(states.borrow().state.name());
        timeout(Duration::from_secs(5), states.changed()).await.unwrap().unwrap();
    }
    assert!(seen.iter().all(|name| *name == "core_ready"), "{seen:?}");
    assert!(states.borrow().generation > answer.generation().unwrap());
    assert_eq!(control.timeline().snapshot().current.as_ref().unwrap().attempt, 2);
}

#[tokio::test(start_paused = true)]
async fn clean_up_waits_for_requests_up_to_the_drain_deadline() {
    let (control, world) = scripted(vec![good()]);
    let ready = start(&control).await;
    let lease = ready.state.live().unwrap().lease();
    drop(ready);
    let stopping = control.stop().await;
    timeout(Duration::from_secs(1), lease.gone()).await.unwrap();
    assert!(!world.facts().stopped.contains_key(&1), "stopped under a request");
    drop(lease);
    let begun = Instant::now();
    settle(&control, stopping).await;
    assert!(begun.elapsed() < LIMITS.drain);

    let ready = start(&control).await;
    let _forgotten = ready.state.live().unwrap().lease();
    let idle = settle(&control, control.stop().await).await;
    assert!(matches!(idle.state, State::CoreReady(Activity::Idle)), "{idle:?}");
}

#[tokio::test(start_paused = true)]
async fn stops_that_fail_panic_or_hang_do_not_stop_the_clean_up() {
    let mut generation = good();
    generation.components[3].stop = Stop::Panic;
    generation.components[2].stop = Stop::Hang;
    generation.components[1].stop = Stop::Fail;
    let (control, world) = scripted(vec![generation]);
    start(&control).await;
    let idle = settle(&control, control.stop().await).await;
    assert!(idle.unclean.is_empty());
    assert_eq!(world.facts().stopped[&1], [3, 2, 1, 0]);
    let timeline = control.timeline().snapshot();
    let errors: Vec<_> = timeline.current.as_ref().unwrap().components.iter().collect();
    assert!(errors[3].stop_error.as_ref().unwrap().contains("panicked"));
    assert!(errors[2].stop_error.as_ref().unwrap().contains("limit"));
    assert!(errors[1].stop_error.as_ref().unwrap().contains("the stop fails"));
    assert_eq!(errors[0].stop_error, None);
}

#[tokio::test(start_paused = true)]
async fn the_operator_may_give_a_stop_less_time_than_the_component_does() {
    let mut generation = good();
    generation.components[0].stop = Stop::Hang;
    let plan = Scripted { world: Arc::default(), generations: vec![generation] };
    let limits = Limits { stop: Duration::from_millis(1), ..LIMITS };
    let control = supervise(plan, Options { limits, ..Options::default() });
    start(&control).await;
    settle(&control, control.stop().await).await;
    let timeline = control.timeline().snapshot();
    let stopped = &timeline.current.as_ref().unwrap().components[0];
    assert!(stopped.stop_error.as_ref().unwrap().contains("limit of 1ms"), "{stopped:?}");
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_panics_loses_no_stopper() {
    let (control, world) = scripted(vec![Generation { quirk: Quirk::Panics, ..good() }]);
    let failed = start(&control).await;
    assert_eq!(failed.state.failure().unwrap().component, "bootstrap");
    assert_eq!(world.facts().stopped[&1], [3, 2, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn automatic_retry_waits_longer_each_time_and_says_when() {
    let failing = with(0, Behaviour { start: Start::Fail, ..GOOD });
    let world = Arc::new(World::default());
    let generations = vec![failing.clone(), failing, good()];
    let plan = Scripted { world, generations };
    let retry = Retry { first: Duration::from_secs(2), cap: Duration::from_mins(1) };
    let options = options(Some(retry));
    let control = supervise(plan, options);
    let begun = Instant::now();
    let failed = start(&control).await;
    let failure = failed.state.failure().unwrap();
    assert!(failure.retry_at.unwrap() > failure.at);
    let wait = control.settled(failed.generation + 1);
    let again = timeout(Duration::from_secs(10), wait).await.unwrap();
    assert_eq!(again.state.failure().unwrap().attempt, 2);
    let wait = control.settled(again.generation + 1);
    assert!(timeout(Duration::from_secs(10), wait).await.unwrap().state.live().is_some());
    assert!(begun.elapsed() >= Duration::from_secs(6));
}

#[tokio::test(start_paused = true)]
async fn without_automatic_retry_a_failure_rests() {
    let (control, _) = scripted(vec![with(0, Behaviour { start: Start::Fail, ..GOOD })]);
    let failed = start(&control).await;
    assert!(failed.state.failure().unwrap().retry_at.is_none());
    sleep(Duration::from_hours(1)).await;
    assert_eq!(control.snapshot().generation, failed.generation);
}

#[tokio::test(start_paused = true)]
async fn every_change_of_the_timeline_is_announced() {
    let (control, _) = scripted(vec![good()]);
    let mut changes = control.timeline().subscribe();
    control.start().await;
    let link_up = |history: &Arc<History>| {
        let current = history.current.as_ref();
        current
            .is_some_and(|now| now.components[0].items.iter().any(|i| i.state == Progress::Ready))
    };
    timeout(Duration::from_secs(5), changes.wait_for(link_up)).await.unwrap().unwrap();
    let text = serde_json::to_value(&*control.timeline().snapshot()).unwrap();
    assert_eq!(text["current"]["components"][0]["name"], "one");
    assert_eq!(text["current"]["components"][0]["items"][0]["state"], "ready");
    assert_eq!(text["current"]["components"][3]["state"], "pending");
}

#[tokio::test(start_paused = true)]
async fn the_background_of_the_process_is_awaited_aborted_and_named() {
    let background = Background::new();
    let token = background.token().clone();
    background.spawn("obedient", async move { token.cancelled().await });
    background.spawn("deaf", pending());
    background.spawn("broken", async { panic!("a background task panics") });
    assert_eq!(background.names().len(), 3);
    assert!(background.end(Duration::from_mins(1)).await.is_empty());
    background.spawn("late", pending());
    assert!(background.names().is_empty());
}

/// A component that blocks its thread instead of waiting, until the test lets it go.
struct Spinning {
    release: Arc<AtomicBool>,
}

struct Spin(Arc<AtomicBool>);

/// Lets the component go, also when the test fails.
struct Release(Arc<AtomicBool>);

impl Drop for Release {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Component for Spinning {
    const NAME: &'static str = "spinning";
    type Handle = ();

    async fn start(self, _: &StepCx) -> Result<(), BoxError> {
        while !self.release.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        Ok(())
    }

    async fn stop((): ()) -> Result<(), BoxError> {
        Ok(())
    }
}

impl Bootstrap for Spin {
    type Runtime = Infallible;
    const COMPONENTS: &'static [&'static str] = &["spinning"];

    async fn bootstrap(&self, steps: &mut Steps) -> Result<Infallible, StepFailure> {
        steps.start(Spinning { release: Arc::clone(&self.0) }).await?;
        pending().await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_that_blocks_its_thread_blocks_no_answer_and_is_reported() {
    let release = Arc::new(AtomicBool::new(false));
    let _release = Release(Arc::clone(&release));
    let limits =
        Limits { cancel: Duration::from_millis(50), abort: Duration::from_millis(50), ..LIMITS };
    let control = supervise(Spin(Arc::clone(&release)), Options { limits, ..Options::default() });
    let patience = Duration::from_secs(10);
    timeout(patience, control.start()).await.unwrap();
    let spinning = |history: &Arc<History>| {
        let current = history.current.as_ref();
        current.is_some_and(|now| now.components[0].record.state == Progress::Starting)
    };
    let mut changes = control.timeline().subscribe();
    timeout(patience, changes.wait_for(spinning)).await.unwrap().unwrap();
    assert!(matches!(timeout(patience, control.start()).await.unwrap(), Answer::Already { .. }));
    let stopping = timeout(patience, control.stop()).await.unwrap();
    let idle = timeout(patience, control.settled(stopping.generation().unwrap())).await.unwrap();
    assert_eq!(*idle.unclean, ["bootstrap".to_owned()]);
}
