//! The component lane: WebAssembly in a sandbox.
//!
//! | module | what it holds |
//! |---|---|
//! | `engine` | the one engine of the process and its limits |
//! | `ticker` | the clock by which a guest that runs on is interrupted |
//! | `components` | what all components share |
//! | `code` | from a file to code: encoding, compiling in a child process, the cache |
//! | `mapped` | the one place that trusts compiled code |
//! | `instance` | one instance: its memory bound, its call |
//! | `pool` | the instances of one plugin |
//!
//! Guests run on threads of their own, so that one that spins takes no time from the gateway. A
//! guest's processor time is counted exactly: it yields at every tick, and each time it is polled
//! the time of the thread is taken before and after, so that neither waiting for a call of the host
//! nor waiting behind another guest counts.

mod code;
mod components;
mod engine;
mod instance;
mod mapped;
mod metered;
mod pool;
mod ticker;

pub(in crate::plugins) use code::{Code, encode};
pub use code::{CodeError, Compiler, compile_file};
pub(in crate::plugins) use components::Components;
