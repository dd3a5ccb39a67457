//! Recognising what a message is: a command, something that a filter names, or neither.
//!
//! A command needs the wake prefix or a mention of the bot, also in private: a bare word of a
//! private chat is for the model (reference B20). Written with the prefix, a command that does not
//! fit is answered with its usage; after a mention, such a line is ordinary language.

use std::cell::OnceCell;

use firstlight_core::config::Profile;
use firstlight_core::model::{Component, MessageEvent};
use firstlight_plugins_api::matching::{Facts, Found, Line, Question};

use super::call::declared;
use super::convert;
use super::dispatch::PluginScope;
use super::filters::Filtered;
use super::state::{FALLBACK_PREFIX, State, shared};

/// Who takes a message, by the declarations of the plugins.
pub(super) fn find(
    state: &State,
    event: &MessageEvent,
    scope: &PluginScope,
    filtered: &Filtered,
) -> Found {
    let profile = &scope.profile;
    let command = command_text(event, profile);
    let command = command.filter(|(text, _)| state.index.begins_command(text));
    let written = command.map(|(text, _)| line(event, text));
    let seen = OnceCell::new();
    let custom = |plugin: &str, name: &str| {
        if let Some(answer) = filtered.answer(plugin, name) {
            return answer;
        }
        let Some(live) = state.plugins.get(plugin) else { return false };
        let event = seen.get_or_init(|| convert::event(event, profile.language));
        let asked = declared("predicate", || live.plugin.predicate(name, event));
        asked
            .inspect_err(|error| tracing::warn!(plugin, %error, "a filter failed"))
            .unwrap_or(false)
    };
    let kind = convert::kind(event.session.kind());
    state.index.find(&Question {
        facts: Facts {
            text: &event.text,
            kind,
            platform_type: &event.platform_type,
            role: convert::role(event.role),
            addressed: event.addressed,
            only_addressed: event.addressed && says_nothing(event),
            shared: shared(kind, profile),
        },
        line: written.as_ref(),
        strict: command.is_some_and(|(_, strict)| strict),
        allowed: &|entry| state.allows(entry, profile, &scope.rule),
        custom: &custom,
    })
}

/// The text that can be a command, and whether it was written as one (reference B20).
fn command_text<'e>(event: &'e MessageEvent, profile: &Profile) -> Option<(&'e str, bool)> {
    if !event.addressed {
        return None;
    }
    if event.prefixed {
        return Some((&event.text, true));
    }
    let has_prefix = profile.wake_prefix.iter().any(|prefix| !prefix.is_empty());
    let written = event.text.strip_prefix(FALLBACK_PREFIX).filter(|_| !has_prefix);
    written.map(|text| (text.trim_start(), true)).or_else(|| mentioned(event))
}

fn mentioned(event: &MessageEvent) -> Option<(&str, bool)> {
    let mentions = event.message.chain.iter().any(|component| match component {
        Component::At(at) => !event.self_id.is_empty() && at.qq == event.self_id,
        _ => false,
    });
    mentions.then_some((event.text.as_str(), false))
}

fn line(event: &MessageEvent, text: &str) -> Line {
    let has_mention = event.message.chain.iter().any(|part| matches!(part, Component::At(_)));
    if has_mention { Line::of(&convert::message(&event.message), text) } else { Line::text(text) }
}

/// Whether there is nothing in a message but mentions and white space.
fn says_nothing(event: &MessageEvent) -> bool {
    let nothing =
        |component: &Component| matches!(component, Component::At(_) | Component::Plain(_));
    event.text.trim().is_empty() && event.message.chain.iter().all(nothing)
}
