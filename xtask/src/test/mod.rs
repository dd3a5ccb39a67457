//! `cargo xtask test`: every check of the project, in the order in which they are cheapest.
//!
//! CI calls exactly this, so a laptop and CI cannot disagree. A stage that lacks its tool is
//! skipped and says so; nothing else is ever skipped.

mod browser;
mod generated;
mod run;
mod stage;

pub(crate) use run::{Arguments, run};
