//! A plan whose components do what a script says, well or badly.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::sleep;

use super::world::{Guard, World};
use crate::lifecycle::{
    Bootstrap, BoxError, Component, Item, Limits, Options, Restart, Retry, StepCx, StepFailure,
    Steps,
};

pub(super) const NAMES: [&str; 4] = ["one", "two", "three", "four"];
/// The component that the runtime can do without.
pub(super) const TOLERATED: usize = 2;
pub(super) const LIMITS: Limits = Limits {
    cancel: Duration::from_millis(60),
    drain: Duration::from_millis(90),
    stop: Duration::from_secs(10),
    tasks: Duration::from_millis(80),
    abort: Duration::from_millis(20),
};
/// The error of a start that fails only because it is cancelled.
pub(super) const CUT_OFF: &str = "cut off";
pub(super) const START_LIMIT: Duration = Duration::from_millis(200);
pub(super) const STOP_LIMIT: Duration = Duration::from_millis(150);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    Succeed,
    Fail,
    Panic,
    Hang,
    /// Waits, yielding many times, and succeeds.
    Dawdle,
    /// Succeeds, but only because it was cancelled.
    SucceedWhenCancelled,
    /// Fails, but only because it was cancelled.
    FailWhenCancelled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    Succeed,
    Fail,
    Panic,
    Hang,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    None,
    /// Ends when it is told to.
    Obedient,
    /// Has to be aborted.
    Deaf,
    /// A critical task that ends by itself after that many milliseconds.
    Dies(u64, Start),
    /// A restarting task that is up until it is told to end.
    Linked,
    /// A restarting task that fails whenever it is run.
    NeverLinks,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Behaviour {
    pub(super) start: Start,
    pub(super) start_ms: u64,
    pub(super) stop: Stop,
    pub(super) stop_ms: u64,
    pub(super) task: Task,
}

/// What the plan itself does after its last component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quirk {
    None,
    Panics,
    /// Returns a runtime although a component was cancelled.
    Shrugs,
    /// Does not end, and does not look at its token.
    Hangs,
    GivesUp,
}

#[derive(Debug, Clone)]
pub(super) struct Generation {
    pub(super) components: [Behaviour; 4],
    pub(super) quirk: Quirk,
}

/// The plan. Its scripts are for the first attempts, then begin again.
pub(super) struct Scripted {
    pub(super) world: Arc<World>,
    pub(super) generations: Vec<Generation>,
}

/// The runtime of the scripted plan.
pub(super) struct Up {
    _alive: Guard,
}

struct Part<const N: usize, const FATAL: bool> {
    world: Arc<World>,
    behaviour: Behaviour,
}

#[derive(Clone)]
struct Handle {
    world: Arc<World>,
    attempt: u32,
    behaviour: Behaviour,
    item: Item,
}

impl Behaviour {
    /// Whether the start succeeds when nobody interferes.
    pub(super) fn starts(&self) -> bool {
        matches!(self.start, Start::Succeed | Start::Dawdle)
    }

    pub(super) fn dies(&self) -> bool {
        matches!(self.task, Task::Dies(..))
    }
}

impl Generation {
    /// Whether the attempt gets past its last component when nobody interferes.
    fn starts(&self) -> bool {
        let fatal = self.components.iter().enumerate().filter(|(n, _)| *n != TOLERATED);
        fatal.map(|(_, part)| part).all(Behaviour::starts)
    }

    fn dies(&self) -> bool {
        let started = self.components.iter().filter(|part| part.starts());
        started.into_iter().any(Behaviour::dies)
    }

    /// Whether it depends on the clock: the tolerated component fails, but its critical task may
    /// have died before.
    fn may_die(&self) -> bool {
        self.components[TOLERATED].dies()
    }

    pub(super) fn may_end_failed(&self) -> bool {
        self.ends_failed() || self.may_die()
    }

