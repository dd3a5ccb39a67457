//! What a plugin answers when something does not work.

/// The error of a plugin call. Its text is shown to the operator and may be shown to a user, so it
/// must not hold a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PluginError {
    /// The plugin's settings, or something they name, are wrong; the operator can repair it.
    #[error("{0}")]
    Settings(String),
    /// The caller asked for something that does not exist, such as an unknown tool.
    #[error("{0}")]
    Unknown(String),
    /// The arguments of the call are wrong.
    #[error("{0}")]
    Arguments(String),
    /// The plugin broke: it trapped, ran out of what it may use, or ended. Only the gateway says
    /// so, of a plugin that lives outside of its code.
    #[error("{0}")]
    Fault(String),
    /// Anything else that failed.
    #[error("{0}")]
    Failed(String),
}

impl PluginError {
    /// The error for a tool name that the plugin does not offer.
    pub fn unknown_tool(name: &str) -> Self {
        Self::Unknown(format!("there is no tool called {name}"))
    }

    /// Wraps any error as [`PluginError::Failed`].
    pub fn failed(error: impl std::fmt::Display) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<crate::HostError> for PluginError {
    fn from(error: crate::HostError) -> Self {
        Self::Failed(error.to_string())
    }
}
