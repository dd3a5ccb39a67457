//! The two chats that are built in, and the addresses of their sessions.

use std::fmt;

use super::session::{InvalidSessionKey, MessageKind, PlatformId, SessionKey};

/// The longest id of a chat session, in bytes.
const MAX_SESSION_ID: usize = 128;

/// A chat that is always there and needs no configuration.
///
/// Both work alike; they differ in their platform id alone, and with it in their profiles, rules
/// and statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BuiltInChat {
    /// What the page and the HTTP API talk to.
    Web,
    /// What terminals talk to.
    Terminal,
}

/// A session of a built-in chat: whose it is, and what it is called.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChatAddress {
    chat: BuiltInChat,
    username: String,
    session_id: String,
    key: SessionKey,
}

/// Why a user and a session are no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidChatAddress {
    /// The user has no name.
    #[error("the name of the user is empty")]
    NoUser,
    /// The session's id would be read as another user's session, or is no name at all.
    #[error(
        "the id of a session has 1 to {MAX_SESSION_ID} bytes, without '!' and control characters"
    )]
    SessionId,
    /// Together they are no session key.
    #[error(transparent)]
    Key(#[from] InvalidSessionKey),
}

impl BuiltInChat {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Web, Self::Terminal];

    /// Its platform id, which is its platform type as well.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Web => PlatformId::WEBCHAT,
            Self::Terminal => PlatformId::TERMINAL,
        }
    }

    /// The built-in chat of that platform id.
    pub fn of_platform(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|chat| chat.id() == id)
    }
}

impl fmt::Display for BuiltInChat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl ChatAddress {
    /// Checks and takes a user's session.
    pub fn new(
        chat: BuiltInChat,
        username: &str,
        session_id: &str,
    ) -> Result<Self, InvalidChatAddress> {
        if username.is_empty() {
            return Err(InvalidChatAddress::NoUser);
        }
        let unfit = |c: char| c == '!' || c.is_control();
        if session_id.is_empty() || session_id.len() > MAX_SESSION_ID || session_id.contains(unfit)
        {
            return Err(InvalidChatAddress::SessionId);
        }
        let key = SessionKey::new(
            PlatformId::built_in(chat),
            MessageKind::Friend,
            format!("{chat}!{username}!{session_id}"),
        )?;
        let (username, session_id) = (username.to_owned(), session_id.to_owned());
        Ok(Self { chat, username, session_id, key })
    }

    /// The address that a session key stands for; none when it is not of a built-in chat.
    pub fn of_key(key: &SessionKey) -> Option<Self> {
        let chat = BuiltInChat::of_platform(key.platform().as_str())?;
        let rest = key.session().strip_prefix(chat.id())?.strip_prefix('!')?;
        let (username, session_id) = rest.rsplit_once('!')?;
        let address = Self::new(chat, username, session_id).ok()?;
        (address.key == *key).then_some(address)
    }

    /// Which chat.
    pub fn chat(&self) -> BuiltInChat {
        self.chat
    }

    /// Whose session it is.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The id of the session.
    pub fn session_id(&self) -> &str {
        &self.session_id
    }

    /// The session key, under which everything about the session is kept.
    pub fn key(&self) -> &SessionKey {
        &self.key
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Two users can never come to share a conversation, whatever they call themselves.
        #[test]
        fn an_address_survives_its_session_key(
            chat in prop_oneof![Just(BuiltInChat::Web), Just(BuiltInChat::Terminal)],
            username in "(?s).{0,24}",
            session in "(?s).{0,24}",
        ) {
            if let Ok(address) = ChatAddress::new(chat, &username, &session) {
                prop_assert_eq!(ChatAddress::of_key(address.key()), Some(address));
            }
        }
    }

    #[test]
    fn a_name_with_the_separator_is_read_back_whole_and_a_session_may_not_hold_it() {
        let address = ChatAddress::new(BuiltInChat::Web, "ann!e", "5f0c").unwrap();
        assert_eq!(address.key().to_string(), "webchat:FriendMessage:webchat!ann!e!5f0c");
        let refused = ChatAddress::new(BuiltInChat::Web, "ann", "e!5f0c");
        assert_eq!(refused, Err(InvalidChatAddress::SessionId));
        let terminal = ChatAddress::new(BuiltInChat::Terminal, "ann", "5f0c").unwrap();
        assert_eq!(terminal.key().to_string(), "tui:FriendMessage:tui!ann!5f0c");
    }

    #[test]
    fn keys_of_other_platforms_and_other_kinds_are_no_chats() {
        for key in ["qq:FriendMessage:webchat!a!b", "webchat:GroupMessage:webchat!a!b"] {
            assert_eq!(ChatAddress::of_key(&key.parse().unwrap()), None, "{key}");
        }
    }
}
