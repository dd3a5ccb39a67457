//! The OpenAI chat-completions protocol, as OpenAI and the many who copied it speak it.
//!
//! | module | what it holds |
//! |---|---|
//! | `adapter` | the provider: rotation over keys, retries, deadlines, cancellation |
//! | `call` | one exchange, from sending to the last event |
//! | `body` | what is sent |
//! | `decode` | what comes back, as events; knows no network |
//! | `embeddings` | vectors of texts |
//! | `wire` | the shapes on the wire, with the liberties that vendors take |
//! | `keys` | which key to use next |

mod adapter;
mod body;
mod call;
mod decode;
mod embeddings;
#[cfg(fuzzing)]
pub mod fuzzed;
mod keys;
mod wire;

pub use adapter::{KINDS, OpenAi};
