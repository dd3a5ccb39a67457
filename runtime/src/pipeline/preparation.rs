//! Stage 6, preparation: what the message refers to is fetched, for messages that woke the bot.
//!
//! A message that is only overheard by a listener costs no question and no download
//! (reference 7.3 P1).

use firstlight_core::config::PlatformSpecific;
use rand::seq::IndexedRandom;

use super::expansion;
use super::media;
use super::passage::Passage;

pub(super) async fn run(passage: &mut Passage<'_>) {
    if passage.is_built_in() {
        return;
    }
    media::disarm(&mut passage.event.message.chain);
    if !passage.awake {
        return;
    }
    let resources = passage.resources;
    let profile = passage.scope.profile.clone();
    let adapter = resources.adapters.find(passage.event.platform_id().as_str());
    if let Some(adapter) = &adapter {
        if let Some(reaction) = reaction(&profile.platform_specific, passage) {
            adapter.react(&passage.event, &reaction).await;
        }
        let limits = &profile.provider_settings.quoted_message_parser;
        expansion::expand(&mut passage.event, adapter.as_ref(), limits).await;
    }
    media::fetch_all(
        &mut passage.event,
        &resources.media,
        &profile.platform_settings.media_private_hosts,
        &resources.database.attachments(),
        adapter.as_deref(),
    )
    .await;
}

/// The reaction that says that work begins, where the bot was addressed and the profile wants one.
fn reaction(settings: &PlatformSpecific, passage: &Passage<'_>) -> Option<String> {
    let reactions = settings.reactions(&passage.event.platform_type);
    let chosen = reactions.choose(&mut rand::rng()).cloned();
    chosen.filter(|_| passage.event.addressed)
}
