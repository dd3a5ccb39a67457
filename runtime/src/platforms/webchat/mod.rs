//! The built-in chats: the web chat, which the page and the HTTP API talk to, and the terminal chat.
//! They are one mechanism under two platform ids.
//!
//! A message is accepted when its inbox row and its history row are committed together; only then
//! does the client hear of it. Its answer is a [`Run`], which the client may watch, leave and join
//! again; the answer becomes part of the history in the same transaction that ends the turn.

mod adapter;
pub(crate) mod answering;
mod chat;
mod event;
mod inbound;
mod outbound;
mod runs;

pub(crate) use adapter::ChatAdapter;
pub use chat::{SendError, Sent, Webchat, address_of};
pub use event::{
    ChatEvent, MediaEvent, RunContent, RunReference, RunSnapshot, RunStatus, SavedAttachment,
    SavedMessage,
};
pub use inbound::{WebchatMessage, chain};
pub use runs::{Listener, News, Next, Run, Runs, Said};
