//! The owner of the runtime: one task that takes all commands and makes all transitions.

use std::pin::pin;
use std::sync::{Arc, Weak};

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::component::{Bootstrap, StepError, StepFailure, chain};
use super::control::{Command, Options, Request};
use super::publish::Publisher;
use super::records::Outcome;
use super::state::{Failure, Live, State};
use super::steps::{Stack, Steps};
use super::tasks::{Tasks, panic_text};
use super::timeline::Timeline;
use super::transitions::Goal;
use super::unwind::Remains;

pub(super) struct Supervisor<B: Bootstrap> {
    pub(super) plan: Arc<B>,
    pub(super) options: Options,
    pub(super) publisher: Publisher<B::Runtime>,
    pub(super) timeline: Timeline,
    pub(super) requests: mpsc::Receiver<Request>,
    pub(super) goal: Goal,
    /// Counts the attempts.
    pub(super) attempt: u32,
    /// Counts the failures in a row, since one asked by hand or the runtime was up for long.
    pub(super) failures: u32,
    pub(super) retry_at: Option<Instant>,
}

/// One run of the plan: the task, and all that may have to be cleared away after it.
struct Generation<R> {
    /// `None` once its outcome has been taken.
    bootstrap: Option<JoinHandle<Result<R, StepFailure>>>,
    died: mpsc::Receiver<StepFailure>,
    token: CancellationToken,
    tasks: Tasks,
    stack: Stack,
    leases: TaskTracker,
    /// Tells at the end whether somebody still holds the runtime.
    runtime: Weak<R>,
}

type Bootstrapped<R> = Result<Result<R, StepFailure>, JoinError>;

impl<B: Bootstrap> Supervisor<B> {
    pub(super) fn new(
        plan: B,
        options: Options,
        publisher: Publisher<B::Runtime>,
        timeline: Timeline,
        requests: mpsc::Receiver<Request>,
    ) -> Self {
        Self {
            plan: Arc::new(plan),
            options,
            publisher,
            timeline,
            requests,
            goal: Goal::Idle,
            attempt: 0,
            failures: 0,
            retry_at: None,
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            match self.goal {
                Goal::Up => self.generation().await,
                Goal::Idle | Goal::Failed => self.rest().await,
                Goal::Ended => break,
            }
        }
    }

    /// Nothing runs: waits for a command, or for the time of an automatic retry.
    async fn rest(&mut self) {
        let retry_at = self.retry_at;
        let retry = async {
            match retry_at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            request = self.next_request() => self.answer(request),
            () = retry => {
                self.begin_attempt();
            }
        }
    }

    /// One attempt, from its first step until nothing of it runs any more.
    async fn generation(&mut self) {
        let mut generation = self.spawn_bootstrap();
        let mut failure = self.until_ready(&mut generation).await;
        if failure.is_none() && !self.is_stopping() {
            failure = self.while_ready(&mut generation.died).await;
        }
        if let Some(failure) = &failure {
            self.goal = Goal::Failed;
            let error = Some(failure.message.clone());
            self.timeline.outcome(self.attempt, Outcome::Failed, error);
            self.publish_stopping();
        }
        let unclean = self.clear_away(generation).await;
        self.settle(failure, unclean);
    }

    fn spawn_bootstrap(&self) -> Generation<B::Runtime> {
        let (token, tasks, stack) = (CancellationToken::new(), Tasks::new(), Stack::default());
        let (death, died) = mpsc::channel(1);
        let mut steps = Steps {
            attempt: self.attempt,
            token: token.clone(),
            tasks: tasks.clone(),
            died: death,
            timeline: self.timeline.clone(),
            stack: stack.clone(),
            current: self.publisher.namer(self.attempt),
            #[cfg(feature = "faults")]
            faults: self.options.faults.clone(),
        };
        let plan = Arc::clone(&self.plan);
        // A task of its own: a plan that blocks its thread does not block the answers of this one.
        #[expect(clippy::disallowed_methods, reason = "this handle is awaited by the supervisor")]
        let bootstrap = tokio::spawn(async move { plan.bootstrap(&mut steps).await });
        let (bootstrap, leases, runtime) = (Some(bootstrap), TaskTracker::new(), Weak::new());
        Generation { bootstrap, died, token, tasks, stack, leases, runtime }
    }

    /// Waits for the bootstrap. Afterwards the runtime is published, or there is a failure, or a
    /// command has made the state "stopping".
    async fn until_ready(&mut self, generation: &mut Generation<B::Runtime>) -> Option<Failure> {
        loop {
            tokio::select! {
                biased;
                request = self.next_request() => {
                    self.answer(request);
                    if self.is_stopping() {
                        self.timeline.outcome(self.attempt, Outcome::Cancelled, None);
                        return None;
                    }
                }
                Some(death) = generation.died.recv() => return Some(self.failure(death)),
                ended = joined(&mut generation.bootstrap) => return self.judge(ended, generation),
            }
        }
    }

