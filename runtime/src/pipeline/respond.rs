//! Stage 9, respond: what goes to the platform's sender, committed with the end of the turn.

use firstlight_core::messages::Language;
use firstlight_core::model::{ChatAddress, Component, MessageChain, MessageEvent, Outgoing};

use super::answer::TurnEnd;
use super::decoration::is_blank;
use super::passage::{Passage, Said, Speaker, Turn};

/// The error of a turn is told in the chat, unless the web chat shows it beside the answer. Of an
/// answer that failed half-way, what had been said goes first.
pub(super) fn run(passage: &mut Passage<'_>) {
    passage.outgoing.retain(|outgoing| !is_blank(&outgoing.message));
    if passage.is_built_in() {
        return;
    }
    let Some(TurnEnd::Failed { error, partial }) = passage.ended() else { return };
    let told = match &passage.apology {
        Some(apology) => apology.clone(),
        None => error.told(passage.scope.profile.language),
    };
    let said = [(Speaker::Model, partial.text.clone()), (Speaker::Gateway, told)];
    for (by, text) in said {
        let message = MessageChain::text(text);
        if !is_blank(&message) {
            passage.outgoing.push(reply(&passage.event, message.clone()));
            passage.said.push(Said { by, message });
        }
    }
}

/// Tells the error of a turn that never came to its stages.
pub(crate) fn tell_failure(turn: &mut Turn, language: Language) {
    let TurnEnd::Failed { error, partial } = &turn.end else { return };
    if ChatAddress::of_key(&turn.event.session).is_some() {
        return;
    }
    let mut chain = MessageChain::text(error.told(language));
    if !partial.text.trim().is_empty() {
        chain.chain.insert(0, Component::text(format!("{}\n\n", partial.text)));
    }
    turn.outgoing.push(reply(&turn.event, chain.clone()));
    turn.said.push(Said { by: Speaker::Gateway, message: chain });
}

/// A message to where the event came from, by the account that received it.
pub(super) fn reply(event: &MessageEvent, message: MessageChain) -> Outgoing {
    let account = event.self_id.clone();
    Outgoing { account, ..Outgoing::new(event.reply_to().clone(), message) }
}
