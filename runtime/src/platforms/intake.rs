//! The way in for every platform: a message is accepted once its row is durable.

use firstlight_core::bus::{Accepted, Bus, BusError, NewInbox};
use firstlight_core::model::MessageEvent;
use serde_json::json;

use crate::plugins::StatusBoard;

/// Takes received messages into the durable inbox; cheap to clone.
#[derive(Clone)]
pub struct Intake {
    bus: Bus,
    status: StatusBoard,
}

impl Intake {
    #[expect(dead_code, reason = "the first platform comes next")]
    pub(crate) fn new(bus: Bus, status: StatusBoard) -> Self {
        Self { bus, status }
    }

    /// Accepts a message. Only after this has returned may the platform be told so. `Full` means
    /// that nothing was stored: the acknowledgement is delayed, or the far side is told to come
    /// again.
    pub async fn accept(&self, event: &MessageEvent) -> Result<Accepted, BusError> {
        let accepted = self
            .bus
            .accept(NewInbox {
                platform_id: event.platform_id().to_string(),
                platform_message_id: event.message_id.clone(),
                conversation_key: event.session.to_string(),
                received_at: event.at.as_millisecond(),
                payload: json!(event),
            })
            .await?;
        if let Accepted::New(_) = accepted {
            self.status.count_message();
        }
        Ok(accepted)
    }
}
