//! Stage 7, plugins then model: who took the message works on it, and the model is asked unless one
//! of them said otherwise.

use std::sync::Arc;

use firstlight_core::db::NewConversation;
use firstlight_core::model::{Component, MessageChain};

use super::answer::{Answer, TurnEnd, TurnError};
use super::model_call::{self, Checkpoint};
use super::passage::{Passage, Speaker};
use super::request::{self, Prompting};
use super::stages::Way;
use crate::plugins::dispatch::ModelRequest;
use crate::providers::{ChatProvider, ChatRequest, Choice, Message};

pub(super) async fn run<C: Checkpoint>(passage: &mut Passage<'_>, way: &Way<'_, C>) {
    let Some(wish) = handlers(passage, way).await else { return };
    let asked = match wish {
        Wish::Ask(request) => Some(request),
        Wish::Default if passage.asks_model() => None,
        Wish::Default | Wish::NoModel => return,
    };
    model(passage, way, asked).await;
}

/// What the handlers want of the model.
enum Wish {
    /// This, in the name of the message.
    Ask(ModelRequest),
    /// What is always asked.
    Default,
    /// Nothing.
    NoModel,
}

/// Runs those who took the message, the highest priority first; `None` when one of them, or
/// somebody outside, ended it.
async fn handlers<C: Checkpoint>(passage: &mut Passage<'_>, way: &Way<'_, C>) -> Option<Wish> {
    let mut wish = Wish::Default;
    for handler in std::mem::take(&mut passage.handlers) {
        let handled = passage.resources.plugins.handle(&handler, &passage.event, &passage.scope);
        // A handler that is cut off is not waited for: its own deadline may be long.
        let mut outcome = tokio::select! {
            biased;
            () = way.ends.reached() => return None,
            outcome = handled => outcome,
        };
        wish = match (wish, outcome.ask.take()) {
            (Wish::Ask(first), _) => Wish::Ask(first),
            (_, Some(request)) => Wish::Ask(request),
            (_, None) if outcome.no_model => Wish::NoModel,
            (wish, None) => wish,
        };
        passage.take(outcome);
        if passage.ended().is_some() {
            return None;
        }
    }
    Some(wish)
}

impl Passage<'_> {
    /// Whether a model is asked because nobody else answered: the bot was addressed, the profile
    /// and the session want it, the text begins as the profile wants, and there is something to ask.
    fn asks_model(&mut self) -> bool {
        if !self.event.addressed || !self.said.is_empty() || !self.may_ask() {
            return false;
        }
        let profile = &self.scope.profile;
        let wake = profile.provider_settings.wake_prefix.as_str();
        // The wake prefix of the bot is cut off by now, so it does not count as a part of this one.
        let mut of_the_bot = profile.wake_prefix.iter().filter(|prefix| !prefix.is_empty());
        let wake = of_the_bot.find_map(|own| wake.strip_prefix(own.as_str())).unwrap_or(wake);
        let Some(rest) = self.event.text.strip_prefix(wake) else { return false };
        self.event.text = rest.trim_start().to_owned();
        let tells =
            |component: &Component| !matches!(component, Component::At(_) | Component::Plain(_));
        !self.event.text.is_empty() || self.event.message.chain.iter().any(tells)
    }

    fn may_ask(&self) -> bool {
        let session = self.scope.rule.service.llm_enabled != Some(false);
        session && self.scope.profile.provider_settings.enable
    }
}

async fn model<C: Checkpoint>(
    passage: &mut Passage<'_>,
    way: &Way<'_, C>,
    asked: Option<ModelRequest>,
) {
    if !passage.may_ask() {
        return;
    }
    let waiting = passage.resources.plugins.on_waiting(&passage.event, &passage.scope).await;
    passage.take(waiting);
    if passage.ended().is_some() {
        return;
    }
    let call = match prepare(passage, asked).await {
        Ok(call) => call,
        Err(error) => {
            return passage.end(TurnEnd::Failed { error, partial: Answer::begin("", "") });
        }
    };
    let PreparedCall { provider, mut request } = call;
    let plugins = &passage.resources.plugins;
    let changed = plugins.on_model_request(&passage.event, &passage.scope, &mut request).await;
    passage.take(changed);
    if passage.ended().is_some() || way.ends.stopped.is_cancelled() {
        return;
    }
    let end = model_call::ask(provider, request, way.sink, way.checkpoint, way.ends).await;
    let TurnEnd::Answered(answer) = end else { return passage.end(end) };
    let answer = answered(passage, answer).await;
    passage.end(TurnEnd::Answered(answer));
}

/// Says what the model said, after plugins had a look at it.
async fn answered(passage: &mut Passage<'_>, mut answer: Answer) -> Answer {
    let mut message = Message::assistant(answer.text.clone());
    message.reasoning_content = Some(answer.reasoning.clone()).filter(|text| !text.is_empty());
    let plugins = &passage.resources.plugins;
    let outcome = plugins.on_model_response(&passage.event, &passage.scope, &mut message).await;
    answer.text = message.text();
    answer.reasoning = message.reasoning_content.unwrap_or_default();
    let withheld = outcome.stop;
    passage.take(outcome);
    if !withheld && !answer.text.is_empty() {
        passage.say(Speaker::Model, MessageChain::text(answer.text.clone()));
    }
    answer
}

struct PreparedCall {
    provider: Arc<dyn ChatProvider>,
    request: ChatRequest,
}

async fn prepare(
    passage: &mut Passage<'_>,
    asked: Option<ModelRequest>,
) -> Result<PreparedCall, TurnError> {
    let (event, resources) = (&passage.event, passage.resources);
    let conversation = resources
        .database
        .conversations()
        .talks_in(NewConversation {
            platform_id: event.platform_id().to_string(),
            umo: event.session.to_string(),
            title: None,
            persona_id: None,
        })
        .await?;
    let (kept, personas) = (conversation.persona_id.as_deref(), resources.database.personas());
    let mut prompting = Prompting::of(&passage.scope, event, kept, &personas).await?;
    passage.apology = std::mem::take(&mut prompting.apology);
    if let Some(asked) = asked {
        passage.event.text = asked.prompt;
        prompting.system_prompt = asked.system_prompt.unwrap_or(prompting.system_prompt);
    }
    let event = &passage.event;
    let provider = provider(passage)?;
    // The profile's window is a wish; the model's own limit is not. A quarter of that is left
    // for the answer.
    let limit = resources.metadata.context_limit(provider.meta());
    prompting.context_tokens = prompting.context_tokens.min(limit / 4 * 3);
    let attachments = resources.database.attachments();
    let said = request::user_message(event, &prompting, &attachments).await;
    let conversation = conversation.conversation_id;
    let mut request =
        request::build(&conversation, said.clone(), &prompting, &resources.database).await?;
    request.model.clone_from(&event.options.selected_model);
    passage.conversation = Some(conversation);
    passage.asked = Some(request::without_images(said));
    Ok(PreparedCall { provider, request })
}

/// The provider that answers: named by the message, kept for the session, the profile's, or the
/// first one.
fn provider(passage: &Passage<'_>) -> Result<Arc<dyn ChatProvider>, TurnError> {
    let profile = passage.scope.profile.provider_settings.default_provider_id.as_str();
    let choice = Choice {
        explicit: passage.event.options.selected_provider.as_deref(),
        session: passage.scope.rule.chat_provider.as_deref(),
        profile: Some(profile).filter(|id| !id.is_empty()),
    };
    passage.resources.providers.current(choice).ok_or(TurnError::NoProvider)
}