    /// Whether the attempt is bound to fail when nobody interferes.
    pub(super) fn ends_failed(&self) -> bool {
        !self.starts() || self.dies() || matches!(self.quirk, Quirk::Panics | Quirk::GivesUp)
    }

    pub(super) fn hangs(&self) -> bool {
        self.quirk == Quirk::Hangs
    }
}

impl Scripted {
    pub(super) fn script(&self, attempt: u32) -> &Generation {
        script(&self.generations, attempt)
    }
}

pub(super) fn script(generations: &[Generation], attempt: u32) -> &Generation {
    &generations[(attempt as usize - 1) % generations.len()]
}

impl Bootstrap for Scripted {
    type Runtime = Up;
    const COMPONENTS: &'static [&'static str] = &NAMES;

    async fn bootstrap(&self, steps: &mut Steps) -> Result<Up, StepFailure> {
        let script = self.script(steps.attempt).clone();
        let quirk = script.quirk;
        let started = self.start(steps, &script).await;
        match (quirk, started) {
            (Quirk::Shrugs, Err(StepFailure::Cancelled)) => {}
            (_, Err(failure)) => return Err(failure),
            (Quirk::Panics, _) => panic!("the plan panics"),
            (Quirk::Hangs, _) => pending().await,
            (Quirk::GivesUp, _) => return Err(StepFailure::Cancelled),
            _ => {}
        }
        Ok(Up { _alive: self.world.runtime() })
    }
}

impl Scripted {
    async fn start(&self, steps: &mut Steps, script: &Generation) -> Result<(), StepFailure> {
        let [one, two, three, four] = script.components;
        let world = || Arc::clone(&self.world);
        steps.start(Part::<0, true> { world: world(), behaviour: one }).await?;
        steps.start(Part::<1, true> { world: world(), behaviour: two }).await?;
        steps.start_tolerated(Part::<2, false> { world: world(), behaviour: three }).await?;
        steps.start(Part::<3, true> { world: world(), behaviour: four }).await?;
        Ok(())
    }
}

impl<const N: usize, const FATAL: bool> Component for Part<N, FATAL> {
    const NAME: &'static str = NAMES[N];
    const LIMIT: Duration = START_LIMIT;
    const STOP_LIMIT: Duration = STOP_LIMIT;
    const FATAL: bool = FATAL;
    type Handle = Handle;

    async fn start(self, cx: &StepCx) -> Result<Handle, BoxError> {
        let Self { world, behaviour } = self;
        let _starting = world.starting(cx.attempt);
        let item = cx.item("part");
        item.start();
        begin_task(&world, cx, behaviour.task);
        sleep(Duration::from_millis(behaviour.start_ms)).await;
        match behaviour.start {
            Start::Succeed => {}
            Start::Fail => return Err("the start fails".into()),
            Start::Panic => panic!("the start panics"),
            Start::Hang => pending().await,
            Start::Dawdle => {
                for _ in 0..20 {
                    sleep(Duration::from_millis(2)).await;
                }
            }
            Start::SucceedWhenCancelled => cx.token().cancelled().await,
            Start::FailWhenCancelled => {
                cx.token().cancelled().await;
                return Err(CUT_OFF.into());
            }
        }
        item.finish();
        world.started(cx.attempt, N);
        Ok(Handle { world, attempt: cx.attempt, behaviour, item })
    }

    async fn stop(handle: Handle) -> Result<(), BoxError> {
        let _stopping = handle.world.stopped(handle.attempt, N);
        sleep(Duration::from_millis(handle.behaviour.stop_ms)).await;
        match handle.behaviour.stop {
            Stop::Succeed => {
                handle.item.stop();
                Ok(())
            }
            Stop::Fail => Err("the stop fails".into()),
            Stop::Panic => panic!("the stop panics"),
            Stop::Hang => pending().await,
        }
    }
}

