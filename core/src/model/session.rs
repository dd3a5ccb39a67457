//! Session keys: the one address under which everything about a conversation partner is kept.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::built_in::BuiltInChat;

const MAX_PLATFORM_ID: usize = 64;
const MAX_SESSION: usize = 512;

/// The operator's name for one platform instance, such as `telegram-main`; not the platform's type.
///
/// Never empty, and free of `:` and `!`, which separate the parts of session keys, and of control
/// characters.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct PlatformId(Arc<str>);

impl PlatformId {
    /// The built-in web chat.
    pub const WEBCHAT: &'static str = "webchat";
    /// The built-in terminal chat.
    pub const TERMINAL: &'static str = "tui";

    /// The id of a built-in chat.
    pub fn built_in(chat: BuiltInChat) -> Self {
        Self(Arc::from(chat.id()))
    }

    /// Checks and takes an id.
    pub fn new(id: impl AsRef<str>) -> Result<Self, InvalidPlatformId> {
        let id = id.as_ref();
        if id.is_empty() {
            return Err(InvalidPlatformId::Empty);
        }
        if id.len() > MAX_PLATFORM_ID {
            return Err(InvalidPlatformId::TooLong { limit: MAX_PLATFORM_ID });
        }
        match id.chars().find(|c| matches!(c, ':' | '!') || c.is_control()) {
            Some(found) => Err(InvalidPlatformId::Forbidden { id: id.to_owned(), found }),
            None => Ok(Self(Arc::from(id))),
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PlatformId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for PlatformId {
    type Error = InvalidPlatformId;
    fn try_from(id: String) -> Result<Self, Self::Error> {
        Self::new(id)
    }
}

impl From<PlatformId> for String {
    fn from(id: PlatformId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl FromStr for PlatformId {
    type Err = InvalidPlatformId;
    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Self::new(id)
    }
}

/// Why a platform id was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPlatformId {
    /// There was no id.
    #[error("a platform id must not be empty")]
    Empty,
    /// Longer than allowed.
    #[error("a platform id has at most {limit} bytes")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// It holds a separator or a control character.
    #[error("the platform id {id:?} must not hold {found:?}")]
    Forbidden {
        /// The id as given.
        id: String,
        /// The character that must not be there.
        found: char,
    },
}

/// What kind of conversation a session is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum MessageKind {
    /// Several people.
    #[serde(rename = "GroupMessage")]
    Group,
    /// One person.
    #[serde(rename = "FriendMessage")]
    Friend,
    /// Neither, such as a system notice.
    #[serde(rename = "OtherMessage")]
    Other,
}

impl MessageKind {
    /// The name that session keys and the HTTP API use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Group => "GroupMessage",
            Self::Friend => "FriendMessage",
            Self::Other => "OtherMessage",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Group, Self::Friend, Self::Other].into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for MessageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a message came from and an answer goes to: `platform:Type:session`.
///
/// The text form is split on the first two `:` only, so the session part may hold more of them,
/// and it survives a round trip through text unchanged.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct SessionKey {
    platform: PlatformId,
    kind: MessageKind,
    session: Arc<str>,
}

impl SessionKey {
    /// Builds a key; the session part must not be empty.
    pub fn new(
        platform: PlatformId,
        kind: MessageKind,
        session: impl AsRef<str>,
    ) -> Result<Self, InvalidSessionKey> {
        let session = session.as_ref();
        if session.is_empty() {
            return Err(InvalidSessionKey::EmptySession);
        }
        if session.len() > MAX_SESSION {
            return Err(InvalidSessionKey::TooLong { limit: MAX_SESSION });
        }
        Ok(Self { platform, kind, session: Arc::from(session) })
    }

    /// The platform instance.
    pub fn platform(&self) -> &PlatformId {
        &self.platform
    }

    /// Group, private or other.
    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    /// The platform's own part: a group, user or channel id.
    pub fn session(&self) -> &str {
        &self.session
    }
}

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.platform, self.kind, self.session)
    }
}

impl FromStr for SessionKey {
    type Err = InvalidSessionKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, ':');
        let (Some(platform), Some(kind), Some(session)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidSessionKey::Shape);
        };
        let kind = MessageKind::from_name(kind)
            .ok_or_else(|| InvalidSessionKey::UnknownKind { found: kind.to_owned() })?;
        Self::new(PlatformId::new(platform)?, kind, session)
    }
}

impl TryFrom<String> for SessionKey {
    type Error = InvalidSessionKey;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<SessionKey> for String {
    fn from(key: SessionKey) -> Self {
        key.to_string()
    }
}

/// Why a text is no session key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSessionKey {
    /// It does not have three parts.
    #[error("a session key has the form platform:Type:session")]
    Shape,
    /// The platform part is no platform id.
    #[error(transparent)]
    Platform(#[from] InvalidPlatformId),
    /// The middle part is none of the three kinds.
    #[error("{found:?} is none of GroupMessage, FriendMessage, OtherMessage")]
    UnknownKind {
        /// The middle part as given.
        found: String,
    },
    /// The last part is empty.
    #[error("the session part of a session key must not be empty")]
    EmptySession,
    /// The last part is longer than allowed.
    #[error("the session part of a session key has at most {limit} bytes")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_key_survives_its_text_form(
            platform in "[^:!\\p{Cc}]{1,16}",
            kind in prop_oneof![
                Just(MessageKind::Group), Just(MessageKind::Friend), Just(MessageKind::Other)
            ],
            session in "(?s).{1,64}",
        ) {
            let key = SessionKey::new(PlatformId::new(platform).unwrap(), kind, session).unwrap();
            prop_assert_eq!(&key.to_string().parse::<SessionKey>().unwrap(), &key);
            let json = serde_json::to_string(&key).unwrap();
            prop_assert_eq!(serde_json::from_str::<SessionKey>(&json).unwrap(), key);
        }

        #[test]
        fn any_text_is_refused_or_comes_back_unchanged(text in "(?s).{0,64}") {
            if let Ok(key) = text.parse::<SessionKey>() {
                prop_assert_eq!(key.to_string(), text);
            }
        }
    }

    #[test]
    fn only_the_first_two_colons_separate() {
        let key: SessionKey = "qq:GroupMessage:a:b:c".parse().unwrap();
        assert_eq!(key.session(), "a:b:c");
    }

    #[test]
    fn wrong_keys_say_what_is_wrong() {
        let check = |text: &str, expected: InvalidSessionKey| {
            assert_eq!(text.parse::<SessionKey>().unwrap_err(), expected, "{text}");
        };
        check("", InvalidSessionKey::Shape);
        check("qq:GroupMessage", InvalidSessionKey::Shape);
        check("qq:GroupMessage:", InvalidSessionKey::EmptySession);
        check("qq:Group:1", InvalidSessionKey::UnknownKind { found: "Group".into() });
        check(":GroupMessage:1", InvalidPlatformId::Empty.into());
        check(
            "a!b:GroupMessage:1",
            InvalidPlatformId::Forbidden { id: "a!b".into(), found: '!' }.into(),
        );
    }
}
