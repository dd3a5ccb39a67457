//! The database against real files.

mod attachments;
mod bundles;
mod chats;
mod fresh;
mod opening;
mod personas;
#[cfg(unix)]
mod read_only;
mod repositories;
mod statistics;
mod writing;
