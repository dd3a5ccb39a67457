//! The database against real files.

mod attachments;
mod chats;
mod conversation_lists;
mod direct;
mod fresh;
mod opening;
mod personas;
#[cfg(unix)]
mod read_only;
mod repositories;
mod session_lists;
mod statistics;
mod writing;
