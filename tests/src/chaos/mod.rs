//! The proof that nothing is lost: messages through the real binary, which is killed all the time.
//!
//! [`run`] starts the binary on a folder, a fake model and a fake OneBot implementation, says messages
//! in many conversations, and kills the process: with `kill -9` at random moments, or at the named
//! steps of a message's way. Each time it starts the binary again on the same folder. In the end it
//! compares what was said, what the database says, and what the far side has seen.
//!
//! Each message carries a mark, which the model repeats, so that the comparison is exact.

mod accounting;
mod evidence;
mod mark;
mod plan;
mod progress;
mod report;
mod run;
mod traffic;
mod world;

pub use accounting::Figures;
pub use plan::{Kill, Plan, Transport};
pub use report::{json, table};
pub use run::{Outcome, run};
