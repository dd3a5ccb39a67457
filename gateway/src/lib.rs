//! The gateway: HTTP, web sockets and the composition root of the `firstlight` binary.
//!
//! | module | what it holds |
//! |---|---|
//! | [`http`] | the machinery: table, guard, errors |
//! | [`routes`] | the rows, read alone the whole HTTP surface |
//! | [`api`] | the handlers |
//! | [`server`] | the listener that stays |
//! | [`auth`] | log-ins and API keys |
//! | [`dead_letters`] | what can be done with messages that were put aside |
//! | [`app`] | what handlers can reach |
//! | [`logs`] | the log of the process, and its feed for the dashboard |
//! | [`exit`] | exit codes, and the error that a command ends with |
//! | [`assets`] | the embedded page |
//! | [`metrics`] | the counters of the process |
//! | [`files`] | one-time links to files |
//! | [`process`] | what the process costs |
//! | [`gateway`] | the composition root: [`Gateway`] and its builder |
//!
//! A gateway with plugins of its own is a crate that depends on this one; see [`gateway`].

#![forbid(unsafe_code)]

pub mod api;
pub mod app;
pub mod assets;
pub mod auth;
mod cli;
mod control;
mod core_phase;
pub mod dead_letters;
pub mod exit;
pub mod files;
pub mod gateway;
pub mod http;
mod known_good;
mod listen;
pub mod logs;
pub mod metrics;
mod plugins_control;
mod problems;
pub mod process;
pub mod routes;
mod running;
pub mod server;
mod signals;
mod terminal;
#[cfg(test)]
mod testing;

pub use exit::{Exit, Problem};
pub use firstlight_core as core;
pub use firstlight_runtime as runtime;
pub use firstlight_runtime::plugins_api;
pub use gateway::{Builder, Gateway};
pub use logs::Logs;

/// The runtime that the lifecycle holds while it is ready.
pub(crate) type Rt = firstlight_runtime::Runtime;
