//! The runtime of Firstlight: the second phase, everything that may fail after the core is up.
//!
//! | module | what it holds |
//! |---|---|
//! | `addresses` | which addresses a stranger may make the gateway connect to |
//! | `child_process` | programs that the gateway starts, and never leaves behind |
//! | [`http_client`] | the one builder of HTTP clients |
//! | [`pipeline`] | what happens to a message between the inbox and the answer |
//! | [`platforms`] | where messages come from and answers go to; the web chat |
//! | [`mcp`] | servers that offer tools |
//! | [`tools`] | all tools that there are, and which are switched off |
//! | [`metadata`] | what is known about models |
//! | [`plugins`] | what is compiled in, what is loaded, what failed |
//! | [`providers`] | language models: the trait, the adapters, the registry |
//! | `senders` | the outbox's consumers: one for each platform instance |
//! | `turns` | the inbox's consumer: a turn for each message, committed as a whole |
//! | `plan` | the order in which all of this starts |

#![deny(unsafe_code)]

mod addresses;
mod child_process;
mod hooks;
pub mod http_client;
pub mod mcp;
pub mod metadata;
pub mod pipeline;
mod plan;
pub mod platforms;
pub mod plugins;
pub mod providers;
mod runtime;
mod senders;
pub mod tools;
mod turns;

pub use firstlight_plugins_api as plugins_api;
pub use plan::{Foundation, Plan};
pub use runtime::Runtime;
pub use turns::LiveTurns;
