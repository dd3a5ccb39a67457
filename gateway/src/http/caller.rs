//! Who calls.

use std::sync::Arc;

use super::row::Scope;

/// The caller of a row, as the guard found it.
#[derive(Debug, Clone)]
pub enum Caller {
    /// Nobody said who they are, or nobody asked.
    Anonymous,
    /// A dashboard log-in.
    Session(Arc<SessionCaller>),
    /// An API key.
    Key(Arc<KeyCaller>),
}

/// A dashboard log-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionCaller {
    pub session_id: String,
    pub account_id: String,
    pub username: String,
}

/// An API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyCaller {
    pub key_id: String,
    pub scopes: Granted,
}

/// What a key was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Granted {
    /// Everything, also what is added later.
    All,
    /// These scopes, by name.
    These(Vec<String>),
}

impl Caller {
    /// The name under which the caller acts: the account's, or `api_key:<id>`.
    pub fn identity(&self) -> Option<String> {
        match self {
            Caller::Anonymous => None,
            Caller::Session(session) => Some(session.username.clone()),
            Caller::Key(key) => Some(format!("api_key:{}", key.key_id)),
        }
    }

    /// Whether failure details may be shown: they can hold host names and paths.
    pub fn sees_details(&self) -> bool {
        matches!(self, Caller::Session(_))
    }
}

impl Granted {
    /// Whether the scope is among them.
    pub fn includes(&self, scope: Scope) -> bool {
        match (self, scope.name()) {
            (Granted::All, _) | (_, None) => true,
            (Granted::These(names), Some(name)) => names.iter().any(|n| n == name || n == "*"),
        }
    }
}
