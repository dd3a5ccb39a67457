//! What a message must be like for a handler to take it.

use serde::{Deserialize, Serialize};

use crate::MessageKind;

/// A condition on a message. All of it but [`Filter::Custom`] is decided by the gateway.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// Every message.
    #[default]
    Any,
    /// The regular expression is found in the text. The text is trimmed and looked at up to
    /// 16 KiB. The syntax is that of the `regex` crate, whose search takes linear time.
    Regex(String),
    /// It was sent in one of these kinds of conversation.
    Kind(Vec<MessageKind>),
    /// It came from one of these types of platform.
    Platform(Vec<String>),
    /// An admin sent it; anybody else is passed over. To tell them so, use
    /// [`Handler::permission`](crate::Handler::permission).
    Admin,
    /// The bot was addressed.
    Addressed,
    /// The bot was addressed, and nothing else was said: a bare mention or a bare prefix.
    OnlyAddressed,
    /// The plugin itself says so: [`Plugin::predicate`](crate::Plugin::predicate) of this name.
    /// It is asked last.
    Custom(String),
    /// All of these hold.
    All(Vec<Filter>),
    /// One of these holds.
    OneOf(Vec<Filter>),
    /// This does not hold.
    Not(Box<Filter>),
}

impl Filter {
    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match self {
            Self::Any => other,
            Self::All(mut filters) => {
                filters.push(other);
                Self::All(filters)
            }
            filter => Self::All(vec![filter, other]),
        }
    }

    /// One of both holds.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self::OneOf(vec![self, other])
    }

    /// Whether it looks at what is said, rather than at where and by whom.
    pub fn looks_at_content(&self) -> bool {
        match self {
            Self::Regex(_) | Self::OnlyAddressed | Self::Custom(_) => true,
            Self::Any
            | Self::Kind(_)
            | Self::Platform(_)
            | Self::Admin
            | Self::Addressed
            | Self::Not(_) => false,
            Self::All(filters) => filters.iter().any(Self::looks_at_content),
            Self::OneOf(filters) => {
                !filters.is_empty() && filters.iter().all(Self::looks_at_content)
            }
        }
    }
}

/// The negation of a filter.
impl std::ops::Not for Filter {
    type Output = Self;

    fn not(self) -> Self {
        Self::Not(Box::new(self))
    }
}
