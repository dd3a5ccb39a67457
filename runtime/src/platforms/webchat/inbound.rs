//! A web chat message on its way in: from parts to an inbox row.

use firstlight_core::bus::NewInbox;
use firstlight_core::db::{Database, NewHistory};
use firstlight_core::model::{
    ChatAddress, Component, EventOptions, File, Image, MessageChain, MessageEvent, Part, Record,
    Reply, Sender, Video,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::SendError;
use crate::pipeline::{ATTACHMENT_SCHEME, PERSONA_PROMPT};

/// A message as a web chat client sends it.
#[derive(Debug, Clone)]
pub struct WebchatMessage {
    /// Who sends it in which session. A session that is new is made; one that is there keeps its
    /// own chat, whatever is said here.
    pub address: ChatAddress,
    /// Whose attachments may be sent: the user, or the program that acts for them.
    pub uploader: String,
    /// The client's id of the message; the same id is never accepted twice.
    pub message_id: Uuid,
    /// What is sent; checked by [`firstlight_core::model::parse_request`].
    pub parts: Vec<Part>,
    /// What the sender asks for besides.
    pub options: EventOptions,
    /// A persona for this message alone.
    pub persona_prompt: Option<String>,
}

/// Fills in the file names of attachments, and refuses a message that names one which is not there
/// or not the sender's. What a program sends for a user, the user may read.
pub(super) async fn resolve_attachments(
    mut message: WebchatMessage,
    database: &Database,
) -> Result<WebchatMessage, SendError> {
    let attachments = database.attachments();
    for part in &mut message.parts {
        let (Part::Image(media) | Part::Record(media) | Part::Video(media) | Part::File(media)) =
            part
        else {
            continue;
        };
        let found = attachments.readable(&media.attachment_id, &message.uploader).await?;
        let attachment = found
            .ok_or_else(|| SendError::AttachmentMissing { id: media.attachment_id.clone() })?;
        media.filename = Some(attachment.filename);
    }
    if message.uploader != message.address.username() {
        let sent: Vec<String> =
            message.parts.iter().filter_map(Part::attachment_id).map(str::to_owned).collect();
        if !sent.is_empty() {
            attachments.grant(&sent, message.address.username()).await?;
        }
    }
    Ok(message)
}

/// The message as the pipeline gets it, and the rows that accept it: the inbox, and what people see
/// of it.
pub(super) fn rows(message: &WebchatMessage) -> (MessageEvent, NewInbox, NewHistory) {
    let event = event(message);
    let address = &message.address;
    let inbox = NewInbox {
        platform_id: address.chat().id().to_owned(),
        platform_message_id: message.message_id.to_string(),
        conversation_key: address.key().to_string(),
        received_at: event.at.as_millisecond(),
        payload: json!(event),
    };
    let history = NewHistory {
        platform_id: address.chat().id().to_owned(),
        user_id: address.session_id().to_owned(),
        sender_id: Some(address.username().to_owned()),
        sender_name: Some(address.username().to_owned()),
        content: json!({ "type": "user", "message": message.parts }),
        llm_checkpoint_id: Some(message.message_id.to_string()),
    };
    (event, inbox, history)
}

fn event(message: &WebchatMessage) -> MessageEvent {
    let address = &message.address;
    let chain = chain(&message.parts);
    let username = address.username().to_owned();
    let sender = Sender { user_id: username.clone(), nickname: Some(username) };
    let (id, chat) = (message.message_id.to_string(), address.chat().id());
    let mut event = MessageEvent::new(address.key().clone(), chat, id, sender, chain);
    event.self_id = chat.to_owned();
    event.options = message.options.clone();
    if let Some(prompt) = &message.persona_prompt {
        event.extras.insert(PERSONA_PROMPT.to_owned(), Value::from(prompt.clone()));
    }
    event
}

/// The parts of a request as a message.
pub fn chain(parts: &[Part]) -> MessageChain {
    MessageChain { chain: parts.iter().filter_map(component).collect(), ..MessageChain::default() }
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
