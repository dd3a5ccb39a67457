//! The two-phase lifecycle: one state, one owner.

mod state;

pub use state::{Activity, Failure, Lease, Live, Snapshot, State};
