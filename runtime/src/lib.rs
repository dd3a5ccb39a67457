//! The runtime of Firstlight: the second phase, everything that may fail after the core is up.
//!
//! | module | what it holds |
//! |---|---|
//! | [`http_client`] | the one builder of HTTP clients |
//! | [`providers`] | language models: the trait, the adapters, the registry |

#![forbid(unsafe_code)]

pub mod http_client;
pub mod providers;

/// The running second phase.
pub struct Runtime;
