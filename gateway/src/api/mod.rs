//! The handlers, one file per domain. They are thin: take, call one function of the runtime or of
//! the core, translate the result.

pub mod apikey;
pub mod auth;
pub mod chat;
pub mod commands;
pub mod config;
pub mod conversations;
pub mod dead_letters;
pub mod docs;
mod errors;
pub mod im;
pub mod logs;
pub mod metrics;
pub mod open;
pub mod page;
pub mod personas;
pub mod platform;
pub mod plug;
pub mod plugin;
pub mod routing;
pub mod runtime;
pub mod session_rules;
pub mod sessions;
pub mod shapes;
pub mod stat;
pub mod times;
pub mod tools;
