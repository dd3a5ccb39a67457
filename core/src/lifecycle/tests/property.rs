//! Any history of commands over any behaviour of components is legal and ends where it should.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::script::{Generation, Scripted, Up, generations, script};
use super::world::World;
use crate::lifecycle::control::{Answer, Control, Retry, supervise_observed};
use crate::lifecycle::records::{Outcome, Progress};
use crate::lifecycle::state::{Activity, State};

use super::script::{Task, options};

/// Longer than any chain of deadlines in a script.
const QUIET: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy)]
enum Act {
    Start,
    Retry,
    Stop,
    Restart,
    Shutdown,
    /// A request that holds the runtime for so many milliseconds, whatever happens to it.
    Request(u64),
}

#[derive(Debug, Clone)]
struct History {
    generations: Vec<Generation>,
    acts: Vec<(u64, Act)>,
    retry: bool,
    /// Whether the end is that everybody lets go of the control.
    dropped: bool,
}

fn histories() -> impl Strategy<Value = History> {
    let act = prop_oneof![
        6 => Just(Act::Start),
        3 => Just(Act::Retry),
        4 => Just(Act::Stop),
        3 => Just(Act::Restart),
        1 => Just(Act::Shutdown),
        3 => (0_u64..150).prop_map(Act::Request),
    ];
    let pause = prop_oneof![2 => Just(0_u64), 4 => 0_u64..40, 3 => 40_u64..400];
    let acts = prop::collection::vec((pause, act), 1..=12);
    let (retry, dropped) = (prop::bool::weighted(0.2), prop::bool::weighted(0.2));
    (generations(), acts, retry, dropped).prop_map(|(generations, acts, retry, dropped)| History {
        generations,
        acts,
        retry,
        dropped,
    })
}

#[test]
fn any_history_is_legal_and_ends_where_it_should() {
    std::panic::set_hook(Box::new(|_| {}));
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: cases.unwrap_or(3000),
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let result = runner.run(&histories(), |history| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(check(history)).map_err(TestCaseError::fail)
    });
    drop(std::panic::take_hook());
    if let Err(error) = result {
        panic!("{error}");
    }
}

async fn check(history: History) -> Result<(), String> {
    let world = Arc::new(World::default());
    let plan = Scripted { world: Arc::clone(&world), generations: history.generations.clone() };
    let retry = Retry { first: Duration::from_millis(30), cap: Duration::from_millis(100) };
    let options = options(history.retry.then_some(retry));
    let seen = Arc::clone(&world);
    let (control, supervisor) = supervise_observed(plan, options, move |timeline, state| {
        seen.observe(timeline, state);
    });
    let mut wanted = Act::Stop;
    for (pause, act) in &history.acts {
        sleep(Duration::from_millis(*pause)).await;
        perform(&control, &world, *act, &mut wanted).await?;
        world_is_sound(&world)?;
    }
    sleep(QUIET).await;
    world_is_sound(&world)?;
    settled_as_asked(&history, &control, &world, wanted)?;
    end(control, &world, supervisor, history.dropped).await
}

async fn perform(
    control: &Control<Up>,
    world: &Arc<World>,
    act: Act,
    wanted: &mut Act,
) -> Result<(), String> {
    let asked = Instant::now();
    if let Act::Request(hold) = act {
        request(control, world, hold);
        return Ok(());
    }
    let command = async {
        match act {
            Act::Start => control.start().await,
            Act::Stop => control.stop().await,
            Act::Restart => control.restart().await,
            Act::Shutdown => control.shutdown().await,
            Act::Retry | Act::Request(_) => control.retry().await,
        }
    };
    let Ok(answer) = timeout(QUIET, command).await else {
        return Err(format!("{act:?} was never answered"));
    };
    if !asked.elapsed().is_zero() {
        return Err(format!("{act:?} was answered only after {:?}", asked.elapsed()));
    }
    if matches!(wanted, Act::Shutdown) {
        let starts = matches!(act, Act::Start | Act::Retry | Act::Restart);
        let ok = if starts {
            answer == Answer::Ending
        } else {
            matches!(answer, Answer::Already { .. })
        };
        return if ok { Ok(()) } else { Err(format!("{act:?} after a shutdown: {answer:?}")) };
    }
    *wanted = act;
    let Some(generation) = answer.generation() else { return Err(format!("{act:?}: {answer:?}")) };
    let now = control.snapshot();
    if now.generation < generation {
        return Err(format!("answered {answer:?} while at {}", now.generation));
    }
    // What begins is published before it is answered.
    let agrees = match &now.state {
        _ if now.generation > generation || !matches!(answer, Answer::Began { .. }) => true,
        State::CoreReady(Activity::Idle) => matches!(act, Act::Stop),
        State::Created => matches!(act, Act::Shutdown),
        state => !state.is_settled(),
    };
    if agrees { Ok(()) } else { Err(format!("{act:?} answered {answer:?} in {now:?}")) }
}

