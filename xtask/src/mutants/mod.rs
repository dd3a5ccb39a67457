//! `cargo xtask mutants`: tests of the tests.
//!
//! Each patch in `mutants/` is a bug that the suite has to catch. The sources are copied, each patch
//! is applied to the copy in turn, and the tests that its header names have to fail.

mod command;
mod patch;
mod sources;
mod suite;

pub(crate) use command::{Arguments, run};
