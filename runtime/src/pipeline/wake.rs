//! Wake: whether a message is for the bot, and what is left of it without the wake prefix.

use firstlight_core::config::Profile;
use firstlight_core::model::{Component, MessageEvent};

/// What the wake stage decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wake {
    /// The bot was addressed.
    Awake,
    /// The message is not for the bot.
    Asleep,
}

/// Decides, cuts the prefix off `event.text`, and marks the event as addressed.
pub(super) fn wake(event: &mut MessageEvent, profile: &Profile) -> Wake {
    let settings = &profile.platform_settings;
    if settings.ignore_bot_self_message && event.sender.user_id == event.self_id {
        return Wake::Asleep;
    }
    let prefixed = cut_prefix(event, &profile.wake_prefix);
    let private = event.is_private() && !settings.friend_message_needs_wake_prefix;
    if prefixed || private || is_mentioned(event, settings.ignore_at_all) {
        event.addressed = true;
        return Wake::Awake;
    }
    Wake::Asleep
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

fn is_mentioned(event: &MessageEvent, ignore_all: bool) -> bool {
    event.message.chain.iter().any(|component| match component {
        Component::At(at) if at.qq == "all" => !ignore_all,
        Component::At(at) => !event.self_id.is_empty() && at.qq == event.self_id,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use firstlight_core::model::{At, MessageChain, Sender, SessionKey};

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
    fn the_longest_prefix_is_cut_and_an_empty_one_never_matches() {
        let prefixes = vec![String::new(), "/".into(), "//".into()];
        let profile = Profile { wake_prefix: prefixes, ..Profile::default() };
        check("p:GroupMessage:1", "//x", &profile, (Wake::Awake, "x"));
        check("p:GroupMessage:1", "x", &profile, (Wake::Asleep, "x"));
    }
}
