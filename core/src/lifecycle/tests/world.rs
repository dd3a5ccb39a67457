//! What is alive in a test, and what must hold whenever a state is published.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::time::Instant;

use super::script::{CUT_OFF, LIMITS, NAMES, TOLERATED, Up};
use crate::lifecycle::records::{Outcome, Progress};
use crate::lifecycle::state::{Activity, State};
use crate::lifecycle::timeline::Timeline;

/// Everything that the scripted components report, and every rule that was broken.
#[derive(Default)]
pub(super) struct World {
    facts: Mutex<Facts>,
}

#[derive(Default)]
pub(super) struct Facts {
    /// Futures and values that exist, by attempt and kind.
    alive: BTreeMap<(u32, &'static str), u32>,
    /// By attempt: the components that have started, and those that were told to stop, in order.
    pub(super) started: BTreeMap<u32, Vec<usize>>,
    pub(super) stopped: BTreeMap<u32, Vec<usize>>,
    /// The attempts in which a critical task died.
    pub(super) dead: Vec<u32>,
    /// The last published state and when "stopping" was published.
    last: Option<State<Up>>,
    stopping_at: Option<Instant>,
    pub(super) published: Vec<String>,
    pub(super) broken: Vec<String>,
}

/// Something that is alive until it is dropped.
pub(super) struct Guard {
    world: Arc<World>,
    key: (u32, &'static str),
}

impl World {
    pub(super) fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap()
    }

    fn alive(self: &Arc<Self>, attempt: u32, kind: &'static str) -> Guard {
        *self.facts().alive.entry((attempt, kind)).or_default() += 1;
        Guard { world: Arc::clone(self), key: (attempt, kind) }
    }

    pub(super) fn starting(self: &Arc<Self>, attempt: u32) -> Guard {
        self.facts().one_generation(attempt);
        self.alive(attempt, "start")
    }

    pub(super) fn task(self: &Arc<Self>, attempt: u32) -> Guard {
        self.alive(attempt, "task")
    }

    pub(super) fn runtime(self: &Arc<Self>) -> Guard {
        self.alive(0, "runtime")
    }

    pub(super) fn lease(self: &Arc<Self>) -> Guard {
        self.alive(0, "lease")
    }

    pub(super) fn started(&self, attempt: u32, component: usize) {
        self.facts().started.entry(attempt).or_default().push(component);
    }

    pub(super) fn stopped(self: &Arc<Self>, attempt: u32, component: usize) -> Guard {
        let mut facts = self.facts();
        facts.stopped.entry(attempt).or_default().push(component);
        let early = facts.stopping_at.is_none_or(|at| at.elapsed() < LIMITS.drain);
        if early && facts.count(|(_, kind)| kind == "lease") > 0 {
            facts.broken.push(format!("{attempt}/{component} stopped under a request"));
        }
        drop(facts);
        self.alive(attempt, "stop")
    }

    pub(super) fn died(&self, attempt: u32) {
        self.facts().dead.push(attempt);
    }

