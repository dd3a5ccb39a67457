//! A message that only calls the bot, by a bare mention or a bare prefix, makes it wait for the
//! next one of that person, which then needs no mention.
//!
//! Nothing of it runs while it waits: the host keeps the wait (reference P8). With the profile's
//! `empty_mention_waiting` off it does nothing at all, whichever way it was called (reference B22).

use std::time::Duration;

use firstlight_core::messages::Message;
use firstlight_plugins_api::{
    Answered, Call, Event, Filter, Handler, Host, Manifest, Plugin, PluginError, Reply, Wait,
};
use serde_json::Value;

use super::registrations::manifest;
use super::saying::sentence;

/// How long the bot waits for the next message.
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) struct EmptyMention {
    host: Host,
}

impl Plugin for EmptyMention {
    fn manifest() -> Manifest {
        let about = "Waits for the next message of somebody who only mentioned the bot.";
        manifest("empty-mention", "Empty mention", about)
    }

    async fn load(host: Host) -> Result<Self, PluginError> {
        Ok(Self { host })
    }

    fn handlers(&self) -> Vec<Handler> {
        let handler = Handler::message("called", Filter::OnlyAddressed);
        vec![handler.about("Waits for what the caller has to say.").priority(i32::MAX - 1)]
    }

    async fn handle(&self, call: Call) -> Result<Reply, PluginError> {
        let event = &call.event;
        let (waits, says_something) = self.switches(event).await?;
        if !waits {
            return Ok(Reply::nothing());
        }
        self.host.wait_for_reply(Wait::of(event, "called", PATIENCE)).await?;
        Ok(if says_something {
            Reply::ask(sentence(event, &Message::MentionPrompt))
        } else {
            Reply::nothing().stop()
        })
    }

    async fn answered(&self, answered: Answered) -> Result<Reply, PluginError> {
        Ok(Reply::ask(answered.event.text))
    }
}

impl EmptyMention {
    /// Whether to wait, and whether to say something meanwhile.
    async fn switches(&self, event: &Event) -> Result<(bool, bool), PluginError> {
        let profile = self.host.profile(event).await?;
        let settings = profile.get("platform_settings");
        let switch = |name| settings.and_then(|all| all.get(name)).and_then(Value::as_bool);
        let waits = switch("empty_mention_waiting").unwrap_or(false);
        Ok((waits, switch("empty_mention_waiting_need_reply").unwrap_or(false)))
    }
}

#[cfg(test)]
mod tests {
    use firstlight_plugins_api::MessageKind;
    use firstlight_plugins_api::testing::{FakeHost, Stage};
    use serde_json::json;

    use super::*;

    async fn stage(waits: bool, says: bool) -> Stage<EmptyMention> {
        let host = FakeHost::default().profile(json!({ "platform_settings": {
            "empty_mention_waiting": waits, "empty_mention_waiting_need_reply": says,
        }}));
        Stage::load_with(host).await.unwrap()
    }

    fn in_group(text: &str, addressed: bool) -> Event {
        let event = Stage::<EmptyMention>::event(text);
        Event { kind: MessageKind::Group, addressed, ..event }
    }

    #[tokio::test]
    async fn after_a_bare_mention_the_next_message_needs_none() {
        let stage = stage(true, false).await;
        let called = stage.receive(in_group("", true)).await;
        assert!(called.replies.is_empty() && called.asked.is_none());
        let said = stage.receive(in_group("what time is it", false)).await;
        assert_eq!(said.asked.unwrap().prompt, "what time is it");
        assert!(stage.receive(in_group("and now", false)).await.handlers.is_empty());
    }

    #[tokio::test]
    async fn the_model_asks_back_when_the_profile_says_so() {
        let stage = stage(true, true).await;
        let called = stage.receive(in_group("/", false)).await;
        assert!(called.asked.unwrap().prompt.contains("one short, friendly sentence"));
        assert_eq!(stage.host().waiting(), 1);
    }

    #[tokio::test]
    async fn b22_a_bare_prefix_makes_nobody_wait_when_the_switch_is_off() {
        let stage = stage(false, true).await;
        for event in [in_group("/", false), in_group("", true)] {
            let called = stage.receive(event).await;
            assert!(called.asked.is_none());
        }
        assert_eq!(stage.host().waiting(), 0);
    }

    #[tokio::test]
    async fn p8_nothing_runs_while_it_waits_and_the_wait_ends_by_itself() {
        let stage = stage(true, false).await;
        stage.receive(in_group("", true)).await;
        stage.advance(PATIENCE).await.unwrap();
        assert_eq!(stage.host().waiting(), 0);
        assert!(stage.receive(in_group("late", false)).await.handlers.is_empty());
    }
}
