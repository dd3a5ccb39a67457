//! A message on its way through the stages, and what comes of it.

use std::sync::Arc;

use firstlight_core::db::Database;
use firstlight_core::model::{ChatAddress, MessageChain, MessageEvent, Outgoing};

use super::answer::TurnEnd;
use super::compiled::Compiled;
use super::media::MediaFetcher;
use super::rate_limit::RateLimiter;
use crate::metadata::Metadata;
use crate::platforms::Adapters;
use crate::plugins::Plugins;
use crate::plugins::dispatch::{Activated, Outcome, PluginScope};
use crate::providers::{Message, Registry};

/// What a pipeline works with; the same for all of them.
#[derive(Clone)]
pub struct Resources {
    /// The chat providers.
    pub providers: Arc<Registry>,
    /// Conversations, attachments and preferences.
    pub database: Database,
    /// What is known about models.
    pub metadata: Metadata,
    /// Who takes messages besides models.
    pub plugins: Plugins,
    /// The platforms, to ask them about quotes and files.
    pub adapters: Adapters,
    /// Who said how much of late.
    pub limiter: Arc<RateLimiter>,
    /// Fetches what messages refer to.
    pub media: Arc<MediaFetcher>,
}

/// Who says something in a session in the course of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// A plugin.
    Plugin,
    /// The model.
    Model,
    /// The gateway itself: a refusal, or what went wrong.
    Gateway,
}

/// Something that is said in the session.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// Who says it.
    pub by: Speaker,
    /// What is said.
    pub message: MessageChain,
}

/// A turn that was run: how it ended, and all that came of it.
pub struct Turn {
    /// The message, as the stages left it.
    pub event: MessageEvent,
    /// How it ended.
    pub end: TurnEnd,
    /// The conversation it belongs to; `None` when it never came to one.
    pub conversation: Option<String>,
    /// What the user said, as the conversation keeps it.
    pub asked: Option<Message>,
    /// What is said in the session, in order, decorated.
    pub said: Vec<Said>,
    /// The same as messages for the platform's sender; none for the built-in chats, which show `said`.
    pub outgoing: Vec<Outgoing>,
    /// What the persona says instead of what went wrong.
    pub apology: Option<String>,
    /// What plugins are asked with after it; `None` when it never came to that.
    pub(crate) scope: Option<PluginScope>,
}

/// A message on its way through the stages.
pub(super) struct Passage<'a> {
    pub(super) event: MessageEvent,
    pub(super) scope: PluginScope,
    pub(super) compiled: Arc<Compiled>,
    pub(super) resources: &'a Resources,
    /// Whether the message is for the bot, and not only overheard by a listener.
    pub(super) awake: bool,
    /// Whether it is of a chat that is built in. The turn decides by the same rule where its answer
    /// is seen, so that it is seen once.
    built_in: bool,
    pub(super) handlers: Vec<Activated>,
    pub(super) said: Vec<Said>,
    pub(super) conversation: Option<String>,
    pub(super) asked: Option<Message>,
    /// What is said instead of what went wrong.
    pub(super) apology: Option<String>,
    pub(super) outgoing: Vec<Outgoing>,
    end: Option<TurnEnd>,
}

impl<'a> Passage<'a> {
    pub(super) fn new(
        event: MessageEvent,
        scope: PluginScope,
        compiled: Arc<Compiled>,
        resources: &'a Resources,
    ) -> Self {
        Self {
            built_in: ChatAddress::of_key(&event.session).is_some(),
            event,
            scope,
            compiled,
            resources,
            awake: false,
            handlers: Vec::new(),
            said: Vec::new(),
            conversation: None,
            asked: None,
            apology: None,
            outgoing: Vec::new(),
            end: None,
        }
    }

    /// Ends the way through the stages. What was said so far is still decorated and sent.
    pub(super) fn end(&mut self, end: TurnEnd) {
        self.end = Some(end);
    }

    pub(super) fn ended(&self) -> Option<&TurnEnd> {
        self.end.as_ref()
    }

    /// Says something, after what was said before.
    pub(super) fn say(&mut self, by: Speaker, message: MessageChain) {
        if !message.is_empty() {
            self.said.push(Said { by, message });
        }
    }

    pub(super) fn say_all(
        &mut self,
        by: Speaker,
        messages: impl IntoIterator<Item = MessageChain>,
    ) {
        messages.into_iter().for_each(|message| self.say(by, message));
    }

    /// Says what a plugin wants said, and ends the way when it wants that.
    pub(super) fn take(&mut self, outcome: Outcome) {
        self.say_all(Speaker::Plugin, outcome.replies);
        if outcome.stop && self.end.is_none() {
            self.end(TurnEnd::Handled);
        }
    }

    /// Whether its answers are shown by a built-in chat rather than sent by a platform's sender.
    pub(super) fn is_built_in(&self) -> bool {
        self.built_in
    }

    /// Whether its answer is seen while it is being made, so that it cannot be changed any more.
    pub(super) fn streams(&self) -> bool {
        let wish = self.scope.profile.provider_settings.streaming_response;
        self.built_in && self.event.options.enable_streaming.unwrap_or(wish)
    }

    pub(super) fn into_turn(self) -> Turn {
        Turn {
            event: self.event,
            end: self.end.unwrap_or(TurnEnd::Handled),
            conversation: self.conversation,
            asked: self.asked,
            said: self.said,
            outgoing: self.outgoing,
            apology: self.apology,
            scope: Some(self.scope),
        }
    }
}

impl Turn {
    /// A turn that never came to the stages.
    pub(crate) fn unbegun(event: MessageEvent, end: TurnEnd) -> Self {
        Self {
            event,
            end,
            conversation: None,
            asked: None,
            said: Vec::new(),
            outgoing: Vec::new(),
            apology: None,
            scope: None,
        }
    }
}
