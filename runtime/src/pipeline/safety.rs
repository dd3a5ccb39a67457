//! Stage 5, content safety: what is not heard, and not said.

use firstlight_core::config::WhenDown;
use firstlight_core::messages::Message as Sentence;
use firstlight_core::model::{Component, MessageChain, MessageEvent};

use super::answer::TurnEnd;
use super::passage::{Passage, Speaker};

pub(super) async fn run(passage: &mut Passage<'_>) {
    let text = heard(&passage.event);
    if !passage.is_unfit(&text).await {
        return;
    }
    let session = passage.event.session.to_string();
    tracing::info!(session, "a message with words that the profile refuses");
    if passage.event.addressed {
        let refusal = Sentence::ContentRefused.text(passage.scope.profile.language);
        passage.say(Speaker::Gateway, MessageChain::text(refusal));
    }
    passage.end(TurnEnd::Handled);
}

/// The text of the message and of what it quotes.
fn heard(event: &MessageEvent) -> String {
    let quoted = event.message.chain.iter().filter_map(|component| match component {
        Component::Reply(reply) => Some(reply),
        _ => None,
    });
    let mut text = event.text.clone();
    for reply in quoted {
        text.push('\n');
        text.push_str(&reply.message_str);
        for part in reply.chain.iter().filter_map(Component::as_text) {
            text.push('\n');
            text.push_str(part);
        }
    }
    text
}

impl Passage<'_> {
    /// Whether the profile refuses such a text. The service is asked only about messages for the
    /// bot: what is merely overheard in a group is not sent anywhere.
    pub(super) async fn is_unfit(&self, text: &str) -> bool {
        if self.compiled.keywords.as_ref().is_some_and(|keywords| keywords.found_in(text)) {
            return true;
        }
        match &self.compiled.moderator {
            Some(_) if !self.awake || text.trim().is_empty() => false,
            Some(Ok(moderator)) => moderator.refuses(text).await,
            Some(Err(when_down)) => *when_down == WhenDown::Refuse,
            None => false,
        }
    }
}
