//! What the runtime implements: a plan of components, and the ways a step can end.

use std::error::Error;
use std::time::Duration;

use super::context::StepCx;
use super::steps::Steps;

/// Any error of a component. The lifecycle only shows it.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// The second phase as a plan: it starts its components in order and returns the runtime.
pub trait Bootstrap: Send + Sync + 'static {
    /// What requests get while the state is ready.
    type Runtime: Send + Sync + 'static;

    /// The names of the components in the order of [`Bootstrap::bootstrap`]. The timeline lists
    /// them as pending before they start, and a fault for any other name is refused.
    const COMPONENTS: &'static [&'static str];

    /// Starts the components, each through [`Steps::start`] or [`Steps::start_tolerated`], and
    /// passes a [`StepFailure`] on with `?`. What started is stopped by the supervisor, never here.
    fn bootstrap(
        &self,
        steps: &mut Steps,
    ) -> impl Future<Output = Result<Self::Runtime, StepFailure>> + Send;
}

/// One part of the runtime that starts and stops as a whole.
pub trait Component: Send + 'static {
    /// The name in the timeline, the log, the metrics and the faults file.
    const NAME: &'static str;
    /// How long the start may take. A start that takes longer is dropped and has failed.
    const LIMIT: Duration = Duration::from_mins(1);
    /// How long the stop may take. A stop that takes longer is aborted, and clean-up goes on.
    const STOP_LIMIT: Duration = Duration::from_secs(10);
    /// Whether a failed start fails the bootstrap. A tolerated one is recorded and passed over.
    const FATAL: bool = true;
    /// What later components and the runtime hold of this one.
    type Handle: Clone + Send + 'static;

    /// Starts the component. It may do I/O; it spawns only through `cx`. The future is dropped when
    /// the bootstrap is cancelled or [`Component::LIMIT`] is over, and then must leave nothing
    /// behind (what it spawned through `cx` is ended for it).
    fn start(self, cx: &StepCx) -> impl Future<Output = Result<Self::Handle, BoxError>> + Send;

    /// Stops the component: called once, in reverse start order, only when the start succeeded.
    /// The token of the component's [`StepCx`] is cancelled by then.
    fn stop(handle: Self::Handle) -> impl Future<Output = Result<(), BoxError>> + Send;
}

/// Why a step, and with it the bootstrap, did not go on.
#[derive(Debug, thiserror::Error)]
pub enum StepFailure {
    /// Somebody asked the runtime to stop; not an error.
    #[error("the bootstrap was cancelled")]
    Cancelled,
    /// A component failed.
    #[error("component {component} failed")]
    Failed {
        /// Which one.
        component: &'static str,
        /// With what.
        #[source]
        source: BoxError,
    },
}

/// The failures that the lifecycle itself finds.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The time limit is over.
    #[error("took longer than its limit of {limit:?}")]
    TimedOut {
        /// The limit that was exceeded.
        limit: Duration,
    },
    /// The code panicked.
    #[error("panicked: {text}")]
    Panicked {
        /// What the panic said.
        text: String,
    },
    /// A critical task is gone while it was needed.
    #[error("the critical task {task} ended")]
    CriticalTaskEnded {
        /// The task's name.
        task: String,
        /// Its error, where it ended with one.
        #[source]
        source: Option<BoxError>,
    },
    /// The plan said that it was cancelled though nobody had asked.
    #[error("the bootstrap gave up without being asked to")]
    GaveUp,
}

/// The whole chain of an error as one text, without repeating what a wrapper already said.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let part = source.to_string();
        if !text.ends_with(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        next = source.source();
    }
    text
}
