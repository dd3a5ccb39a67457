//! Filters, compiled, and the message they are asked about.

use regex::Regex;

use super::check::compile;
use crate::{Filter, MessageKind, Permission, Role};

/// How much of a text regular expressions look at, in bytes.
pub(super) const LOOKED_AT: usize = 16 * 1024;

/// What filters ask of a message.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The text without the wake prefix.
    pub text: &'a str,
    /// The kind of conversation.
    pub kind: MessageKind,
    /// The platform's type.
    pub platform_type: &'a str,
    /// What the sender may do.
    pub role: Role,
    /// Whether the bot was addressed.
    pub addressed: bool,
    /// Whether nothing was said but that.
    pub only_addressed: bool,
    /// Whether several people share the conversation.
    pub shared: bool,
}

/// A filter whose regular expressions are compiled.
#[derive(Debug)]
pub(super) enum Compiled {
    Any,
    Regex(Regex),
    /// A regular expression that is not one; such a declaration is refused when it is checked.
    Never,
    Kind(Vec<MessageKind>),
    Platform(Vec<String>),
    Admin,
    Addressed,
    OnlyAddressed,
    Custom(String),
    All(Vec<Compiled>),
    OneOf(Vec<Compiled>),
    Not(Box<Compiled>),
}

impl Compiled {
    pub(super) fn of(filter: &Filter) -> Self {
        let each = |filters: &[Filter]| filters.iter().map(Self::of).collect();
        match filter {
            Filter::Any => Self::Any,
            Filter::Regex(pattern) => compile(pattern).map_or(Self::Never, Self::Regex),
            Filter::Kind(kinds) => Self::Kind(kinds.clone()),
            Filter::Platform(types) => Self::Platform(types.clone()),
            Filter::Admin => Self::Admin,
            Filter::Addressed => Self::Addressed,
            Filter::OnlyAddressed => Self::OnlyAddressed,
            Filter::Custom(name) => Self::Custom(name.clone()),
            Filter::All(filters) => {
                let mut filters: Vec<Self> = each(filters);
                // A plugin's own code is asked last.
                filters.sort_by_key(|filter| matches!(filter, Self::Custom(_)));
                Self::All(filters)
            }
            Filter::OneOf(filters) => Self::OneOf(each(filters)),
            Filter::Not(filter) => Self::Not(Box::new(Self::of(filter))),
        }
    }

    /// Whether it lets the message through. `custom` asks the plugin.
    pub(super) fn holds(&self, facts: &Facts<'_>, custom: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Self::Any => true,
            Self::Never => false,
            Self::Regex(regex) => regex.is_match(looked_at(facts.text)),
            Self::Kind(kinds) => kinds.contains(&facts.kind),
            Self::Platform(types) => types.iter().any(|kind| kind == facts.platform_type),
            Self::Admin => facts.role == Role::Admin,
            Self::Addressed => facts.addressed,
            Self::OnlyAddressed => facts.only_addressed,
            Self::Custom(name) => custom(name),
            Self::All(filters) => filters.iter().all(|filter| filter.holds(facts, custom)),
            Self::OneOf(filters) => filters.iter().any(|filter| filter.holds(facts, custom)),
            Self::Not(filter) => !filter.holds(facts, custom),
        }
    }

    /// A regular expression without which it never holds.
    pub(super) fn required_pattern(&self) -> Option<&str> {
        match self {
            Self::Regex(regex) => Some(regex.as_str()),
            Self::All(filters) => filters.iter().find_map(Self::required_pattern),
            _ => None,
        }
    }

    /// Whether it can hold for messages of this kind.
    pub(super) fn admits(&self, kind: MessageKind) -> bool {
        match self {
            Self::Kind(kinds) => kinds.contains(&kind),
            Self::All(filters) => filters.iter().all(|filter| filter.admits(kind)),
            _ => true,
        }
    }
}

/// The part of a text that regular expressions look at.
pub(super) fn looked_at(text: &str) -> &str {
    let text = text.trim();
    text.get(..text.floor_char_boundary(LOOKED_AT)).unwrap_or(text)
}

impl Facts<'_> {
    /// Whether the sender may use what has this permission.
    pub fn may(&self, permission: Permission) -> bool {
        match permission {
            Permission::Member => true,
            Permission::Admin => self.role == Role::Admin,
            Permission::Owner => !self.shared || self.role == Role::Admin,
        }
    }
}
