//! How the handlers of a message are found. For hosts; an author needs nothing of it.
//!
//! * [`Line`] is a command line as it was written: text and mentions, read word by word.
//! * [`parse`] reads a command's arguments from it.
//! * [`Index`] holds the handlers of all plugins, so that finding the ones for a message does not
//!   look at all of them.

mod check;
mod filters;
mod index;
mod parse;
mod patterns;
mod usage;
mod words;

pub use check::{DeclarationError, check};
pub use filters::Facts;
pub use index::{CommandEntry, Conflict, Found, Hit, Index, Question};
pub use parse::{UsageError, parse};
pub use usage::{path_usage, usage};
pub use words::{Line, Word, quote};
