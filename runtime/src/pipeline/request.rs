//! What the model sees: persona prompt, a window of the conversation, the message itself.

use firstlight_core::db::{Attachments, Database, DbError, Message as StoredMessage, Personas};
use firstlight_core::model::{Component, MessageEvent};
use serde_json::Value;

use super::transcript;
use crate::plugins::dispatch::PluginScope;
use crate::providers::{ChatRequest, Message, Part, Role, tokens};

/// An image larger than this is not sent to a model; the message says so instead.
const IMAGE_LIMIT: u64 = 10 * 1024 * 1024;
/// How an image component names an uploaded file.
pub const ATTACHMENT_SCHEME: &str = "attachment:";

/// The extra of an event that overrides the persona for this message alone.
pub const PERSONA_PROMPT: &str = "persona_prompt";

/// What the request is made with, besides the message.
#[derive(Debug, Clone, Default)]
pub(super) struct Prompting {
    /// Said to the model first.
    pub system_prompt: String,
    /// The persona's own lines, before the conversation. Sent and not stored.
    pub opening: Vec<Message>,
    /// Put around the message at `{{prompt}}`.
    pub prompt: String,
    /// Tokens for the window of the conversation, this message included.
    pub context_tokens: u64,
    /// Whether the answer is wanted in parts.
    pub stream: bool,
    /// How many pictures of quoted messages are shown.
    pub quoted_pictures: usize,
    /// What the persona says when the answer failed.
    pub apology: Option<String>,
}

/// How a conversation says that no persona is played in it (reference 2.7).
const NO_PERSONA: &str = "[%None]";

impl Prompting {
    /// What the profile says, with the wishes of the session and of the message laid over it.
    pub(super) async fn of(
        scope: &PluginScope,
        event: &MessageEvent,
        kept: Option<&str>,
        personas: &Personas,
    ) -> Result<Self, DbError> {
        let settings = &scope.profile.provider_settings;
        let wished = event.extras.get(PERSONA_PROMPT).and_then(Value::as_str);
        let character = match wished {
            Some(prompt) => Character { prompt: prompt.to_owned(), ..Character::default() },
            None => character(scope, kept, personas).await?,
        };
        let speak = |(index, line): (usize, &String)| match index % 2 {
            0 => Message::user(line),
            _ => Message::assistant(line),
        };
        Ok(Self {
            system_prompt: character.prompt,
            opening: character.begin_dialogs.iter().enumerate().map(speak).collect(),
            prompt: settings.prompt_prefix.clone(),
            context_tokens: u64::from(settings.history_max_tokens),
            stream: event.options.enable_streaming.unwrap_or(settings.streaming_response),
            quoted_pictures: settings.max_quoted_fallback_images as usize,
            apology: character.apology.filter(|text| !text.is_empty()),
        })
    }
}

/// What a persona brings to a turn.
#[derive(Default)]
struct Character {
    prompt: String,
    begin_dialogs: Vec<String>,
    apology: Option<String>,
}

/// The persona of the session's rule, else the conversation's, else the profile's. Of a name that
/// both know, the stored persona counts before the profile's own.
async fn character(
    scope: &PluginScope,
    kept: Option<&str>,
    personas: &Personas,
) -> Result<Character, DbError> {
    let ruled = scope.rule.service.persona_id.as_deref();
    let named = ruled.or(kept).filter(|name| !name.is_empty());
    let name = named.unwrap_or(&scope.profile.provider_settings.default_personality);
    if name == NO_PERSONA {
        return Ok(Character::default());
    }
    if let Some(stored) = personas.by_id(name).await? {
        return Ok(Character {
            prompt: stored.system_prompt.clone(),
            begin_dialogs: stored.begin_dialogs.clone(),
            apology: stored.custom_error_message.clone(),
        });
    }
    let own = scope.profile.persona(name).cloned().unwrap_or_default();
    Ok(Character {
        prompt: own.prompt,
        begin_dialogs: own.begin_dialogs,
        apology: Some(own.custom_error_message),
    })
}

/// The message of the user as the model is told it.
pub(super) async fn user_message(
    event: &MessageEvent,
    prompting: &Prompting,
    attachments: &Attachments,
) -> Message {
    let text = if prompting.prompt.contains("{{prompt}}") {
        prompting.prompt.replace("{{prompt}}", &event.text)
    } else {
        format!("{}{}", prompting.prompt, event.text)
    };
    let mut parts = Vec::new();
    let quoted = transcript::of(&event.message.chain);
    if !quoted.is_empty() {
        parts.push(Part::text(quoted));
    }
    if !text.is_empty() {
        parts.push(Part::text(text));
    }
    for component in &event.message.chain {
        match component {
            Component::Image(image) => parts.push(image_part(&image.url, attachments).await),
            Component::Record(_) | Component::Video(_) | Component::File(_) => {
                parts.push(Part::text(component.outline()));
            }
            _ => {}
        }
    }
    for url in transcript::pictures(&event.message.chain, prompting.quoted_pictures) {
        parts.push(image_part(url, attachments).await);
    }
    Message::new(Role::User, parts)
}

/// A missing or oversized picture does not cost the turn: the model is told that it is not there.
async fn image_part(url: &str, attachments: &Attachments) -> Part {
    // Anything else was not fetched; an address of a stranger is not passed on to the provider.
    let Some(id) = url.strip_prefix(ATTACHMENT_SCHEME) else {
        return Part::text("[image that could not be fetched]");
    };
    match attachments.by_id(id).await {
        Ok(Some(found)) if found.size <= IMAGE_LIMIT => match tokio::fs::read(&found.path).await {
            Ok(bytes) => Part::image_bytes(&found.mime_type, &bytes),
            Err(error) => {
                tracing::warn!(attachment = id, %error, "a picture could not be read");
                Part::text("[image that could not be read]")
            }
        },
        Ok(Some(_)) => Part::text("[image too large to be shown]"),
        Ok(None) => Part::text("[image that is gone]"),
        Err(error) => {
            tracing::warn!(attachment = id, %error, "a picture could not be looked up");
            Part::text("[image that could not be read]")
        }
    }
}

/// The whole request: as much of the conversation as fits the budget, newest first, and what is
/// asked now.
pub(super) async fn build(
    conversation: &str,
    asked: Message,
    prompting: &Prompting,
    database: &Database,
) -> Result<ChatRequest, DbError> {
    let spent = tokens::estimate(&prompting.system_prompt) + tokens::estimate(&asked.text());
    let budget = prompting.context_tokens.saturating_sub(spent);
    let window = database.conversations().window(conversation, budget).await?;
    let window = window.into_iter().filter_map(readable);
    // A window that begins with an answer would show the model words nobody asked for.
    let window = window.skip_while(|message| message.role != Role::User);
    let mut messages = prompting.opening.clone();
    messages.extend(window);
    messages.push(asked);
    Ok(ChatRequest {
        system_prompt: Some(prompting.system_prompt.clone()),
        messages,
        stream: prompting.stream,
        ..ChatRequest::default()
    })
}

fn readable(stored: StoredMessage) -> Option<Message> {
    serde_json::from_value(stored.content)
        .inspect_err(|error| tracing::warn!(%error, "a stored message was passed over"))
        .ok()
}

/// The message as the conversation keeps it: pictures stay files, never bytes in rows.
pub(super) fn without_images(mut message: Message) -> Message {
    for part in &mut message.content {
        if matches!(part, Part::ImageUrl { .. }) {
            *part = Part::text("[image]");
        }
    }
    message
}