    /// Called by the supervisor with every state that it publishes, at that very moment.
    pub(super) fn observe(&self, timeline: &Timeline, state: &State<Up>) {
        let mut facts = self.facts();
        facts.published.push(format!("{state:?}"));
        if let Some(last) = facts.last.replace(state.clone())
            && !is_legal(&last, state)
        {
            facts.broken.push(format!("{last:?} became {state:?}"));
        }
        let attempt = timeline.snapshot().current.as_ref().map_or(0, |current| current.attempt);
        match state {
            State::CoreReady(Activity::Stopping) => facts.stopping_at = Some(Instant::now()),
            State::CoreReady(Activity::Bootstrapping { .. }) => facts.nothing_runs(state),
            State::RuntimeReady(_) => facts.all_run(attempt),
            State::Created | State::CoreReady(Activity::Idle) | State::RuntimeFailed(_) => {
                facts.nothing_runs(state);
            }
        }
        facts.timeline_agrees(timeline, state);
    }
}

impl Facts {
    pub(super) fn count(&self, which: impl Fn((u32, &'static str)) -> bool) -> u32 {
        self.alive.iter().filter(|(key, _)| which(**key)).map(|(_, count)| count).sum()
    }

    fn one_generation(&mut self, attempt: u32) {
        if self.count(|(other, _)| other != 0 && other != attempt) > 0 {
            self.broken.push(format!("attempt {attempt} starts while an earlier one is alive"));
        }
    }

    /// Every component that started was stopped, once, in reverse order, and no future is left.
    fn nothing_runs(&mut self, state: &State<Up>) {
        if self.count(|(attempt, _)| attempt != 0) > 0 {
            let alive = self.alive.clone();
            self.broken.push(format!("{state:?} with something alive: {alive:?}"));
        }
        for (attempt, started) in &self.started {
            let reversed: Vec<_> = started.iter().rev().copied().collect();
            let stopped = self.stopped.get(attempt).cloned().unwrap_or_default();
            if reversed != stopped {
                let text = format!("{attempt}: started {started:?}, stopped {stopped:?}");
                self.broken.push(text);
            }
        }
        let leases = self.count(|(_, kind)| kind == "lease");
        if leases == 0 && self.count(|(_, kind)| kind == "runtime") > 0 {
            self.broken.push(format!("{state:?} and the runtime still exists"));
        }
    }

    /// Ready: every component that has to be up is up, and no critical task has died.
    fn all_run(&mut self, attempt: u32) {
        let started = self.started.get(&attempt).cloned().unwrap_or_default();
        let missing = (0..NAMES.len()).any(|n| n != TOLERATED && !started.contains(&n));
        if missing || self.stopped.contains_key(&attempt) {
            self.broken.push(format!("ready with only {started:?}"));
        }
        if self.dead.contains(&attempt) {
            self.broken.push("ready with a dead critical task".to_owned());
        }
    }

    /// The timeline tells the same story as the state and the components.
    fn timeline_agrees(&mut self, timeline: &Timeline, state: &State<Up>) {
        let history = timeline.snapshot();
        let Some(current) = &history.current else { return };
        let expected: &[Outcome] = match state {
            State::CoreReady(Activity::Bootstrapping { .. }) => &[Outcome::Running],
            State::RuntimeReady(_) => &[Outcome::Ready],
            State::RuntimeFailed(_) => &[Outcome::Failed],
            _ => &[Outcome::Failed, Outcome::Cancelled, Outcome::Stopped],
        };
        let stopping = matches!(state, State::CoreReady(Activity::Stopping));
        if !stopping && !expected.contains(&current.outcome) {
            self.broken.push(format!("{state:?} but the attempt is {:?}", current.outcome));
        }
        if let State::RuntimeFailed(failure) = state
            && (current.error.as_ref() != Some(&failure.message) || current.duration_ms.is_none())
        {
            self.broken.push(format!("the failure is {failure:?}, the attempt {current:?}"));
        }
        let at_rest = matches!(
            state,
            State::Created | State::CoreReady(Activity::Idle) | State::RuntimeFailed(_)
        );
        let started = self.started.get(&current.attempt).cloned().unwrap_or_default();
        for (n, component) in current.components.iter().enumerate() {
            let was_up = started.contains(&n);
            let state_now = component.record.state;
            let is_true = match state_now {
                Progress::Pending => !was_up && component.items.is_empty(),
                Progress::Ready => was_up && !at_rest,
                Progress::Starting => !was_up && !at_rest,
                Progress::Failed => !was_up && component.record.error.is_some(),
                Progress::Stopped => !at_rest || was_up == component.stop_ms.is_some(),
            };
            let items_rest = component
                .items
                .iter()
                .all(|item| !matches!(item.state, Progress::Starting | Progress::Ready));
            if component.record.error.as_deref() == Some(CUT_OFF) {
                self.broken.push(format!("an error on the way down is a failure: {component:?}"));
            }
            if !is_true || (at_rest && !items_rest) {
                self.broken.push(format!("{state:?}, was up: {was_up}, but {component:?}"));
            }
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut facts = self.world.facts();
        if let Some(count) = facts.alive.get_mut(&self.key) {
            *count -= 1;
        }
    }
}

/// The table of the lifecycle essay.
fn is_legal(from: &State<Up>, to: &State<Up>) -> bool {
    use Activity::{Bootstrapping, Idle, Stopping};
    match (from, to) {
        (
            State::CoreReady(Idle) | State::RuntimeFailed(_),
            State::CoreReady(Bootstrapping { .. }) | State::Created,
        )
        | (State::RuntimeFailed(_), State::CoreReady(Idle))
        | (
            State::CoreReady(Bootstrapping { .. }),
            State::RuntimeReady(_) | State::CoreReady(Stopping),
        )
        | (State::RuntimeReady(_), State::CoreReady(Stopping)) => true,
        (State::CoreReady(Stopping), to) => {
            !matches!(to, State::RuntimeReady(_) | State::CoreReady(Stopping))
        }
        _ => false,
    }
}
