//! The process lane: a program of its own, which speaks JSON-RPC over its standard input and
//! output.
//!
//! | module | what it holds |
//! |---|---|
//! | `lane` | the plugin: started again when it has ended, after a pause |
//! | `connection` | one run of the program: calls in both directions |
//! | `program` | how it is started, and with which limits |
//! | `watch` | memory, processor time and number of processes, looked at from outside |
//!
//! This is no sandbox: the program may open files and connections as its user may. What it asks of
//! the gateway is granted or refused like everywhere; what it does by itself is not.

mod connection;
mod lane;
mod program;
mod watch;

pub(in crate::plugins) use lane::ProcessLane;
pub(in crate::plugins) use program::Program;
pub(in crate::plugins) use watch::Watch;
