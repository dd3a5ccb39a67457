//! The handlers, one file per domain. They are thin: take, call one function of the runtime or of
//! the core, translate the result.

pub mod apikey;
pub mod auth;
mod errors;
pub mod page;
pub mod sessions;
pub mod times;
