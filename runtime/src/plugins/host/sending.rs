//! Sending what nobody asked for: stored in the outbox before anybody is told that it was sent.

use firstlight_core::bus::{Enqueued, NewOutbox};
use firstlight_core::model::Outgoing;
use firstlight_plugins_api::{HostError, Message};
use serde_json::json;

use super::sessions::parsed;
use super::shared::Shared;
use crate::plugins::convert;

/// What became of messages that were to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::plugins) enum Sent {
    /// They are stored.
    Stored,
    /// Too many messages wait for one of the platforms; nothing was stored.
    Busy,
}

/// Stores messages with the key of each, all or none.
pub(in crate::plugins) async fn send(
    shared: &Shared,
    messages: Vec<(String, Message, Option<String>)>,
) -> Result<Sent, HostError> {
    let mut rows = Vec::with_capacity(messages.len());
    for (session, message, key) in messages {
        rows.push(row(shared, &session, &message, key)?);
    }
    if rows.is_empty() {
        return Ok(Sent::Stored);
    }
    match shared.bus.enqueue(rows).await {
        Ok(Enqueued::Rows(_)) => Ok(Sent::Stored),
        Ok(Enqueued::Full) => Ok(Sent::Busy),
        Err(error) => Err(HostError::Failed(error.to_string())),
    }
}

fn row(
    shared: &Shared,
    session: &str,
    message: &Message,
    idempotency_key: Option<String>,
) -> Result<NewOutbox, HostError> {
    let key = parsed(session)?;
    let platform_id = key.platform().to_string();
    let built_in = matches!(platform_id.as_str(), "webchat" | "tui");
    let platforms = shared.config.snapshot().platforms();
    let running = shared.adapters().and_then(|adapters| adapters.find(&platform_id));
    let configured = platforms
        .is_ok_and(|platforms| platforms.platform.iter().any(|entry| entry.id == platform_id));
    if !built_in && !configured {
        return Err(HostError::unknown("platform", platform_id));
    }
    Ok(NewOutbox {
        platform_id,
        session_key: key.to_string(),
        payload: json!(Outgoing::new(key, convert::chain(message))),
        resend_safe: running.map_or(built_in, |adapter| adapter.capabilities().resend_safe),
        idempotency_key,
    })
}
