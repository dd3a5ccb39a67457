//! The web chat: sessions, messages, files, and the socket.

pub mod files;
pub mod messages;
mod request;
pub mod sessions;
pub mod socket;
mod stream;

pub(super) use request::SendBody;
pub(super) use stream::answer;
