//! What the bot says by itself: from the components of a message to parts, and to live events.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use firstlight_core::db::{Attachment, Database, DbError};
use firstlight_core::model::{Component, MediaPart, MessageChain, Part};
use uuid::Uuid;

use super::event::{ChatEvent, MediaEvent, SavedAttachment, SavedMessage};
use crate::pipeline::ATTACHMENT_SCHEME;

/// A kind of media: its part and its mark in events.
#[derive(Clone, Copy)]
enum Kind {
    Image,
    Record,
    Video,
    File,
}

/// The message as the history keeps it, its files readable for that user. What cannot be shown has
/// a stand-in; files of this machine are never read.
pub(super) async fn parts(
    message: &MessageChain,
    database: &Database,
    reader: &str,
) -> Result<Vec<Part>, DbError> {
    let mut parts: Vec<Part> = Vec::new();
    for component in &message.chain {
        let part = match component {
            Component::Reply(reply) => Part::Reply {
                message_id: reply.id.clone().into(),
                selected_text: reply.message_str.clone(),
            },
            component => match media(component) {
                None => Part::text(component.outline()),
                Some((kind, reference, name)) => {
                    match stored(kind, reference, name, database, reader).await? {
                        Some(attachment) => kind.part(&attachment),
                        None if is_address(reference) => Part::text(reference),
                        None => Part::text(component.outline()),
                    }
                }
            },
        };
        match (parts.last_mut(), part) {
            (Some(Part::Plain { text }), Part::Plain { text: more }) => text.push_str(&more),
            (_, part) => parts.push(part),
        }
    }
    Ok(parts)
}

/// What a message is to somebody who looks at the chat just now: its texts, then its files.
pub(super) fn events(parts: &[Part], saved: SavedMessage, message_id: Uuid) -> Vec<ChatEvent> {
    let last = [ChatEvent::MessageSaved { data: saved }, ChatEvent::End { data: "", message_id }];
    texts(parts, message_id).chain(files(parts, message_id)).chain(last).collect()
}

/// The texts of a message that was not streamed.
pub(super) fn texts(parts: &[Part], message_id: Uuid) -> impl Iterator<Item = ChatEvent> {
    parts.iter().filter_map(move |part| match part {
        Part::Plain { text } => Some(ChatEvent::Plain {
            data: text.clone(),
            streaming: false,
            chain_type: None,
            message_id,
        }),
        _ => None,
    })
}

/// The files of a message.
pub(super) fn files(parts: &[Part], message_id: Uuid) -> impl Iterator<Item = ChatEvent> {
    let events = move |part: &Part| {
        let of = |mark: &str, media: &MediaPart| MediaEvent::of(mark, media, message_id);
        let (event, kind) = match part {
            Part::Image(media) => (ChatEvent::Image(of("[IMAGE]", media)), "image"),
            Part::Record(media) => (ChatEvent::Record(of("[RECORD]", media)), "record"),
            Part::Video(media) => (ChatEvent::Video(of("[VIDEO]", media)), "video"),
            Part::File(media) => (ChatEvent::File(of("[FILE]", media)), "file"),
            Part::Plain { .. }
            | Part::Reply { .. }
            | Part::Think { .. }
            | Part::ToolCall { .. }
            | Part::At { .. } => return None,
        };
        let id = part.attachment_id().unwrap_or_default().to_owned();
        Some([event, ChatEvent::AttachmentSaved { data: SavedAttachment { id, kind } }])
    };
    parts.iter().filter_map(events).flatten()
}

impl Kind {
    fn part(self, attachment: &Attachment) -> Part {
        let id = &attachment.attachment_id;
        let extension = Path::new(&attachment.filename).extension();
        let stored = match extension.and_then(|extension| extension.to_str()) {
            Some(extension) => format!("{id}.{extension}"),
            None => id.clone(),
        };
        let media = MediaPart {
            attachment_id: id.clone(),
            filename: Some(attachment.filename.clone()),
            stored_filename: Some(stored),
        };
        match self {
            Self::Image => Part::Image(media),
            Self::Record => Part::Record(media),
            Self::Video => Part::Video(media),
            Self::File => Part::File(media),
        }
    }

    /// The name and type of a file of which neither is known.
    fn unnamed(self) -> (&'static str, &'static str) {
        match self {
            Self::Image => ("picture.png", "image/png"),
            Self::Record => ("voice.wav", "audio/wav"),
            Self::Video => ("video.mp4", "video/mp4"),
            Self::File => ("file", "application/octet-stream"),
        }
    }
}

/// The media of a component: where it is, and what it is called.
fn media(component: &Component) -> Option<(Kind, &str, &str)> {
    match component {
        Component::Image(m) => Some((Kind::Image, either(&m.url, &m.file), "")),
        Component::Record(m) => Some((Kind::Record, either(&m.url, &m.file), "")),
        Component::Video(m) => Some((Kind::Video, either(&m.url, &m.file), "")),
        Component::File(m) => Some((Kind::File, either(&m.url, &m.file), &m.name)),
        _ => None,
    }
}

fn either<'a>(url: &'a str, file: &'a str) -> &'a str {
    if url.is_empty() { file } else { url }
}

fn is_address(reference: &str) -> bool {
    reference.starts_with("https://") || reference.starts_with("http://")
}

/// The attachment that a reference names or brings; nothing when it does neither.
async fn stored(
    kind: Kind,
    reference: &str,
    name: &str,
    database: &Database,
    reader: &str,
) -> Result<Option<Attachment>, DbError> {
    let attachments = database.attachments();
    if let Some(id) = reference.strip_prefix(ATTACHMENT_SCHEME) {
        let found = attachments.by_id(id).await?;
        if let Some(found) = &found {
            attachments.grant(std::slice::from_ref(&found.attachment_id), reader).await?;
        }
        return Ok(found);
    }
    let (mut filename, mut mime) = kind.unnamed();
    let encoded = match reference.strip_prefix("data:").and_then(|data| data.split_once(";base64,"))
    {
        Some((given, encoded)) => {
            mime = given;
            encoded
        }
        None => match reference.strip_prefix("base64://") {
            Some(encoded) => encoded,
            None => return Ok(None),
        },
    };
    let Ok(bytes) = STANDARD.decode(encoded) else { return Ok(None) };
    if !name.is_empty() {
        filename = name;
    }
    let mut upload = attachments.begin().await?.readable_by(reader);
    upload.write(&bytes).await?;
    upload.finish(filename, mime).await.map(Some)
}
