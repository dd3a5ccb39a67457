//! A web chat message on its way in: from parts to an inbox row.

use firstlight_core::bus::NewInbox;
use firstlight_core::db::{Database, NewHistory};
use firstlight_core::model::{
    Component, EventOptions, File, Image, MessageChain, MessageEvent, Part, PlatformId, Record,
    Reply, Sender, SessionKey, Video,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::SendError;
use crate::pipeline::{ATTACHMENT_SCHEME, PERSONA_PROMPT};

/// A message as a web chat client sends it.
#[derive(Debug, Clone)]
pub struct WebchatMessage {
    /// Who sends it.
    pub username: String,
    /// The session; it is created when it is new.
    pub session_id: String,
    /// The client's id of the message; the same id is never accepted twice.
    pub message_id: Uuid,
    /// What is sent; checked by [`firstlight_core::model::parse_request`].
    pub parts: Vec<Part>,
    /// What the sender asks for besides.
    pub options: EventOptions,
    /// A persona for this message alone.
    pub persona_prompt: Option<String>,
}

/// Fills in the file names of attachments, and refuses a message that names one that is not there.
pub(super) async fn resolve_attachments(
    mut message: WebchatMessage,
    database: &Database,
) -> Result<WebchatMessage, SendError> {
    for part in &mut message.parts {
        let (Part::Image(media) | Part::Record(media) | Part::Video(media) | Part::File(media)) =
            part
        else {
            continue;
        };
        let found = database.attachments().by_id(&media.attachment_id).await?;
        let attachment = found
            .ok_or_else(|| SendError::AttachmentMissing { id: media.attachment_id.clone() })?;
        media.filename = Some(attachment.filename);
    }
    Ok(message)
}

/// The message as the pipeline gets it, and the rows that accept it: the inbox, and what people see
/// of it.
pub(super) fn rows(
    message: &WebchatMessage,
) -> Result<(MessageEvent, NewInbox, NewHistory), SendError> {
    let session = SessionKey::webchat(&message.username, &message.session_id)?;
    let event = event(message, session.clone());
    let inbox = NewInbox {
        platform_id: PlatformId::WEBCHAT.to_owned(),
        platform_message_id: message.message_id.to_string(),
        conversation_key: session.to_string(),
        received_at: event.at.as_millisecond(),
        payload: json!(event),
    };
    let history = NewHistory {
        platform_id: PlatformId::WEBCHAT.to_owned(),
        user_id: message.session_id.clone(),
        sender_id: Some(message.username.clone()),
        sender_name: Some(message.username.clone()),
        content: json!({ "type": "user", "message": message.parts }),
        llm_checkpoint_id: Some(message.message_id.to_string()),
    };
    Ok((event, inbox, history))
}

fn event(message: &WebchatMessage, session: SessionKey) -> MessageEvent {
    let chain = MessageChain {
        chain: message.parts.iter().filter_map(component).collect(),
        ..MessageChain::default()
    };
    let sender =
        Sender { user_id: message.username.clone(), nickname: Some(message.username.clone()) };
    let id = message.message_id.to_string();
    let mut event = MessageEvent::new(session, PlatformId::WEBCHAT, id, sender, chain);
    event.self_id = PlatformId::WEBCHAT.to_owned();
    event.options = message.options.clone();
    if let Some(prompt) = &message.persona_prompt {
        event.extras.insert(PERSONA_PROMPT.to_owned(), Value::from(prompt.clone()));
    }
    event
}

fn component(part: &Part) -> Option<Component> {
    let url = |id: &str| format!("{ATTACHMENT_SCHEME}{id}");
    Some(match part {
        Part::Plain { text } => Component::text(text.clone()),
        Part::Reply { message_id, selected_text } => Component::Reply(Reply {
            id: message_id.as_str().map_or_else(|| message_id.to_string(), str::to_owned),
            message_str: selected_text.clone(),
            ..Reply::default()
        }),
        Part::Image(media) => {
            Component::Image(Image { url: url(&media.attachment_id), ..Image::default() })
        }
        Part::Record(media) => {
            Component::Record(Record { url: url(&media.attachment_id), ..Record::default() })
        }
        Part::Video(media) => {
            Component::Video(Video { url: url(&media.attachment_id), ..Video::default() })
        }
        Part::File(media) => Component::File(File {
            name: media.filename.clone().unwrap_or_default(),
            url: url(&media.attachment_id),
            ..File::default()
        }),
        Part::Think { .. } | Part::ToolCall { .. } | Part::At { .. } => return None,
    })
}
