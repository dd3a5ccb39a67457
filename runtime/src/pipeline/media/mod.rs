//! The pictures and voices of a message: fetched, or decoded, into the attachments.
//!
//! | module | what it holds |
//! |---|---|
//! | `fetch` | the download, with its limits |
//! | `kind` | what a file is, by its first bytes |
//! | `message` | which files of a message, and what becomes of each |

mod fetch;
mod kind;
mod message;

pub use fetch::MediaFetcher;
pub(super) use message::{disarm, fetch_all};
