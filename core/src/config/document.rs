//! A document, its name, and the forms in which it may leave the process.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::ConfigError;
use super::snapshot::DEFAULT_PROFILE;

/// The name of a document.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum DocumentId {
    /// Connections to models.
    Providers,
    /// Connections to chat platforms.
    Platforms,
    /// Connections to MCP servers.
    Mcp,
    /// Which session uses which profile.
    Routing,
    /// How the bot behaves, by profile id.
    Profile(String),
    /// One plugin's settings, by plugin name.
    Plugin(String),
}

impl DocumentId {
    /// The profile that is always there.
    pub fn default_profile() -> Self {
        Self::Profile(DEFAULT_PROFILE.to_owned())
    }

    /// Whether the document belongs to every installation and cannot be deleted.
    pub fn is_built_in(&self) -> bool {
        match self {
            Self::Providers | Self::Platforms | Self::Mcp | Self::Routing => true,
            Self::Profile(id) => id == DEFAULT_PROFILE,
            Self::Plugin(_) => false,
        }
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Providers => f.write_str("providers"),
            Self::Platforms => f.write_str("platforms"),
            Self::Mcp => f.write_str("mcp"),
            Self::Routing => f.write_str("routing"),
            Self::Profile(id) => write!(f, "profile:{id}"),
            Self::Plugin(name) => write!(f, "plugin:{name}"),
        }
    }
}

impl FromStr for DocumentId {
    type Err = ConfigError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let unknown = || ConfigError::UnknownKind { name: name.chars().take(64).collect() };
        match name {
            "providers" => return Ok(Self::Providers),
            "platforms" => return Ok(Self::Platforms),
            "mcp" => return Ok(Self::Mcp),
            "routing" => return Ok(Self::Routing),
            _ => {}
        }
        let (kind, rest) = name.split_once(':').ok_or_else(unknown)?;
        if rest.is_empty() || rest.len() > 128 || rest.chars().any(char::is_control) {
            return Err(unknown());
        }
        match kind {
            "profile" => Ok(Self::Profile(rest.to_owned())),
            "plugin" => Ok(Self::Plugin(rest.to_owned())),
            _ => Err(unknown()),
        }
    }
}

impl TryFrom<String> for DocumentId {
    type Error = ConfigError;
    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<DocumentId> for String {
    fn from(id: DocumentId) -> Self {
        id.to_string()
    }
}

/// A document at one revision, with its secrets. It cannot be serialised; see [`DocumentView`].
#[derive(Clone, PartialEq)]
pub struct Document {
    /// Its name.
    pub id: DocumentId,
    /// What people call it.
    pub title: String,
    /// Counts the saves, from 1.
    pub revision: i64,
    /// The last revision that a bootstrap reached ready with.
    pub ready_revision: Option<i64>,
    /// The content as it was saved.
    pub value: Value,
    /// Who saved it.
    pub author: String,
    /// When, in epoch milliseconds.
    pub saved_at: i64,
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({} revision {})", self.id, self.revision)
    }
}

/// A document as it may leave the process: every secret masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentView {
    /// Its name.
    pub id: DocumentId,
    /// What people call it.
    pub title: String,
    /// The revision, to be sent back with a save.
    pub revision: i64,
    /// The last revision that a bootstrap reached ready with.
    pub ready_revision: Option<i64>,
    /// Who saved it.
    pub author: String,
    /// When, in epoch milliseconds.
    pub saved_at: i64,
    /// The content, masked.
    pub value: Value,
}

/// One save in the history of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, sqlx::FromRow)]
pub struct RevisionInfo {
    /// Its number.
    pub revision: i64,
    /// Who saved it.
    pub author: String,
    /// What kind of save it was, such as `rolled back to 3`.
    pub note: String,
    /// When, in epoch milliseconds.
    pub saved_at: i64,
    /// Whether this save deleted the document.
    pub deleted: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_their_text_form() {
        for name in ["providers", "platforms", "mcp", "routing", "profile:default", "plugin:a:b"] {
            assert_eq!(name.parse::<DocumentId>().unwrap().to_string(), name);
        }
        for name in ["", "profile:", "profile", "provider", "accounts:1", "plugin:\n"] {
            assert!(name.parse::<DocumentId>().is_err(), "{name}");
        }
    }
}