fn begin_task(world: &Arc<World>, cx: &StepCx, task: Task) {
    let (world, token, attempt) = (Arc::clone(world), cx.token().clone(), cx.attempt);
    let alive = world.task(attempt);
    match task {
        Task::None => drop(alive),
        Task::Obedient => cx.spawn("task", async move {
            let _alive = alive;
            token.cancelled().await;
        }),
        Task::Deaf => cx.spawn("task", async move {
            let _alive = alive;
            pending::<()>().await;
        }),
        Task::Dies(after, how) => cx.spawn_critical("task", async move {
            let _alive = alive;
            sleep(Duration::from_millis(after)).await;
            if !token.is_cancelled() {
                world.died(attempt);
            }
            match how {
                Start::Fail => Err("the task fails".into()),
                Start::Panic => panic!("the task panics"),
                _ => Ok(()),
            }
        }),
        Task::Linked | Task::NeverLinks => {
            let item = cx.item("link");
            let reported = item.clone();
            let restart = Restart {
                first: Duration::from_millis(5),
                cap: Duration::from_millis(20),
                budget: 4,
                healthy_after: Duration::from_secs(1),
            };
            cx.spawn_restarting(item, restart, move || {
                let (item, token) = (reported.clone(), token.clone());
                let alive = world.task(attempt);
                async move {
                    let _alive = alive;
                    sleep(Duration::from_millis(3)).await;
                    if task == Task::NeverLinks {
                        return Err("no link".into());
                    }
                    item.finish();
                    token.cancelled().await;
                    Ok(())
                }
            });
        }
    }
}

pub(super) fn generations() -> impl Strategy<Value = Vec<Generation>> {
    prop::collection::vec(generation(), 1..=3)
}

fn generation() -> impl Strategy<Value = Generation> {
    let quirk = prop_oneof![
        12 => Just(Quirk::None),
        1 => Just(Quirk::Panics),
        1 => Just(Quirk::Shrugs),
        1 => Just(Quirk::Hangs),
        1 => Just(Quirk::GivesUp),
    ];
    let components = [behaviour(), behaviour(), behaviour(), behaviour()];
    (components, quirk).prop_map(|(components, quirk)| Generation { components, quirk })
}

fn behaviour() -> impl Strategy<Value = Behaviour> {
    let start = prop_oneof![
        14 => Just(Start::Succeed),
        1 => Just(Start::Fail),
        1 => Just(Start::Panic),
        1 => Just(Start::Hang),
        2 => Just(Start::Dawdle),
        1 => Just(Start::SucceedWhenCancelled),
        1 => Just(Start::FailWhenCancelled),
    ];
    let stop = prop_oneof![
        6 => Just(Stop::Succeed),
        1 => Just(Stop::Fail),
        1 => Just(Stop::Panic),
        1 => Just(Stop::Hang),
    ];
    let death = prop_oneof![Just(Start::Succeed), Just(Start::Fail), Just(Start::Panic)];
    let task = prop_oneof![
        8 => Just(Task::None),
        2 => Just(Task::Obedient),
        1 => Just(Task::Deaf),
        1 => (0_u64..120, death).prop_map(|(after, how)| Task::Dies(after, how)),
        1 => Just(Task::Linked),
        1 => Just(Task::NeverLinks),
    ];
    (start, 0_u64..20, stop, 0_u64..20, task).prop_map(|(start, start_ms, stop, stop_ms, task)| {
        Behaviour { start, start_ms, stop, stop_ms, task }
    })
}

/// A component that does everything right.
pub(super) const GOOD: Behaviour = Behaviour {
    start: Start::Succeed,
    start_ms: 1,
    stop: Stop::Succeed,
    stop_ms: 1,
    task: Task::Obedient,
};

/// An attempt in which everything goes right.
/// The tests' limits, and a retry where one is wanted.
#[cfg_attr(
    not(feature = "faults"),
    expect(clippy::needless_update, reason = "with the feature there is one more field")
)]
pub(super) fn options(retry: Option<Retry>) -> Options {
    Options { limits: LIMITS, retry, ..Options::default() }
}

pub(super) const fn good() -> Generation {
    Generation { components: [GOOD; 4], quirk: Quirk::None }
}
