//! The web chat: the platform that is built in, and that the page and the HTTP API talk to.
//!
//! A message is accepted when its inbox row and its history row are committed together; only then
//! does the client hear of it. Its answer is a [`Run`], which the client may watch, leave and join
//! again; the answer becomes part of the history in the same transaction that ends the turn.

pub(crate) mod answering;
mod chat;
mod event;
mod inbound;
mod runs;

pub use chat::{SendError, Sent, Webchat};
pub use event::{ChatEvent, RunContent, RunReference, RunSnapshot, RunStatus, SavedMessage};
pub use inbound::WebchatMessage;
pub use runs::{Listener, Next, Run, Runs};
