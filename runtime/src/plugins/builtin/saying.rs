//! How built-in plugins speak: in the language of the chat.

use firstlight_core::messages::Message;
use firstlight_plugins_api::{Event, Reply};

use super::super::convert;

/// A sentence in the language of the chat.
pub(super) fn sentence(event: &Event, message: &Message) -> String {
    message.text(convert::language(event.language)).into_owned()
}

/// Answers with a sentence in the language of the chat.
pub(super) fn say(event: &Event, message: &Message) -> Reply {
    Reply::text(sentence(event, message))
}
