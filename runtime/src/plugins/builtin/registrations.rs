//! Which plugins come with the gateway, and what they say of themselves.

use firstlight_plugins_api::{Manifest, Version};

use super::super::erased::Registration;
use super::super::runtime_status::RuntimeStatusPlugin;
use super::{conversation, empty_mention, information, provider, variables};

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
pub(super) fn manifest(name: &str, display_name: &str, description: &str) -> Manifest {
    Manifest::new(name, Version::new(1, 0, 0))
        .display_name(display_name)
        .author("Firstlight")
        .description(description)
        .reserved()
}
