//! The plugins that come with the gateway. They are written against `plugins-api` like anybody
//! else's and are its worked examples; what they want of the gateway they ask their host.
//!
//! | plugin | what it offers |
//! |---|---|
//! | [`conversation`] | `/new`, `/reset`, `/stop`, `/stats` |
//! | [`information`] | `/help`, `/sid`, `/name` |
//! | [`provider`] | `/provider` |
//! | [`variables`] | `/set`, `/unset` |
//! | [`empty_mention`] | a message that only calls the bot makes it wait for the next one |

mod conversation;
mod empty_mention;
mod information;
mod provider;
mod variables;

use firstlight_core::messages::Message;
use firstlight_plugins_api::{Event, Manifest, Reply, Version};

use super::convert;
use super::erased::Registration;
use super::runtime_status::RuntimeStatusPlugin;

/// The plugins that come with the gateway.
pub fn registrations() -> Vec<Registration> {
    vec![
        Registration::of::<RuntimeStatusPlugin>(),
        Registration::of::<conversation::Conversation>(),
        Registration::of::<information::Information>(),
        Registration::of::<provider::Provider>(),
        Registration::of::<variables::Variables>(),
        Registration::of::<empty_mention::EmptyMention>(),
    ]
}

/// The manifest of one of them.
fn manifest(name: &str, display_name: &str, description: &str) -> Manifest {
    Manifest::new(name, Version::new(1, 0, 0))
        .display_name(display_name)
        .author("Firstlight")
        .description(description)
        .reserved()
}

/// A sentence in the language of the chat.
fn sentence(event: &Event, message: &Message) -> String {
    message.text(convert::language(event.language)).into_owned()
}

/// Answers with a sentence in the language of the chat.
fn say(event: &Event, message: &Message) -> Reply {
    Reply::text(sentence(event, message))
}
