//! The two-phase lifecycle: one state, one owner.

mod background;
mod component;
mod context;
mod control;
mod publish;
mod records;
mod state;
mod steps;
mod supervisor;
mod tasks;
#[cfg(test)]
mod tests;
mod timeline;
mod transitions;
mod unwind;

pub use background::Background;
pub use component::{Bootstrap, BoxError, Component, StepError, StepFailure};
pub use context::{Restart, StepCx};
pub use control::{Answer, Control, Limits, Options, Retry, supervise};
pub use records::{Attempt, ComponentRecord, History, Outcome, Progress, Record};
pub use state::{Activity, Failure, Lease, Live, Snapshot, State};
pub use steps::Steps;
pub use timeline::{Item, Timeline};
