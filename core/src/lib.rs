//! The core of Firstlight: everything that is up before anything can fail.
//!
//! | module | what it holds |
//! |---|---|
//! | [`bus`] | the durable inbox and outbox |
//! | [`config`] | bot configuration: revisioned documents, secrets, snapshots |
//! | [`db`] | the embedded database, its writer, its repositories |
//! | [`failpoint`] | the steps of a message or a plugin at which a test ends the process |
//! | [`lifecycle`] | the state machine of the second phase, and the supervisor that owns it |
//! | [`messages`] | what the gateway says to people, in English and Chinese |
//! | [`model`] | session keys, message components, events: what a message is |
//! | [`settings`] | process settings from file, environment and flags; the data folder's lock |
//!
//! Core knows no runtime (plugins, providers, platforms) and no HTTP.

#![forbid(unsafe_code)]

pub mod bus;
pub mod config;
pub mod db;
pub mod failpoint;
#[cfg(feature = "faults")]
pub mod faults;
pub mod lifecycle;
pub mod messages;
pub mod model;
pub mod settings;
