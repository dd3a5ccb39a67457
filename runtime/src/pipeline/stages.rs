//! The stages of one profile, run for one message.

use std::sync::Arc;

use firstlight_core::config::Profile;
use firstlight_core::db::{Database, NewConversation};
use firstlight_core::model::MessageEvent;
use serde_json::Value;

use super::answer::{Answer, AnswerSink, TurnEnd, TurnError};
use super::model_call::{self, Checkpoint, Ends};
use super::request::{self, Prompting};
use super::wake::{self, Wake};
use crate::metadata::Metadata;
use crate::providers::{ChatProvider, ChatRequest, Choice, Message, Registry};

/// The stages of one configuration profile.
#[derive(Debug, Clone)]
pub struct Pipeline {
    pub(super) profile: Arc<Profile>,
}

/// What a pipeline works with; the same for all of them.
#[derive(Clone)]
pub struct Resources {
    /// The chat providers.
    pub providers: Arc<Registry>,
    /// Conversations, attachments and preferences.
    pub database: Database,
    /// What is known about models.
    pub metadata: Metadata,
}

/// A turn that was run: how it ended, and what it adds to the conversation.
#[derive(Debug)]
pub struct Turn {
    /// How it ended.
    pub end: TurnEnd,
    /// The conversation it belongs to; `None` when it never came to one.
    pub conversation: Option<String>,
    /// What the user said, as the conversation keeps it.
    pub asked: Option<Message>,
}

impl Pipeline {
    /// Runs the stages for one message.
    pub async fn run(
        &self,
        mut event: MessageEvent,
        resources: &Resources,
        sink: &dyn AnswerSink,
        checkpoint: &impl Checkpoint,
        ends: &Ends,
    ) -> Turn {
        event.assign_role(&self.profile.admins_id);
        if wake::wake(&mut event, &self.profile) == Wake::Asleep || !self.asks_model(&mut event) {
            return Turn::without_conversation(TurnEnd::Ignored);
        }
        if ends.stopped.is_cancelled() {
            return Turn::without_conversation(TurnEnd::Stopped(Answer::begin("", "")));
        }
        match self.prepare(&event, resources).await {
            Ok(call) => call.run(sink, checkpoint, ends).await,
            Err(error) => Turn::without_conversation(TurnEnd::Failed {
                error,
                partial: Answer::begin("", ""),
            }),
        }
    }

    /// Whether a model is asked: the profile says so, and the text begins as the profile wants.
    fn asks_model(&self, event: &mut MessageEvent) -> bool {
        let settings = &self.profile.provider_settings;
        let Some(rest) = event.text.strip_prefix(&settings.wake_prefix) else { return false };
        event.text = rest.trim_start().to_owned();
        settings.enable
    }

    async fn prepare(
        &self,
        event: &MessageEvent,
        resources: &Resources,
    ) -> Result<PreparedCall, TurnError> {
        let provider = self.provider(event, resources).await?;
        let conversation = resources
            .database
            .conversations()
            .selected_or_create(NewConversation {
                platform_id: event.platform_id().to_string(),
                umo: event.session.to_string(),
                title: None,
                persona_id: None,
            })
            .await?
            .conversation_id;
        let mut prompting = Prompting::of(&self.profile, event);
        // The profile's window is a wish; the model's own limit is not. A quarter of that is left
        // for the answer.
        let limit = resources.metadata.context_limit(provider.meta());
        prompting.context_tokens = prompting.context_tokens.min(limit / 4 * 3);
        let attachments = resources.database.attachments();
        let asked = request::user_message(event, &prompting, &attachments).await;
        let mut request =
            request::build(&conversation, asked.clone(), &prompting, &resources.database).await?;
        request.model.clone_from(&event.options.selected_model);
        Ok(PreparedCall { provider, conversation, asked: request::without_images(asked), request })
    }

    /// The provider that answers: named by the message, kept for the session, the profile's, or the
    /// first one.
    async fn provider(
        &self,
        event: &MessageEvent,
        resources: &Resources,
    ) -> Result<Arc<dyn ChatProvider>, TurnError> {
        let session = event.session.to_string();
        let preferences = resources.database.preferences();
        let kept = preferences.load("umo", &session, SESSION_PROVIDER).await?;
        let choice = Choice {
            explicit: event.options.selected_provider.as_deref(),
            session: kept.as_ref().and_then(Value::as_str),
            profile: Some(self.profile.provider_settings.default_provider_id.as_str())
                .filter(|id| !id.is_empty()),
        };
        resources.providers.current(choice).ok_or(TurnError::NoProvider)
    }
}

/// The preference that keeps a session's own chat provider (reference 5.2).
const SESSION_PROVIDER: &str = "provider_perf_chat_completion";

struct PreparedCall {
    provider: Arc<dyn ChatProvider>,
    conversation: String,
    asked: Message,
    request: ChatRequest,
}

impl PreparedCall {
    async fn run(self, sink: &dyn AnswerSink, checkpoint: &impl Checkpoint, ends: &Ends) -> Turn {
        let end = model_call::ask(self.provider, self.request, sink, checkpoint, ends).await;
        Turn { end, conversation: Some(self.conversation), asked: Some(self.asked) }
    }
}

impl Turn {
    pub(crate) fn without_conversation(end: TurnEnd) -> Self {
        Self { end, conversation: None, asked: None }
    }
}
