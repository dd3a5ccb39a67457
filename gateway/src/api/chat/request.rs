//! A message as clients send it, checked once for every way in.

use firstlight_core::model::{BuiltInChat, ChatAddress, EventOptions, parse_request};
use firstlight_runtime::platforms::webchat::{SendError, WebchatMessage};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::http::{ApiError, Code};

/// A message to the bot.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct SendBody {
    /// A text, or a list of parts.
    message: Option<Value>,
    /// The session.
    #[serde(default)]
    pub session_id: Option<String>,
    /// The older name of `session_id`.
    #[serde(default)]
    pub conversation_id: Option<String>,
    /// The client's id of the message, a UUID. The same id is never answered twice.
    #[serde(default)]
    message_id: Option<String>,
    #[serde(default)]
    selected_provider: Option<String>,
    #[serde(default)]
    selected_model: Option<String>,
    /// A persona for this message alone.
    #[serde(default)]
    persona_prompt: Option<String>,
    /// Whether the answer is wanted in parts.
    #[serde(default)]
    enable_streaming: Option<bool>,
}

impl SendBody {
    /// The session that the message names.
    pub fn session(&self) -> Option<String> {
        let named = self.session_id.as_ref().or(self.conversation_id.as_ref());
        named.map(|id| id.trim().to_owned()).filter(|id| !id.is_empty())
    }

    /// Whether the answer is wanted in parts.
    pub fn streams(&self) -> bool {
        self.enable_streaming.unwrap_or(true)
    }

    /// Checks the message and makes it one of that user's session, with the attachments of whoever
    /// calls.
    pub fn into_message(
        self,
        address: ChatAddress,
        uploader: String,
    ) -> Result<WebchatMessage, ApiError> {
        let message = self.message.unwrap_or(Value::Null);
        let parts = parse_request(&message)
            .map_err(|error| ApiError::with(Code::Invalid, error.to_string()))?;
        let message_id = match self.message_id.as_deref().filter(|id| !id.is_empty()) {
            None => Uuid::new_v4(),
            Some(id) => Uuid::parse_str(id)
                .map_err(|_| ApiError::with(Code::Invalid, "message_id must be a UUID."))?,
        };
        let chosen = |id: Option<String>| id.filter(|id| !id.is_empty());
        Ok(WebchatMessage {
            address,
            uploader,
            message_id,
            parts,
            options: EventOptions {
                selected_provider: chosen(self.selected_provider),
                selected_model: chosen(self.selected_model),
                enable_streaming: self.enable_streaming,
                ..EventOptions::default()
            },
            persona_prompt: chosen(self.persona_prompt),
        })
    }
}

/// Where a user's session is.
pub fn address(
    chat: BuiltInChat,
    username: &str,
    session_id: &str,
) -> Result<ChatAddress, ApiError> {
    ChatAddress::new(chat, username, session_id)
        .map_err(|error| ApiError::with(Code::Invalid, error.to_string()))
}

impl From<SendError> for ApiError {
    fn from(error: SendError) -> Self {
        let text = error.to_string();
        match error {
            SendError::NotYours => ApiError::new(Code::NotOwner),
            SendError::NotAChat => ApiError::with(Code::Invalid, text),
            SendError::IdTaken => ApiError::with(Code::Conflict, text),
            SendError::AttachmentMissing { .. } => ApiError::with(Code::NotFound, text),
            SendError::Full => ApiError::new(Code::Busy).retry_after(1),
            SendError::Store(error) => ApiError::new(Code::StorageFailed).caused_by(error),
            SendError::Lookup(error) => error.into(),
        }
    }
}
