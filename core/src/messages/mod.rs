//! What the gateway says to people, in English and Chinese.
//!
//! The sentences are in `core/messages/{en,zh}.ftl`; [`Message`] has one variant for each, with its
//! arguments. A test keeps the three equal. Logs, error enums and the command line speak English
//! and are not here.
//!
//! To add a message: a line in `catalogue.rs`, a sentence in each file.

mod bundle;
mod catalogue;
mod language;

pub use catalogue::Message;
pub use language::Language;