    /// The outcome of the bootstrap, and nothing else, decides between ready and failed.
    fn judge(
        &mut self,
        ended: Bootstrapped<B::Runtime>,
        generation: &mut Generation<B::Runtime>,
    ) -> Option<Failure> {
        let runtime = match ended {
            Ok(Ok(runtime)) => runtime,
            Ok(Err(StepFailure::Cancelled)) => {
                return Some(self.failure(bootstrap_failed(StepError::GaveUp)));
            }
            Ok(Err(failed)) => return Some(self.failure(failed)),
            Err(error) => return Some(self.failure(bootstrap_failed(broken(error)))),
        };
        if let Ok(death) = generation.died.try_recv() {
            return Some(self.failure(death));
        }
        self.timeline.outcome(self.attempt, Outcome::Ready, None);
        let runtime = Arc::new(runtime);
        generation.runtime = Arc::downgrade(&runtime);
        let live = Live::new(runtime, generation.token.clone(), generation.leases.clone());
        self.publisher.publish(State::RuntimeReady(live));
        None
    }

    async fn while_ready(&mut self, died: &mut mpsc::Receiver<StepFailure>) -> Option<Failure> {
        let since = Instant::now();
        while !self.is_stopping() {
            tokio::select! {
                biased;
                request = self.next_request() => self.answer(request),
                Some(death) = died.recv() => {
                    // A runtime that was up for long did not fail in a row with those before.
                    if self.options.retry.is_some_and(|retry| since.elapsed() >= retry.cap) {
                        self.failures = 0;
                    }
                    return Some(self.failure(death));
                }
            }
        }
        self.timeline.outcome(self.attempt, Outcome::Stopped, None);
        None
    }

    /// Ends the bootstrap where it still runs, then all that it started. Commands are answered
    /// meanwhile. Answers what could not be ended.
    async fn clear_away(&mut self, generation: Generation<B::Runtime>) -> Vec<String> {
        let Generation { bootstrap, token, tasks, stack, leases, runtime, .. } = generation;
        let (attempt, limits) = (self.attempt, self.options.limits);
        let timeline = self.timeline.clone();
        let remains = Remains { attempt, limits, timeline, bootstrap, token, tasks, stack, leases };
        let mut unwinding = pin!(remains.unwind());
        loop {
            tokio::select! {
                biased;
                request = self.next_request() => self.answer(request),
                unclean = &mut unwinding => {
                    let holders = runtime.strong_count();
                    if holders > 0 {
                        tracing::warn!(holders, "the runtime is down, but somebody still holds it");
                    }
                    return unclean;
                }
            }
        }
    }

    /// The next command. That nobody holds a `Control` any more is a shutdown, said once.
    async fn next_request(&mut self) -> Option<Request> {
        let request = self.requests.recv().await;
        if request.is_none() && self.goal == Goal::Ended {
            return std::future::pending().await;
        }
        request
    }

    /// Takes one command. What it begins is published before it is answered, so whoever has the
    /// answer sees no older state.
    fn answer(&mut self, request: Option<Request>) {
        let command = request.as_ref().map_or(Command::Shutdown, |request| request.command);
        let answer = self.accept(command);
        tracing::debug!(?command, ?answer, "lifecycle command");
        if let Some(request) = request {
            // A caller that has gone away does not take its command with it.
            let _ = request.answer.send(answer);
        }
    }

    fn failure(&self, failed: StepFailure) -> Failure {
        let (component, message) = match failed {
            StepFailure::Failed { component, source } => (component, chain(source.as_ref())),
            StepFailure::Cancelled => ("bootstrap", chain(&failed)),
        };
        let attempt = self.attempt;
        Failure { component, message, attempt, at: Timestamp::now(), retry_at: None }
    }
}

/// The outcome of the bootstrap task, and its handle put away: a handle that has answered panics
/// when it is asked again.
async fn joined<T>(task: &mut Option<JoinHandle<T>>) -> Result<T, JoinError> {
    let Some(handle) = task else { return std::future::pending().await };
    let ended = handle.await;
    *task = None;
    ended
}

fn broken(error: JoinError) -> StepError {
    let text = match error.try_into_panic() {
        Ok(panic) => panic_text(panic.as_ref()),
        Err(cancelled) => cancelled.to_string(),
    };
    StepError::Panicked { text }
}

fn bootstrap_failed(error: StepError) -> StepFailure {
    StepFailure::Failed { component: "bootstrap", source: error.into() }
}
