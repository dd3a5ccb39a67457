//! Which of the built-in chats a row belongs to: the same handlers serve both.

use firstlight_core::model::BuiltInChat;

/// A built-in chat as a type, for rows.
pub trait OfChat: 'static {
    /// Where new sessions are made.
    const CHAT: BuiltInChat;
}

/// The web chat.
pub struct Web;

/// The terminal chat.
pub struct Terminal;

impl OfChat for Web {
    const CHAT: BuiltInChat = BuiltInChat::Web;
}

impl OfChat for Terminal {
    const CHAT: BuiltInChat = BuiltInChat::Terminal;
}
