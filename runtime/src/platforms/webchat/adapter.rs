//! The built-in chats as platforms that can be sent to: what nobody asked for goes to the history of
//! its session, and to whoever looks at it.

use std::sync::Arc;

use async_trait::async_trait;
use firstlight_core::db::{DbError, SaidOnce};
use firstlight_core::lifecycle::BoxError;
use firstlight_core::model::{BuiltInChat, ChatAddress, Outgoing};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::answering::bot_row;
use super::event::SavedMessage;
use super::runs::{News, Said};
use super::{Webchat, outbound};
use crate::platforms::{Adapter, AdapterContext, Capabilities, Delivery};

/// One of the built-in chats.
pub(crate) struct ChatAdapter {
    chat: BuiltInChat,
    webchat: Webchat,
    up: CancellationToken,
}

impl ChatAdapter {
    pub(crate) fn new(chat: BuiltInChat, webchat: Webchat) -> Self {
        Self { chat, webchat, up: CancellationToken::new() }
    }

    /// Waits until it runs.
    pub(crate) async fn up(&self) {
        self.up.cancelled().await;
    }

    /// Stores the message once, however often it is delivered, and shows it to who looks.
    async fn say(&self, message: &Outgoing, key: &str) -> Result<Delivery, DbError> {
        let Some(address) = ChatAddress::of_key(&message.session) else {
            return Ok(no_chat());
        };
        let database = self.webchat.database();
        if let Some(row) = database.history().said(key).await? {
            return Ok(Delivery::Sent { receipt: Some(json!({ "id": row.id })) });
        }
        let session = database.chat_sessions().by_id(address.session_id()).await?;
        if session.is_none_or(|session| session.creator != address.username()) {
            return Ok(no_chat());
        }
        let parts = outbound::parts(&message.message, database, address.username()).await?;
        let row = bot_row(&address, json!({ "type": "bot", "message": parts }));
        let row = match database.history().append_once(row, key).await? {
            SaidOnce::New(row) => row,
            SaidOnce::Before(row) => {
                return Ok(Delivery::Sent { receipt: Some(json!({ "id": row.id })) });
            }
            SaidOnce::NoChat => return Ok(no_chat()),
        };
        let message_id = Uuid::new_v4();
        let events = outbound::events(&parts, SavedMessage::of(&row), message_id);
        self.webchat.runs().tell(News::Said(Arc::new(Said { address, message_id, events })));
        Ok(Delivery::Sent { receipt: Some(json!({ "id": row.id })) })
    }
}

fn no_chat() -> Delivery {
    Delivery::Refused { error: "there is no such chat session".to_owned() }
}

#[async_trait]
impl Adapter for ChatAdapter {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            kind: self.chat.id(),
            display_name: match self.chat {
                BuiltInChat::Web => "Web chat",
                BuiltInChat::Terminal => "Terminal chat",
            },
            streams: true,
            sends_unasked: true,
            resend_safe: true,
            concurrent_sends: 16,
        }
    }

    /// Messages come in over HTTP, not here.
    async fn run(self: Arc<Self>, context: AdapterContext) -> Result<(), BoxError> {
        context.health.up();
        self.up.cancel();
        context.stop.cancelled().await;
        Ok(())
    }

    async fn deliver(&self, message: &Outgoing, idempotency_key: &str) -> Delivery {
        match self.say(message, idempotency_key).await {
            Ok(delivery) => delivery,
            Err(error) => Delivery::Later { error: error.to_string(), not_before: None },
        }
    }

    async fn online(&self) {}
}
