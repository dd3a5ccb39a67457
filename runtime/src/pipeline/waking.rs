//! Stage 1, waking: whether a message is for the bot, what is left of it without the wake prefix,
//! who may do what, and which plugins take it.

use firstlight_core::config::Profile;
use firstlight_core::model::{ChatAddress, Component, MessageEvent, MessageKind};

use super::answer::TurnEnd;
use super::passage::{Passage, Speaker};
use crate::plugins::dispatch::Match;

/// What the wake rules decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wake {
    /// The bot was addressed.
    Awake,
    /// The message is not for the bot, unless a plugin takes it.
    Asleep,
    /// The bot itself sent it, and the profile does not want to hear that.
    Own,
}

pub(super) async fn run(passage: &mut Passage<'_>) {
    let woken = wake(&mut passage.event, &passage.scope.profile);
    if woken == Wake::Own {
        return passage.end(TurnEnd::Ignored);
    }
    let plugins = &passage.resources.plugins;
    let filtered = plugins.ask_filters(&passage.event, &passage.scope).await;
    match plugins.matching(&passage.event, &passage.scope, &filtered) {
        Match::Refused { text } => {
            passage.say_all(Speaker::Gateway, text.map(firstlight_core::model::MessageChain::text));
            passage.end(TurnEnd::Handled);
        }
        Match::Handlers(handlers) => {
            if woken == Wake::Asleep && handlers.is_empty() {
                return passage.end(TurnEnd::Ignored);
            }
            // A listener that takes everything does not wake the bot, so that the messages of a
            // busy group cost neither a download nor a place under the rate limit.
            passage.awake = woken == Wake::Awake || handlers.iter().any(|handler| handler.wakes);
            passage.handlers = handlers;
        }
    }
}

/// Sets the role, decides, cuts the prefix off `event.text`, and marks the event as addressed.
pub(crate) fn wake(event: &mut MessageEvent, profile: &Profile) -> Wake {
    let settings = &profile.platform_settings;
    event.assign_role(&profile.admins_id);
    if settings.ignore_bot_self_message && event.sender.user_id == event.self_id {
        return Wake::Own;
    }
    event.text = event.text.trim().to_owned();
    event.prefixed = speaks_to_the_bot(event) && cut_prefix(event, &profile.wake_prefix);
    let needs_prefix =
        settings.friend_message_needs_wake_prefix && ChatAddress::of_key(&event.session).is_none();
    let private = event.is_private() && !needs_prefix;
    event.addressed = event.prefixed || private || names_the_bot(event, settings.ignore_at_all);
    if event.addressed { Wake::Awake } else { Wake::Asleep }
}

/// A message of a group that begins with a mention of somebody else is for them, prefix or not.
fn speaks_to_the_bot(event: &MessageEvent) -> bool {
    match event.message.chain.first() {
        Some(Component::At(at)) if event.session.kind() == MessageKind::Group => {
            at.is_all() || at.qq == event.self_id
        }
        _ => true,
    }
}

/// The longest prefix wins, so that `//` is not read as `/` followed by `/`.
fn cut_prefix(event: &mut MessageEvent, prefixes: &[String]) -> bool {
    let begins = |prefix: &&String| !prefix.is_empty() && event.text.starts_with(prefix.as_str());
    let Some(prefix) = prefixes.iter().filter(begins).max_by_key(|prefix| prefix.len()) else {
        return false;
    };
    event.text = event.text.split_at(prefix.len()).1.trim_start().to_owned();
    true
}

