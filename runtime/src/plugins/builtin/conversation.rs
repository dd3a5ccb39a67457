//! `/new`, `/reset`, `/stop`, `/stats`: what is said in a session.
//!
//! A conversation that a group shares is the admins' to end: `/new` as well as `/reset` (reference
//! B19). `/new`, `/reset` and `/stop` end the answer that is being made as soon as they are
//! accepted, before their own turn comes.

use firstlight_core::messages::Message;
use firstlight_plugins_api::{
    Call, Handler, Host, Manifest, Permission, Plugin, PluginError, Reply,
};

use super::registrations::manifest;
use super::saying::say;

pub(super) struct Conversation {
    host: Host,
}

impl Plugin for Conversation {
    fn manifest() -> Manifest {
        manifest("conversation", "Conversation", "Begins, forgets, stops and counts conversations.")
    }

    async fn load(host: Host) -> Result<Self, PluginError> {
        Ok(Self { host })
    }

    fn handlers(&self) -> Vec<Handler> {
        let new = Handler::command("new").about("Begins a new conversation.");
        let reset = Handler::command("reset").about("Forgets what was said in this conversation.");
        vec![
            new.permission(Permission::Owner).interrupts(),
            reset.permission(Permission::Owner).interrupts(),
            Handler::command("stop").about("Stops the answer that is being made.").interrupts(),
            Handler::command("stats").about("Counts the tokens of this conversation."),
        ]
    }

    async fn handle(&self, call: Call) -> Result<Reply, PluginError> {
        let event = &call.event;
        let answer = match call.handler.as_str() {
            "new" => {
                self.host.new_conversation(&event.session).await?;
                Message::ConversationNew
            }
            "reset" if self.host.clear_conversation(&event.session).await? => {
                Message::ConversationReset
            }
            "stop" => Message::AnswerEnded,
            "stats" => self.stats(&event.session).await?,
            _ => Message::ConversationNone,
        };
        Ok(say(event, &answer))
    }
}

impl Conversation {
    async fn stats(&self, session: &str) -> Result<Message, PluginError> {
        let Some(conversation) = self.host.conversation(session).await? else {
            return Ok(Message::ConversationNone);
        };
        let (input, cached) = (conversation.input_tokens, conversation.cached_tokens);
        let output = conversation.output_tokens;
        let total = input.saturating_add(cached).saturating_add(output);
        Ok(Message::ConversationTokens { total, input, cached, output })
    }
}

#[cfg(test)]
mod tests {
    use firstlight_plugins_api::testing::Stage;
    use firstlight_plugins_api::{Language, MessageKind, Role};

    use super::*;

    #[tokio::test]
    async fn a_conversation_is_begun_forgotten_and_counted() {
        let stage = Stage::<Conversation>::load().await.unwrap();
        let said = |text: &'static str| async { stage.say(text).await.texts().join("") };
        assert_eq!(said("/reset").await, "There is no conversation here yet.");
        assert_eq!(said("/stats").await, "There is no conversation here yet.");
        assert_eq!(said("/new").await, "A new conversation begins.");
        assert_eq!(said("/new").await, "A new conversation begins.");
        assert_eq!(stage.host().conversations("test:FriendMessage:ann"), 2);
        assert_eq!(said("/reset").await, "What was said in this conversation is forgotten.");
        assert!(said("/stats").await.starts_with("Tokens of this conversation: 0"));
        let mut event = Stage::<Conversation>::event("/stop");
        event.language = Language::Chinese;
        assert_eq!(stage.receive(event).await.texts(), ["已停止。"]);
    }

    /// The ancestor let every member of a group begin a new conversation, and only admins reset it.
    #[tokio::test]
    async fn b19_new_and_reset_are_the_admins_where_a_group_shares_the_conversation() {
        let stage = Stage::<Conversation>::load().await.unwrap();
        for text in ["/new", "/reset"] {
            let mut event = Stage::<Conversation>::event(text);
            event.kind = MessageKind::Group;
            assert!(stage.receive(event.clone()).await.refused.is_some(), "{text}");
            event.role = Role::Admin;
            assert_eq!(stage.receive(event).await.handlers.len(), 1, "{text}");
        }
        let mut event = Stage::<Conversation>::event("/stop");
        event.kind = MessageKind::Group;
        assert_eq!(stage.receive(event).await.handlers, ["stop"]);
    }
}
