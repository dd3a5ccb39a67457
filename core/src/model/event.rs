//! One inbound message with everything the pipeline knows about it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::chain::MessageChain;
use super::session::{MessageKind, PlatformId, SessionKey};
use super::user::{Role, Sender, UserKey};

/// The group a message was sent in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Group {
    /// The platform's id of the group.
    pub group_id: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_name: Option<String>,
    /// Its picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_avatar: Option<String>,
    /// Who owns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_owner: Option<String>,
    /// Who moderates it, where the platform tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_admins: Option<Vec<String>>,
    /// Who is in it, where the platform tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<Vec<Sender>>,
}

/// What the sender asked for beside the message itself. Only the web chat and the HTTP API ask.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct EventOptions {
    /// Answer with this provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selected_provider: Option<String>,
    /// Answer with this model of the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selected_model: Option<String>,
    /// Stream the answer, or do not, whatever the profile says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_streaming: Option<bool>,
    /// Ties the turn to the row of the web chat's history.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub llm_checkpoint_id: Option<String>,
    /// The sender stays a member even where the profile lists them as admin.
    pub never_admin: bool,
}

/// One inbound message. Serialisable, because it waits in the durable inbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageEvent {
    /// The session that it belongs to: its order, conversation, rules and limits go by this key,
    /// which is settled before the message is accepted and never changes after.
    pub session: SessionKey,
    /// Where answers go, where that is another address than the session: a group whose members
    /// have sessions of their own. See [`Self::reply_to`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<SessionKey>,
    /// The type of the platform, such as `webchat`; the instance is in the session key.
    pub platform_type: String,
    /// The platform's id of the message; unique per platform.
    pub message_id: String,
    /// The bot's own id on that platform.
    #[serde(default)]
    pub self_id: String,
    /// Who sent it.
    pub sender: Sender,
    /// The group, when it was not private.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// What was sent.
    pub message: MessageChain,
    /// The plain text of it, as the pipeline works on it: the wake prefix is cut off here.
    pub text: String,
    /// When it was sent.
    pub at: Timestamp,
    /// What the sender may do.
    #[serde(default)]
    pub role: Role,
    /// Whether the bot was addressed: by prefix, mention, quote, or in private.
    #[serde(default)]
    pub addressed: bool,
    /// Whether it began with a wake prefix, which `text` then lacks.
    #[serde(default)]
    pub prefixed: bool,
    /// What the sender asked for.
    #[serde(default)]
    pub options: EventOptions,
    /// Whatever else stages and plugins attach.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extras: Map<String, Value>,
}

impl MessageEvent {
    /// A new event: role member, not yet addressed, its text taken from the message.
    pub fn new(
        session: SessionKey,
        platform_type: impl Into<String>,
        message_id: impl Into<String>,
        sender: Sender,
        message: MessageChain,
    ) -> Self {
        Self {
            text: message.plain_text(),
            session,
            address: None,
            platform_type: platform_type.into(),
            message_id: message_id.into(),
            self_id: String::new(),
            sender,
            group: None,
            message,
            at: Timestamp::now(),
            role: Role::Member,
            addressed: false,
            prefixed: false,
            options: EventOptions::default(),
            extras: Map::new(),
        }
    }

    /// Where it came from and an answer goes to.
    pub fn reply_to(&self) -> &SessionKey {
        self.address.as_ref().unwrap_or(&self.session)
    }

    /// The platform instance.
    pub fn platform_id(&self) -> &PlatformId {
        self.session.platform()
    }

    /// The sender as somebody who can hold a role.
    pub fn user(&self) -> UserKey {
        UserKey { platform: self.platform_id().clone(), user: self.sender.user_id.clone() }
    }

    /// Whether it was sent to the bot alone.
    pub fn is_private(&self) -> bool {
        self.session.kind() == MessageKind::Friend
    }

    /// Sets the role from a profile's list of admins.
    pub fn assign_role(&mut self, admins: &[UserKey]) {
        self.role =
            if self.options.never_admin { Role::Member } else { Role::of(&self.user(), admins) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> MessageEvent {
        MessageEvent::new(
            "webchat:FriendMessage:webchat!ann!s1".parse().unwrap(),
            "webchat",
            "m1",
            Sender { user_id: "ann".into(), nickname: None },
            MessageChain::text("hello"),
        )
    }

    #[test]
    fn an_event_survives_the_inbox() {
        let mut event = event();
        event.extras.insert("k".into(), 1.into());
        event.group = Some(Group { group_id: "g".into(), ..Group::default() });
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<MessageEvent>(&text).unwrap(), event);
    }

    #[test]
    fn an_api_caller_can_be_kept_from_the_admin_role() {
        let admins = vec!["webchat:ann".parse().unwrap()];
        let mut event = event();
        event.assign_role(&admins);
        assert_eq!(event.role, Role::Admin);
        event.options.never_admin = true;
        event.assign_role(&admins);
        assert_eq!(event.role, Role::Member);
    }
}
