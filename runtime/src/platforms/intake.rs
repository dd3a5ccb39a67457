//! The way in for every platform: a message is accepted once its row is durable.

use firstlight_core::bus::{Accepted, Bus, BusError, NewInbox};
use firstlight_core::model::MessageEvent;
use serde_json::json;

use crate::plugins::StatusBoard;
use crate::turns::{Announcement, Arrivals};

/// Takes received messages into the durable inbox; cheap to clone.
#[derive(Clone)]
pub struct Intake {
    bus: Bus,
    status: StatusBoard,
    arrivals: Arrivals,
}

impl Intake {
    pub(crate) fn new(bus: Bus, status: StatusBoard, arrivals: Arrivals) -> Self {
        Self { bus, status, arrivals }
    }

    /// Accepts a message. Only after this has returned may the platform be told so. `Full` means
    /// that nothing was stored: the acknowledgement is delayed, or the far side is told to come
    /// again. A command that ends the answer of its session does so as soon as it is durable.
    ///
    /// The identity is what makes two deliveries of one message the same; it is unique within the
    /// platform instance, which a platform's own message id often is not.
    pub async fn accept(
        &self,
        event: MessageEvent,
        identity: String,
    ) -> Result<Accepted, BusError> {
        let (row, announcement) = self.settle(event, identity).await;
        let accepted = self.bus.accept(row).await?;
        self.settled(accepted, announcement);
        Ok(accepted)
    }

    /// [`Self::accept`] for messages that came one after the other: they are stored in their order
    /// and in one transaction, and once one is `Full`, so are those behind it.
    pub async fn accept_all(
        &self,
        messages: Vec<(MessageEvent, String)>,
    ) -> Result<Vec<Accepted>, BusError> {
        let mut rows = Vec::with_capacity(messages.len());
        let mut announcements = Vec::with_capacity(messages.len());
        for (event, identity) in messages {
            let (row, announcement) = self.settle(event, identity).await;
            rows.push(row);
            announcements.push(announcement);
        }
        let accepted = self.bus.accept_all(rows).await?;
        for (accepted, announcement) in accepted.iter().zip(announcements) {
            self.settled(*accepted, announcement);
        }
        Ok(accepted)
    }

    /// The row of a message, and what it announces: until it is settled, nothing has happened.
    async fn settle(
        &self,
        mut event: MessageEvent,
        identity: String,
    ) -> (NewInbox, Option<Announcement>) {
        self.arrivals.settle_session(&mut event);
        let announcement = self.arrivals.announce(&event, &identity).await;
        let row = NewInbox {
            platform_id: event.platform_id().to_string(),
            platform_message_id: identity,
            conversation_key: event.session.to_string(),
            received_at: event.at.as_millisecond(),
            payload: json!(event),
        };
        (row, announcement)
    }

    fn settled(&self, accepted: Accepted, announcement: Option<Announcement>) {
        let Accepted::New(id) = accepted else { return };
        self.status.count_message();
        if let Some(announcement) = announcement {
            announcement.accepted(id);
        }
    }
}
