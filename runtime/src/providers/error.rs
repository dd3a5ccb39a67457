//! What can go wrong at a provider.

use std::fmt;
use std::time::Duration;

use crate::http_client::ClientError;

/// Why a provider did not answer.
///
/// Texts that came from the provider are shortened and stripped of our keys before they get here:
/// no variant's text holds a key, a header value or a whole URL.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// Every key that could be tried was refused (401 or 403).
    #[error("the provider refused the key ({status}): {message}")]
    Auth { status: u16, message: String },
    /// Too many requests, with every key that could be tried.
    #[error("the provider limits the rate of requests: {message}")]
    RateLimited { retry_after: Option<Duration>, message: String },
    /// One of our deadlines passed.
    #[error("no {deadline} within {} s", after.as_secs_f32())]
    Timeout { deadline: Deadline, after: Duration },
    /// No connection, or it broke before the answer began.
    #[error("could not reach the provider: {reason}")]
    Connect { reason: String },
    /// Any other status than success.
    #[error("the provider answered with status {status}: {message}")]
    Status { status: u16, message: String },
    /// The provider reported an error inside a successful answer.
    #[error("the provider reported an error: {message}")]
    Reported { code: Option<String>, message: String },
    /// The answer is not what the protocol says.
    #[error("the provider's answer cannot be read: {reason}")]
    Malformed { reason: String },
    /// The connection ended in the middle of an answer.
    #[error("the answer was cut off: {reason}")]
    Cut { reason: String },
    /// The answer was complete and held nothing.
    #[error("the model gave an empty answer")]
    Empty,
    /// The provider withheld the answer, or the rest of it.
    #[error("the provider's content filter withheld the answer")]
    ContentFilter,
    /// The caller changed its mind.
    #[error("the call was cancelled")]
    Cancelled,
    /// The provider was removed, reloaded or shut down.
    #[error("the provider has been closed")]
    Closed,
    /// The configuration does not describe a provider.
    #[error("invalid provider configuration: {reason}")]
    Misconfigured { reason: String },
    /// No adapter has this type.
    #[error("unknown provider type {kind:?}")]
    UnknownType { kind: String },
    /// The adapter panicked; the rest of the process goes on.
    #[error("the provider's code panicked")]
    Panicked,
}

/// Which deadline passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    /// Connecting, TLS included.
    Connect,
    /// From sending the request to the first piece of the answer.
    FirstToken,
    /// Between two pieces of the answer.
    Idle,
    /// The whole call, retries included.
    Whole,
    /// Asking an adapter to end.
    Close,
}

impl ProviderError {
    /// A stable, bounded name: a metrics label, and what a client may branch on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Auth { .. } => "auth",
            Self::RateLimited { .. } => "rate_limited",
            Self::Timeout { .. } => "timeout",
            Self::Connect { .. } => "connect",
            Self::Status { .. } => "status",
            Self::Reported { .. } => "reported",
            Self::Malformed { .. } => "malformed",
            Self::Cut { .. } => "cut",
            Self::Empty => "empty",
            Self::ContentFilter => "content_filter",
            Self::Cancelled => "cancelled",
            Self::Closed => "closed",
            Self::Misconfigured { .. } => "misconfigured",
            Self::UnknownType { .. } => "unknown_type",
            Self::Panicked => "panicked",
        }
    }

    /// Whether the same call may succeed a little later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::RateLimited { .. }
            | Self::Connect { .. }
            | Self::Malformed { .. }
            | Self::Cut { .. }
            | Self::Empty => true,
            Self::Timeout { deadline, .. } => *deadline != Deadline::Whole,
            Self::Status { status, .. } => matches!(status, 408 | 409 | 425 | 500..),
            _ => false,
        }
    }

    /// Whether another key may do better.
    pub(crate) fn blames_the_key(&self) -> bool {
        matches!(self, Self::Auth { .. } | Self::RateLimited { .. })
    }
}

impl From<ClientError> for ProviderError {
    fn from(error: ClientError) -> Self {
        Self::Misconfigured { reason: error.to_string() }
    }
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connection",
            Self::FirstToken => "first token",
            Self::Idle => "further token",
            Self::Whole => "complete answer",
            Self::Close => "end of the provider",
        })
    }
}
