//! Why the settings could not be read.

use std::path::PathBuf;

use super::load::Origin;

/// Why the settings could not be read. Each says where to look and what was wrong there.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A file that was asked for by name cannot be read.
    #[error("cannot read the settings file {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("{} is not valid TOML:\n{message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, column and what was expected there.
        message: String,
    },
    /// The file has a key that nothing reads.
    #[error("{}: unknown setting `{key}`{}", path.display(), nearest.as_ref().map(|n| format!("; did you mean `{n}`?")).unwrap_or_default())]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key, with its tables.
        key: String,
        /// The known key that looks most like it.
        nearest: Option<String>,
    },
    /// A value does not fit its setting.
    #[error("{origin}: `{key}` is wrong: {message}")]
    Value {
        /// Where the value stands.
        origin: Origin,
        /// The setting.
        key: String,
        /// What was expected.
        message: String,
    },
    /// An environment variable is not text.
    #[error("the environment variable {variable} is not valid UTF-8")]
    NotText {
        /// The variable.
        variable: String,
    },
}
