//! The version of the messages, and their bound.

/// The version of these messages: a plugin says by which one it was built. The gateway takes every
/// one of the same major version; within it, fields and calls are added and never taken away.
pub const API_VERSION: &str = "1.0";

/// The largest message in either direction, in bytes of JSON.
pub const MESSAGE_LIMIT: usize = 16 << 20;
