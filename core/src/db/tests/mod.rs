//! The database against real files.

mod attachments;
mod direct;
mod chats;
mod conversation_lists;
mod fresh;
mod opening;
mod personas;
#[cfg(unix)]
mod read_only;
mod repositories;
mod session_lists;
mod statistics;
mod writing;
