//! What can go wrong with a server. No text repeats a secret or an address.

use std::io;
use std::time::Duration;

use firstlight_core::config::SecretError;

use crate::http_client::ClientError;

/// Why a server is not connected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum McpError {
    /// The entry of the document makes no sense.
    #[error("{reason}")]
    Misconfigured {
        /// What is wrong with it.
        reason: String,
    },
    /// A reference to a secret leads nowhere.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The operator has not allowed the program.
    #[error("the program {command:?} is not among the allowed ones (setting mcp.allowed_commands)")]
    NotAllowed {
        /// The program.
        command: String,
    },
    /// The program could not be started.
    #[error("the program {command:?} could not be started: {kind}")]
    NotStarted {
        /// The program.
        command: String,
        /// Why.
        kind: io::ErrorKind,
    },
    /// The program ended by itself.
    #[error("the program ended: {status}")]
    ProgramEnded {
        /// How, in words.
        status: String,
    },
    /// The HTTP client could not be made.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The other side closed the connection.
    #[error("the server closed the connection")]
    Closed,
    /// The other side did not answer in time.
    #[error("no answer to {call} within {} s", limit.as_secs())]
    Deadline {
        /// What was asked.
        call: &'static str,
        /// How long it was waited.
        limit: Duration,
    },
    /// The other side answered something that does not help.
    #[error("{call} failed: {text}")]
    Failed {
        /// What was asked.
        call: &'static str,
        /// What came back, without secrets.
        text: String,
    },
    /// The list of tools is out of bounds.
    #[error("the list of tools is refused: {reason}")]
    ToolsRefused {
        /// The bound.
        reason: String,
    },
    /// Too many tests run at once.
    #[error("other servers are being tested; try again shortly")]
    Busy,
    /// The runtime is going down, or the server was taken out of the configuration.
    #[error("the connection was given up because it is no longer wanted")]
    Cancelled,
}
