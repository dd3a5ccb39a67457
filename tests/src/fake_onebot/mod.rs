//! A fake OneBot v11 implementation: the far side of the `aiocqhttp` platform, on real sockets.
//!
//! It reaches a gateway in each of the ways the protocol has: as WebSocket client of the gateway's
//! server ([`FakeOneBot::reverse`]), as WebSocket server ([`FakeOneBot::forward`]), and as sender of
//! HTTP callbacks with an HTTP API ([`FakeOneBot::http`]). Whatever it is asked for it records, with
//! time and connection, so that its record is the truth about what people in the chat have seen. It
//! comes back after a lost connection, and misbehaves as it is told: see [`Reply`].

mod actions;
mod api;
mod chopped;
mod connection;
mod event;
mod far_side;
mod forward;
mod http;
mod record;
mod reply;
mod reverse;
mod shared;
#[cfg(test)]
mod tests;

pub use event::{at, image, record, reply_to, text};
pub use far_side::FakeOneBot;
pub use record::{Asked, Handshake};
pub use reply::Reply;
pub use shared::{Account, Role};
