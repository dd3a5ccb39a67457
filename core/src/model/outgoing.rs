//! One message on its way out, as it waits in the durable outbox.

use serde::{Deserialize, Serialize};

use super::chain::MessageChain;
use super::session::SessionKey;

/// A message for a platform's sender. Serialisable, because it waits in the durable outbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outgoing {
    /// Where it goes.
    pub session: SessionKey,
    /// The bot's own account that is to send it; empty leaves the choice to the platform. It matters
    /// where several accounts are on one platform instance.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub account: String,
    /// What is sent. Quotes and mentions are components of it.
    pub message: MessageChain,
    /// How long the sender waits before it sends this, so that the pieces of one answer do not
    /// arrive at once. Milliseconds; counted from when the piece before it was sent.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub pause_ms: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(milliseconds: &u32) -> bool {
    *milliseconds == 0
}

impl Outgoing {
    /// A message that is sent as soon as it can be.
    pub fn new(session: SessionKey, message: MessageChain) -> Self {
        Self { session, account: String::new(), message, pause_ms: 0 }
    }
}
