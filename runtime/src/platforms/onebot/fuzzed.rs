//! What `fuzz/` calls. Compiled by cargo-fuzz alone; panics when something is not as it must be.

use firstlight_core::model::{MessageEvent, PlatformId};
use serde_json::json;

use super::event::{self, Reading};

/// A frame of a WebSocket, or the body of a callback: what is taken survives the inbox.
pub fn frame(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _any_outcome = event::frame(text).is_ok();
    }
    let Ok(platform) = PlatformId::new("qq") else { return };
    let Ok(Reading::Message(message)) = event::read(bytes, &platform, "aiocqhttp", "10001") else {
        return;
    };
    assert!(!message.identity.is_empty());
    assert_eq!(message.event.platform_id(), &platform);
    let stored = json!(message.event);
    let read = serde_json::from_value::<MessageEvent>(stored.clone());
    assert_eq!(read.map(|event| json!(event)).ok(), Some(stored));
}
