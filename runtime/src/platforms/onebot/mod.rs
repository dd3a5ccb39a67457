//! OneBot v11: QQ through a client such as NapCat or Lagrange.
//!
//! The client connects to us (reverse WebSocket), or we to it (forward WebSocket), or it calls back
//! over HTTP and is called over HTTP. All ways may be used at once: a message that arrives twice is
//! one row, and a call goes over whichever connection the account has. `docs/onebot.md` has the keys
//! and the behaviour at each bound.
//!
//! | module | what it holds |
//! |---|---|
//! | `config`, `form` | the keys, which of them go together, and how they are shown |
//! | `adapter` | [`OneBot`]: the platform as the runtime sees it |
//! | `listener`, `handshake`, `callback` | our port: who may connect, and events over HTTP |
//! | `forward` | our own connection to a client |
//! | `connection` | one WebSocket, whichever side opened it |
//! | `links`, `answers`, `http_api` | calls to the client, and the connections they go over |
//! | `inlet` | received events on their way to the inbox, in order and bounded |
//! | `event`, `notice`, `segments`, `cq` | reading events and messages |
//! | `outbound`, `splitting`, `media` | writing messages |
//! | `queries` | quotes, forwards, groups, files |

mod adapter;
mod answers;
mod callback;
mod config;
mod connection;
mod cq;
mod event;
mod form;
mod forward;
#[cfg(fuzzing)]
pub mod fuzzed;
mod handshake;
mod http_api;
mod inlet;
mod links;
mod listener;
mod media;
mod notice;
mod outbound;
mod queries;
mod segments;
mod splitting;

#[cfg(test)]
mod tests;

pub(crate) use adapter::OneBot;
pub use config::OneBotError;
pub(crate) use form::{KINDS, items, template};
