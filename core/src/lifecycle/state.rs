//! The one stored truth about the process, and what hangs on it.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// Where the process stands. Every flag (`ready`, `failed`, …) is computed from this value.
///
/// Invariant: `Created`, `CoreReady(Idle)` and `RuntimeFailed` are only published when nothing of
/// the runtime is running any more, so that a retry always starts clean.
pub enum State<R> {
    /// The core is not initialised, or everything has been shut down.
    Created,
    /// The core phase is done; the runtime is idle, on its way up or on its way down.
    CoreReady(Activity),
    /// Everything a request may need is there. Ready and the runtime are the same fact.
    RuntimeReady(Live<R>),
    /// The last bootstrap ended in an error and has been cleaned up.
    RuntimeFailed(Arc<Failure>),
}

/// What goes on while the state is [`State::CoreReady`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Nothing runs: never started, or stopped by the operator.
    Idle,
    /// The bootstrap is running.
    Bootstrapping {
        /// Counts the attempts since the process started, from 1.
        attempt: u32,
        /// The component that is starting, once one is.
        component: Option<&'static str>,
    },
    /// The runtime is being taken down.
    Stopping,
}

/// Why the last bootstrap, or the running runtime, ended.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The component that failed, by its name in the timeline.
    pub component: &'static str,
    /// The whole error chain as one text. For logged-in callers only: it may name hosts and paths.
    pub message: String,
    /// Which attempt this was.
    pub attempt: u32,
    /// When it failed.
    pub at: Timestamp,
    /// When the next automatic attempt begins, where automatic retry is configured.
    pub retry_at: Option<Timestamp>,
}

/// One published state, with its number and its time.
pub struct Snapshot<R> {
    /// Counts the publications: it grows by one with each, so that "after generation N" is exact.
    pub generation: u64,
    /// When it was published.
    pub at: Timestamp,
    /// The state itself.
    pub state: State<R>,
    /// What of the last attempt could be neither stopped nor aborted in time, and may still run.
    pub unclean: Arc<[String]>,
}

/// The running runtime as requests see it. It exists only inside [`State::RuntimeReady`].
pub struct Live<R> {
    runtime: Arc<R>,
    gone: CancellationToken,
    leases: TaskTracker,
}

/// A request's hold on one runtime: it keeps clean-up waiting (up to the drain deadline) and tells
/// when the runtime goes away. Long replies select on [`Lease::gone`].
pub struct Lease<R> {
    runtime: Arc<R>,
    gone: CancellationToken,
    _held: TaskTrackerToken,
}

impl<R> State<R> {
    /// Whether nothing is on its way: ready, failed, idle or ended.
    pub fn is_settled(&self) -> bool {
        !matches!(self, State::CoreReady(Activity::Bootstrapping { .. } | Activity::Stopping))
    }

    /// The wire name: `created`, `core_ready`, `runtime_ready` or `runtime_failed`.
    pub fn name(&self) -> &'static str {
        match self {
            State::Created => "created",
            State::CoreReady(_) => "core_ready",
            State::RuntimeReady(_) => "runtime_ready",
            State::RuntimeFailed(_) => "runtime_failed",
        }
    }

    /// The live runtime, when there is one.
    pub fn live(&self) -> Option<&Live<R>> {
        match self {
            State::RuntimeReady(live) => Some(live),
            _ => None,
        }
    }

    /// The recorded failure, when the state is a failure.
    pub fn failure(&self) -> Option<&Arc<Failure>> {
        match self {
            State::RuntimeFailed(failure) => Some(failure),
            _ => None,
        }
    }
}

impl<R> Live<R> {
    pub(super) fn new(runtime: Arc<R>, gone: CancellationToken, leases: TaskTracker) -> Self {
        Self { runtime, gone, leases }
    }

    /// Takes a hold on the runtime for the length of a request or a stream.
    ///
    /// Clean-up waits for a lease that was taken before [`Lease::is_gone`] turned true, so a caller
    /// that asks once after taking it never calls into a stopped component.
    pub fn lease(&self) -> Lease<R> {
        Lease {
            runtime: Arc::clone(&self.runtime),
            gone: self.gone.clone(),
            _held: self.leases.token(),
        }
    }
}

impl<R> Lease<R> {
    /// Completes when the runtime begins to go away (stop, restart, failure, shutdown).
    pub async fn gone(&self) {
        self.gone.cancelled().await;
    }

    /// Whether the runtime has begun to go away.
    pub fn is_gone(&self) -> bool {
        self.gone.is_cancelled()
    }

    /// The runtime itself, for code that outlives the borrow.
    pub fn runtime(&self) -> &Arc<R> {
        &self.runtime
    }
}

impl<R> Deref for Lease<R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.runtime
    }
}

impl<R> Clone for Live<R> {
    fn clone(&self) -> Self {
        Self {
            runtime: Arc::clone(&self.runtime),
            gone: self.gone.clone(),
            leases: self.leases.clone(),
        }
    }
}

impl<R> Clone for State<R> {
    fn clone(&self) -> Self {
        match self {
            State::Created => State::Created,
            State::CoreReady(activity) => State::CoreReady(*activity),
            State::RuntimeReady(live) => State::RuntimeReady(live.clone()),
            State::RuntimeFailed(failure) => State::RuntimeFailed(Arc::clone(failure)),
        }
    }
}

impl<R> Clone for Snapshot<R> {
    fn clone(&self) -> Self {
        Self {
            generation: self.generation,
            at: self.at,
            state: self.state.clone(),
            unclean: Arc::clone(&self.unclean),
        }
    }
}

impl<R> fmt::Debug for State<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            State::CoreReady(activity) => write!(f, "core_ready({activity:?})"),
            State::RuntimeFailed(failure) => write!(f, "runtime_failed({})", failure.component),
            other => f.write_str(other.name()),
        }
    }
}

impl<R> fmt::Debug for Snapshot<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} {:?}", self.generation, self.state)
    }
}
