//! The HTTP machinery: one declarative table, one guard, one error.
//!
//! | file | what it holds |
//! |---|---|
//! | [`row`], [`table`] | one row: who may call it and what it needs; and all of them |
//! | [`describe`] | a handler's types, read as documentation and as the least guard it needs |
//! | [`mount`] | the only caller of actix registration |
//! | [`guard`] | origin, authentication, lifecycle, size, panics: before any extractor runs |
//! | [`caller`] | who calls |
//! | [`extract`] | what handlers take |
//! | [`reply`] | what handlers give back |
//! | [`events`], [`socket`] | long answers that end with what they depend on |
//! | [`error`] | the table of stable error codes |
//! | [`openapi`], [`docs`] | the documents that are made from the table |
//!
//! **Invariant**: the row that mounts a handler is the row that guards it. There is no look-up by
//! path that could miss, and a route that is not in the table does not exist.

pub mod address;
pub mod body;
pub mod caller;
mod counters;
pub mod credentials;
pub mod describe;
pub mod docs;
pub mod error;
pub mod events;
pub mod extract;
pub mod guard;
pub mod headers;
pub mod language;
pub mod mount;
pub mod openapi;
pub mod origin;
pub mod refusal;
pub mod reply;
pub mod request_id;
pub mod row;
pub mod socket;
#[cfg(test)]
mod stream_tests;
pub mod table;
#[cfg(test)]
mod tests;

pub use address::ClientAddress;
pub use caller::{Caller, KeyCaller, SessionCaller};
pub use error::{ApiError, Code};
pub use events::{Event, Events};
pub use extract::{
    Json, MaybeRuntime, Multipart, Path, Query, RawBody, RuntimeLease, Session, Wanted,
};
pub use firstlight_core::messages::{Language, Message};
pub use language::Text;
pub use reply::{Answer, Empty, Reply};
pub use row::{Access, BodyLimit, Needs, Row, Scope, route};
pub use socket::{Closed, Incoming, Sender, Socket, Switching, Upgrade};
pub use table::Table;
