//! The built-in chats: sessions, messages, files, projects, and the sockets.

pub mod download;
pub mod files;
pub mod messages;
pub mod owned;
pub mod projects;
pub mod request;
pub mod sessions;
pub mod shown;
pub mod socket;
pub mod stream;
pub mod which;

pub(super) use request::SendBody;