/// By a mention, by one of everybody, or by a quote of what the bot said.
fn names_the_bot(event: &MessageEvent, ignore_all: bool) -> bool {
    let bot = |id: &str| !event.self_id.is_empty() && id == event.self_id;
    event.message.chain.iter().any(|component| match component {
        Component::At(at) if at.is_all() => !ignore_all,
        Component::At(at) => bot(&at.qq),
        Component::Reply(reply) => bot(&reply.sender_id),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use firstlight_core::model::{At, MessageChain, Reply, Role, Sender, SessionKey};

    use super::*;

    fn event(session: &str, text: &str) -> MessageEvent {
        let session: SessionKey = session.parse().unwrap();
        let sender = Sender { user_id: "u".into(), nickname: None };
        MessageEvent::new(session, "test", "m", sender, MessageChain::text(text))
    }

    fn check(session: &str, text: &str, profile: &Profile, expect: (Wake, &str)) {
        let mut event = event(session, text);
        let woken = wake(&mut event, profile);
        assert_eq!((woken, event.text.as_str()), expect);
        assert_eq!(event.addressed, woken == Wake::Awake);
    }

    fn slash() -> Profile {
        Profile { wake_prefix: vec!["/".into()], ..Profile::default() }
    }

    #[test]
    fn a_private_message_wakes_without_a_prefix_unless_the_profile_wants_one() {
        check("p:FriendMessage:1", "hello", &slash(), (Wake::Awake, "hello"));
        let mut profile = slash();
        profile.platform_settings.friend_message_needs_wake_prefix = true;
        check("p:FriendMessage:1", "hello", &profile, (Wake::Asleep, "hello"));
        check("p:FriendMessage:1", "/hello", &profile, (Wake::Awake, "hello"));
    }

    #[test]
    fn a_group_message_wakes_by_prefix_or_mention_only() {
        check("p:GroupMessage:1", "hello", &slash(), (Wake::Asleep, "hello"));
        check("p:GroupMessage:1", "/ hello", &slash(), (Wake::Awake, "hello"));
        let mut mention = event("p:GroupMessage:1", "hello");
        mention.self_id = "42".into();
        mention.message.chain.push(Component::At(At { qq: "42".into(), ..At::default() }));
        assert_eq!(wake(&mut mention, &slash()), Wake::Awake);
    }

    #[test]
    fn a_mention_of_all_counts_unless_the_profile_ignores_it() {
        let mut mention = event("p:GroupMessage:1", "hello");
        mention.message.chain.push(Component::At(At { qq: "all".into(), ..At::default() }));
        assert_eq!(wake(&mut mention.clone(), &slash()), Wake::Awake);
        let mut profile = slash();
        profile.platform_settings.ignore_at_all = true;
        assert_eq!(wake(&mut mention, &profile), Wake::Asleep);
    }

    #[test]
    fn a_quote_of_the_bot_wakes_it_and_one_of_somebody_else_does_not() {
        let mut event = event("p:GroupMessage:1", "hello");
        event.self_id = "42".into();
        let quote =
            |sender: &str| Component::Reply(Reply { sender_id: sender.into(), ..Reply::default() });
        event.message.chain.insert(0, quote("41"));
        assert_eq!(wake(&mut event, &slash()), Wake::Asleep);
        event.message.chain.insert(0, quote("42"));
        assert_eq!(wake(&mut event, &slash()), Wake::Awake);
    }

    #[test]
    fn a_prefix_after_a_mention_of_somebody_else_is_for_them() {
        let mut event = event("p:GroupMessage:1", "/hello");
        event.self_id = "42".into();
        event.message.chain.insert(0, Component::At(At { qq: "41".into(), ..At::default() }));
        assert_eq!(wake(&mut event, &slash()), Wake::Asleep);
        assert_eq!((event.text.as_str(), event.prefixed), ("/hello", false));
    }

    #[test]
    fn the_built_in_chats_never_need_a_prefix() {
        let mut profile = slash();
        profile.platform_settings.friend_message_needs_wake_prefix = true;
        for session in ["webchat:FriendMessage:webchat!ann!s", "tui:FriendMessage:tui!ann!s"] {
            check(session, "hello", &profile, (Wake::Awake, "hello"));
        }
    }

    #[test]
    fn what_the_bot_itself_sent_is_passed_over_where_the_profile_wants_that() {
        let mut event = event("p:FriendMessage:1", "hello");
        event.self_id = "u".into();
        assert_eq!(wake(&mut event.clone(), &slash()), Wake::Awake);
        let mut profile = slash();
        profile.platform_settings.ignore_bot_self_message = true;
        assert_eq!(wake(&mut event, &profile), Wake::Own);
    }

    #[test]
    fn s2_an_admin_of_one_platform_is_a_member_on_another() {
        let profile = Profile { admins_id: vec!["p:u".parse().unwrap()], ..slash() };
        let mut here = event("p:FriendMessage:1", "hello");
        wake(&mut here, &profile);
        assert_eq!(here.role, Role::Admin);
        let mut elsewhere = event("q:FriendMessage:1", "hello");
        wake(&mut elsewhere, &profile);
        assert_eq!(elsewhere.role, Role::Member);
    }

    #[test]
    fn the_longest_prefix_is_cut_and_an_empty_one_never_matches() {
        let prefixes = vec![String::new(), "/".into(), "//".into()];
        let profile = Profile { wake_prefix: prefixes, ..Profile::default() };
        check("p:GroupMessage:1", "//x", &profile, (Wake::Awake, "x"));
        check("p:GroupMessage:1", "x", &profile, (Wake::Asleep, "x"));
    }
}
