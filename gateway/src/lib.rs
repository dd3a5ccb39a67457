//! The gateway: HTTP, web sockets and the composition root of the `firstlight` binary.
//!
//! | module | what it holds |
//! |---|---|
//! | [`http`] | the machinery: table, guard, errors |
//! | [`routes`] | the rows, read alone the whole HTTP surface |
//! | [`api`] | the handlers |
//! | [`auth`] | log-ins and API keys |
//! | [`app`] | what handlers can reach |

#![forbid(unsafe_code)]

pub mod api;
pub mod app;
pub mod auth;
pub mod http;
pub mod routes;

/// The runtime that the lifecycle holds while it is ready.
pub(crate) type Rt = firstlight_runtime::Runtime;
