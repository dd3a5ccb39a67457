//! The runtime of Firstlight: the second phase, everything that may fail after the core is up.
//!
//! | module | what it holds |
//! |---|---|
//! | [`http_client`] | the one builder of HTTP clients |
//! | [`plugins`] | what is compiled in, what is loaded, what failed |
//! | [`providers`] | language models: the trait, the adapters, the registry |

#![forbid(unsafe_code)]

mod hooks;
pub mod http_client;
mod plan;
pub mod plugins;
pub mod providers;
mod runtime;

pub use firstlight_plugins_api as plugins_api;
pub use plan::Plan;
pub use runtime::Runtime;
