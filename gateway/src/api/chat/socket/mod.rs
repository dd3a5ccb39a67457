//! Sockets on which messages are sent and answers come back, many at a time.
//!
//! | file | what it holds |
//! |---|---|
//! | [`answers`] | the answers that a socket watches, as tagged frames |
//! | [`page`] | what a page says: log-in, `bind`, `send`, `interrupt` |
//! | [`program`] | what a program says: API key, `send`, `interrupt`, `ping` |
//!
//! **Invariant**: a socket's loop never waits for an answer. It waits for the next frame, event or
//! end, whichever comes first; so an `interrupt` acts while an answer is running, and a socket on
//! which nothing happens ends with the runtime.

pub mod answers;
pub mod page;
pub mod program;
