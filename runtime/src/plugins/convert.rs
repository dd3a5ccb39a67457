//! Between the gateway's own types and those that plugins see.

use std::borrow::Cow;

use firstlight_core::messages::Language;
use firstlight_core::model::{MessageChain, MessageEvent, MessageKind, Role};
use firstlight_plugins_api as api;
use serde_json::Value;

use crate::providers::{self, ChatRequest, ImageUrl, Part};

/// A received message as a plugin sees it.
pub(super) fn event(event: &MessageEvent, language: Language) -> api::Event {
    api::Event {
        session: event.session.to_string(),
        reply_to: event.reply_to().to_string(),
        kind: kind(event.session.kind()),
        platform: event.platform_id().to_string(),
        platform_type: event.platform_type.clone(),
        message_id: event.message_id.clone(),
        self_id: event.self_id.clone(),
        sender: api::Person {
            id: event.sender.user_id.clone(),
            name: event.sender.nickname.clone().unwrap_or_default(),
        },
        group: event.group.as_ref().map(|group| api::GroupChat {
            id: group.group_id.clone(),
            name: group.group_name.clone().unwrap_or_default(),
        }),
        message: message(&event.message),
        text: event.text.clone(),
        at_ms: event.at.as_millisecond(),
        role: role(event.role),
        addressed: event.addressed,
        language: match language {
            Language::English => api::Language::English,
            Language::Chinese => api::Language::Chinese,
        },
    }
}

pub(super) fn kind(kind: MessageKind) -> api::MessageKind {
    match kind {
        MessageKind::Group => api::MessageKind::Group,
        MessageKind::Friend => api::MessageKind::Private,
        MessageKind::Other => api::MessageKind::Other,
    }
}

pub(super) fn role(role: Role) -> api::Role {
    match role {
        Role::Member => api::Role::Member,
        Role::Admin => api::Role::Admin,
    }
}

/// The language of a plugin's event, for texts of the catalogue.
pub(super) fn language(language: api::Language) -> Language {
    match language {
        api::Language::English => Language::English,
        api::Language::Chinese => Language::Chinese,
    }
}

/// Both have the same JSON, and what a plugin cannot name passes through it unchanged.
pub(super) fn message(chain: &MessageChain) -> api::Message {
    let pieces = chain.chain.iter().filter_map(|component| serde_json::to_value(component).ok());
    api::Message { pieces: pieces.map(piece).collect() }
}

fn piece(value: Value) -> api::Piece {
    serde_json::from_value(value.clone()).unwrap_or(api::Piece::Other(value))
}

/// A plugin's message as it is sent.
pub(super) fn chain(message: &api::Message) -> MessageChain {
    let components = message.pieces.iter().filter_map(|piece| {
        let component = serde_json::to_value(piece).and_then(serde_json::from_value);
        component.inspect_err(|error| tracing::warn!(%error, "a piece of a message is lost")).ok()
    });
    MessageChain { chain: components.collect(), ..MessageChain::default() }
}

/// A request to a model as a hook sees it.
pub(super) fn request(request: &ChatRequest) -> api::ModelRequest {
    api::ModelRequest {
        system_prompt: request.system_prompt.clone(),
        messages: request.messages.iter().map(model_message).collect(),
        model: request.model.clone(),
    }
}

/// What a hook made of a request.
pub(super) fn apply_request(changed: api::ModelRequest, to: &mut ChatRequest) {
    to.system_prompt = changed.system_prompt;
    to.messages = changed.messages.into_iter().map(spoken).collect();
    to.model = changed.model;
}

/// A message to or from a model as a hook sees it.
pub(super) fn model_message(message: &providers::Message) -> api::ModelMessage {
    let part = |part: &Part| match part {
        Part::Text { text } => api::ModelPart::Text(text.clone()),
        Part::ImageUrl { image_url } => api::ModelPart::Image(image_url.url.clone()),
    };
    api::ModelMessage {
        speaker: match message.role {
            providers::Role::System => api::Speaker::System,
            providers::Role::User => api::Speaker::User,
            providers::Role::Assistant => api::Speaker::Model,
        },
        parts: message.content.iter().map(part).collect(),
        reasoning: message.reasoning_content.clone(),
    }
}

/// What a hook made of a message to or from a model.
pub(super) fn spoken(message: api::ModelMessage) -> providers::Message {
    let part = |part| match part {
        api::ModelPart::Text(text) => Part::Text { text },
        api::ModelPart::Image(url) => Part::ImageUrl { image_url: ImageUrl { url } },
    };
    providers::Message {
        role: match message.speaker {
            api::Speaker::System => providers::Role::System,
            api::Speaker::User => providers::Role::User,
            api::Speaker::Model => providers::Role::Assistant,
        },
        content: message.parts.into_iter().map(part).collect(),
        reasoning_content: message.reasoning,
    }
}

/// Shortens what a plugin says about a failure, for a chat.
pub(super) fn shortened(text: &str) -> Cow<'_, str> {
    const SHOWN: usize = 300;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use firstlight_core::model::{At, Component, Image, Plain, Reply};

    use super::*;

    #[test]
    fn a_message_is_what_it_was_after_it_passed_through_a_plugin() {
        let sent = MessageChain {
            chain: vec![
                Component::Plain(Plain { text: "hi".into(), convert: false }),
                Component::At(At { qq: "42".into(), name: "Ann".into() }),
                Component::At(At::all()),
                Component::Image(Image { file: "a".into(), path: "/p".into(), ..Image::default() }),
                Component::Reply(Reply {
                    id: "7".into(),
                    chain: vec![Component::text("before")],
                    time: 5,
                    ..Reply::default()
                }),
                Component::Dice(firstlight_core::model::Marker::default()),
                serde_json::from_str(r#"{"type":"strange","data":{"x":[1]}}"#).unwrap(),
            ],
            ..MessageChain::default()
        };
        assert_eq!(chain(&message(&sent)), sent);
    }
}