/// A request as the gateway has it: a lease on the runtime, if there is one.
fn request(control: &Control<Up>, world: &Arc<World>, hold: u64) {
    let snapshot = control.snapshot();
    let Some(live) = snapshot.state.live() else { return };
    let lease = live.lease();
    drop(snapshot);
    if lease.is_gone() {
        return;
    }
    let counted = world.lease();
    #[expect(clippy::disallowed_methods, reason = "stands for a request's own task")]
    tokio::spawn(async move {
        sleep(Duration::from_millis(hold)).await;
        drop(lease);
        drop(counted);
    });
}

fn world_is_sound(world: &World) -> Result<(), String> {
    let facts = world.facts();
    if facts.broken.is_empty() {
        return Ok(());
    }
    Err(format!("{:#?}\nafter {:?}", facts.broken, facts.published))
}

/// After a quiet spell the state is what the last command asked for.
fn settled_as_asked(
    history: &History,
    control: &Control<Up>,
    world: &World,
    wanted: Act,
) -> Result<(), String> {
    let now = control.snapshot();
    let timeline = control.timeline().snapshot();
    let attempt = timeline.current.as_ref().map_or(1, |current| current.attempt);
    let script = script(&history.generations, attempt);
    let is_up = matches!(wanted, Act::Start | Act::Retry | Act::Restart);
    let as_asked = match (&now.state, wanted) {
        (State::Created, Act::Shutdown) | (State::CoreReady(Activity::Idle), Act::Stop) => true,
        // With automatic retry a failure is no resting place, so it may be seen anywhere.
        (_, _) if is_up && history.retry && script.may_end_failed() => true,
        (State::RuntimeReady(_), _) => is_up && !script.ends_failed() && !script.hangs(),
        (State::RuntimeFailed(_), _) => is_up && script.may_end_failed(),
        (State::CoreReady(Activity::Bootstrapping { .. }), _) => is_up && script.hangs(),
        _ => false,
    };
    if !as_asked {
        return Err(format!("after {wanted:?} the state is {now:?}; attempt {attempt} {script:?}"));
    }
    if !now.unclean.is_empty() {
        return Err(format!("unclean: {:?}", now.unclean));
    }
    if now.state.live().is_some() {
        if world.facts().dead.contains(&attempt) {
            return Err("ready with a dead critical task".to_owned());
        }
        // An attempt that is about to fail again has not had the time for its links.
        if !script.may_end_failed() {
            links_are_true(script, &timeline)?;
        }
    }
    Ok(())
}

/// A restarting task that never links shows as failed, one that does as ready; the runtime is up
/// in both cases.
fn links_are_true(
    script: &Generation,
    timeline: &crate::lifecycle::records::History,
) -> Result<(), String> {
    let Some(current) = &timeline.current else { return Err("ready without attempt".to_owned()) };
    if current.outcome != Outcome::Ready {
        return Err(format!("ready, but the attempt is {:?}", current.outcome));
    }
    for (behaviour, component) in script.components.iter().zip(&current.components) {
        let expected = match behaviour.task {
            Task::Linked => Progress::Ready,
            Task::NeverLinks => Progress::Failed,
            _ => continue,
        };
        let link = component.items.iter().find(|item| &*item.name == "link");
        let stopped = component.record.state == Progress::Failed;
        if !stopped && link.is_none_or(|link| link.state != expected) {
            return Err(format!("{behaviour:?} but {component:?}"));
        }
    }
    Ok(())
}

async fn end(
    control: Control<Up>,
    world: &World,
    supervisor: JoinHandle<()>,
    dropped: bool,
) -> Result<(), String> {
    let mut states = control.subscribe();
    if !dropped {
        control.shutdown().await;
    }
    drop(control);
    match timeout(QUIET, supervisor).await {
        Ok(Ok(())) => world_is_sound(world)?,
        other => return Err(format!("the supervisor did not end well: {other:?}")),
    }
    let last = states.borrow_and_update().clone();
    if matches!(last.state, State::Created) { Ok(()) } else { Err(format!("ended in {last:?}")) }
}
