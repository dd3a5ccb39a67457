//! What everybody else holds: commands to the supervisor, and a view on its state.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::component::Bootstrap;
use super::publish::Publisher;
use super::state::{Activity, Snapshot, State};
use super::supervisor::Supervisor;
use super::timeline::Timeline;
#[cfg(feature = "faults")]
use crate::faults::Faults;

/// How the supervisor treats what it supervises.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The deadlines of the way down.
    pub limits: Limits,
    /// Automatic retry after a failure. Off unless set; a retry by hand is always there.
    pub retry: Option<Retry>,
    /// Injected faults, for tests.
    #[cfg(feature = "faults")]
    pub faults: Option<Faults>,
}

/// The deadlines of the way down.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long a cancelled bootstrap may take to end before it is aborted.
    pub cancel: Duration,
    /// How long requests and streams may hold the runtime after they were told that it goes away.
    pub drain: Duration,
    /// How long a component may take to stop, where its own `Component::STOP_LIMIT` is not shorter.
    pub stop: Duration,
    /// How long background tasks may take to end, after their components have stopped.
    pub tasks: Duration,
    /// How long an aborted task may take to be gone; after that it is reported as unclean.
    pub abort: Duration,
}

/// Automatic retry: waits that double from `first` to `cap`, for ever.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// The wait after the first failure.
    pub first: Duration,
    /// The longest wait.
    pub cap: Duration,
}

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Something begins. [`Control::settled`] with this generation waits for its outcome.
    Began {
        /// The snapshot with which it begins.
        generation: u64,
    },
    /// It is so already, or is on its way.
    Already {
        /// The snapshot in which it is.
        generation: u64,
    },
    /// The process is going down; nothing begins any more.
    Ending,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    Start,
    Stop,
    Restart,
    Shutdown,
}

pub(super) struct Request {
    pub(super) command: Command,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// A handle on the supervisor. Cheap to clone; the last one dropped is a shutdown.
pub struct Control<R> {
    requests: mpsc::Sender<Request>,
    snapshots: watch::Receiver<Snapshot<R>>,
    timeline: Timeline,
}

/// Starts the supervisor of a plan, in `core_ready` (idle). Call it on the main tokio runtime:
/// everything of the plan will run there. Nothing is bootstrapped before [`Control::start`].
pub fn supervise<B: Bootstrap>(plan: B, options: Options) -> Control<B::Runtime> {
    let publisher = Publisher::new(State::CoreReady(Activity::Idle));
    let (control, supervisor) = assemble(plan, options, publisher, Timeline::new());
    #[expect(clippy::disallowed_methods, reason = "the supervisor is the owner of all the others")]
    tokio::spawn(supervisor.run());
    control
}

fn assemble<B: Bootstrap>(
    plan: B,
    options: Options,
    publisher: Publisher<B::Runtime>,
    timeline: Timeline,
) -> (Control<B::Runtime>, Supervisor<B>) {
    let (requests, inbox) = mpsc::channel(16);
    let snapshots = publisher.subscribe();
    let control = Control { requests, snapshots, timeline: timeline.clone() };
    (control, Supervisor::new(plan, options, publisher, timeline, inbox))
}

/// As [`supervise`], with an observer that is called in the moment of each publication (a watch
/// shows only the newest) and the supervisor's own task to await.
#[cfg(test)]
pub(super) fn supervise_observed<B: Bootstrap>(
    plan: B,
    options: Options,
    observer: impl Fn(&Timeline, &State<B::Runtime>) + Send + Sync + 'static,
) -> (Control<B::Runtime>, tokio::task::JoinHandle<()>) {
    let timeline = Timeline::new();
    let mut publisher = Publisher::new(State::CoreReady(Activity::Idle));
    let history = timeline.clone();
    publisher.observer = Some(Box::new(move |state| observer(&history, state)));
    let (control, supervisor) = assemble(plan, options, publisher, timeline);
    #[expect(clippy::disallowed_methods, reason = "the test awaits it")]
    let task = tokio::spawn(supervisor.run());
    (control, task)
}

impl<R> Control<R> {
    /// A receiver of every published state. It never waits for a component.
    pub fn subscribe(&self) -> watch::Receiver<Snapshot<R>> {
        self.snapshots.clone()
    }

    /// The state now.
    pub fn snapshot(&self) -> Snapshot<R> {
        self.snapshots.borrow().clone()
    }

    /// The record of the attempts.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// Begins a bootstrap when the runtime is idle or failed, or once it has stopped.
    pub async fn start(&self) -> Answer {
        self.send(Command::Start).await
    }

    /// Begins a bootstrap after a failure. From idle it is a start.
    pub async fn retry(&self) -> Answer {
        self.send(Command::Start).await
    }

    /// Takes the runtime down to `core_ready` (idle), or clears a recorded failure.
    pub async fn stop(&self) -> Answer {
        self.send(Command::Stop).await
    }

    /// Takes the runtime down, where it is up or on its way, and begins a bootstrap.
    pub async fn restart(&self) -> Answer {
        self.send(Command::Restart).await
    }

    /// Takes the runtime down to `created` and ends the supervisor.
    pub async fn shutdown(&self) -> Answer {
        self.send(Command::Shutdown).await
    }

    /// Waits for the first settled state (ready, failed, idle or ended) that is not older than
    /// `generation`, which is what an [`Answer`] named.
    pub async fn settled(&self, generation: u64) -> Snapshot<R> {
        let mut snapshots = self.snapshots.clone();
        let settled = |snapshot: &Snapshot<R>| {
            snapshot.generation >= generation && snapshot.state.is_settled()
        };
        match snapshots.wait_for(settled).await {
            Ok(snapshot) => snapshot.clone(),
            // The supervisor is gone; its last word stands.
            Err(_) => self.snapshot(),
        }
    }

    async fn send(&self, command: Command) -> Answer {
        let (answer, answered) = oneshot::channel();
        if self.requests.send(Request { command, answer }).await.is_err() {
            return self.ended(command);
        }
        answered.await.unwrap_or_else(|_| self.ended(command))
    }

    fn ended(&self, command: Command) -> Answer {
        match command {
            Command::Stop | Command::Shutdown => {
                Answer::Already { generation: self.snapshots.borrow().generation }
            }
            Command::Start | Command::Restart => Answer::Ending,
        }
    }
}

impl Answer {
    /// The generation to wait from, where there is one.
    pub fn generation(self) -> Option<u64> {
        match self {
            Answer::Began { generation } | Answer::Already { generation } => Some(generation),
            Answer::Ending => None,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cancel: Duration::from_secs(5),
            drain: Duration::from_secs(10),
            stop: Duration::from_secs(10),
            tasks: Duration::from_secs(10),
            abort: Duration::from_secs(2),
        }
    }
}

impl<R> Clone for Control<R> {
    fn clone(&self) -> Self {
        Self {
            requests: self.requests.clone(),
            snapshots: self.snapshots.clone(),
            timeline: self.timeline.clone(),
        }
    }
}
