//! What is settled about a message before it is accepted: whose session it is, and whether it is a
//! command that acts on the answer that is being made right now.

use firstlight_core::db::SessionRules;
use firstlight_core::model::{MessageEvent, MessageKind, SessionKey};

use super::live::{Announcement, LiveTurns};
use crate::pipeline::{Pipelines, wake};
use crate::plugins::Plugins;
use crate::plugins::dispatch::{Match, PluginScope};
use crate::plugins::filters::Filtered;

/// A command that ends an answer is short; longer messages are not looked at before their turn.
const LONGEST_COMMAND: usize = 512;

/// What is settled about messages before they are accepted; cheap to clone.
#[derive(Clone)]
pub(crate) struct Arrivals {
    pub(crate) live: LiveTurns,
    pub(crate) pipelines: Pipelines,
    pub(crate) plugins: Plugins,
    pub(crate) rules: SessionRules,
}

impl Arrivals {
    /// Gives the message of a group the session of its sender, where the profile wants that.
    ///
    /// It is done here and never again, so that a turn has one identity from its acceptance to its
    /// end, whatever becomes of the profile meanwhile (reference 7.2 B1).
    pub(crate) fn settle_session(&self, event: &mut MessageEvent) {
        let group = event.session.kind() == MessageKind::Group && event.address.is_none();
        if !group || !self.pipelines.splits_groups(&event.session) {
            return;
        }
        if let Some(own) = member_session(event) {
            event.address = Some(std::mem::replace(&mut event.session, own));
        }
    }

    /// Says that the message is about to be accepted, if it is a command that ends what runs.
    ///
    /// What cannot be found out (a profile or a rule that cannot be read) ends nothing: the turn of
    /// the message meets the same error and tells it.
    pub(crate) async fn announce(
        &self,
        event: &MessageEvent,
        identity: &str,
    ) -> Option<Announcement> {
        if event.text.is_empty() || event.text.len() > LONGEST_COMMAND {
            return None;
        }
        let profile = self.pipelines.of_session(event.reply_to()).ok()?.profile().clone();
        let rule = self.rules.of(&event.session.to_string()).await.ok()?;
        let mut event = event.clone();
        wake(&mut event, &profile);
        let scope = PluginScope { profile, rule };
        match self.plugins.matching(&event, &scope, &Filtered::default()) {
            Match::Handlers(handlers) if handlers.iter().any(|handler| handler.interrupts) => {
                Some(self.live.announce(&event.session, identity))
            }
            Match::Handlers(_) | Match::Refused { .. } => None,
        }
    }
}

/// The session of one member of a group, as the contract builds it for each type of platform
/// (reference 2.3.1). Types that are not listed have none.
fn member_session(event: &MessageEvent) -> Option<SessionKey> {
    let (sender, session) = (event.sender.user_id.as_str(), event.session.session());
    let group = event.group.as_ref().map_or(session, |group| group.group_id.as_str());
    let own = match event.platform_type.as_str() {
        "aiocqhttp" | "slack" => format!("{sender}_{group}"),
        "dingtalk" | "qq_official" | "qq_official_webhook" => sender.to_owned(),
        "lark" => format!("{sender}%{group}"),
        "misskey" => format!("{session}_{sender}"),
        _ => return None,
    };
    SessionKey::new(event.platform_id().clone(), MessageKind::Group, own).ok()
}

#[cfg(test)]
mod tests {
    use firstlight_core::model::{Group, MessageChain, Sender};

    use super::*;

    fn check(platform_type: &str, expected: Option<&str>) {
        let session = "bot:GroupMessage:g".parse().unwrap();
        let sender = Sender { user_id: "u".into(), nickname: None };
        let mut event =
            MessageEvent::new(session, platform_type, "m", sender, MessageChain::text("hello"));
        event.group = Some(Group { group_id: "7".into(), ..Group::default() });
        let own = member_session(&event).map(|key| key.to_string());
        assert_eq!(own.as_deref(), expected, "{platform_type}");
    }

    #[test]
    fn a_member_of_a_group_has_the_session_of_the_contract() {
        check("aiocqhttp", Some("bot:GroupMessage:u_7"));
        check("qq_official", Some("bot:GroupMessage:u"));
        check("lark", Some("bot:GroupMessage:u%7"));
        check("misskey", Some("bot:GroupMessage:g_u"));
        check("telegram", None);
    }
}
