//! The two-phase lifecycle: one state, one owner.

mod background;
mod component;
mod context;
mod control;
mod publish;
mod state;
mod steps;
mod supervisor;
mod tasks;
#[cfg(test)]
mod tests;
mod timeline;
mod unwind;

pub use background::Background;
pub use component::{Bootstrap, BoxError, Component, StepError, StepFailure};
pub use context::{Restart, StepCx};
pub use control::{Answer, Control, Limits, Options, Retry, supervise};
pub use state::{Activity, Failure, Lease, Live, Snapshot, State};
pub use steps::Steps;
pub use timeline::{Attempt, ComponentRecord, History, Item, Outcome, Progress, Record, Timeline};
