//! `cargo xtask bench`: what the gateway costs over a bare server.
//!
//! Both sides are measured in turns in the same run, so that the ratio means something where the
//! absolute figure depends on the machine.

mod client;
mod command;
mod figures;
mod http;
mod messages;
mod plugins;
mod server;
mod startup;
mod stops;

pub(crate) use command::{Arguments, run};
