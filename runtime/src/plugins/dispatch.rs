//! What the pipeline asks of the plugins: who takes a message, and what comes of it.

use std::sync::Arc;
use std::time::Duration;

use firstlight_core::config::Profile;
use firstlight_core::db::SessionRule;
use firstlight_core::messages::Message;
use firstlight_core::model::{MessageChain, MessageEvent};
use firstlight_plugins_api::matching::{Found, Hit};
use firstlight_plugins_api::{Answered, Arguments, Call, Flow, Reply};
use jiff::Timestamp;
use serde_json::json;

use super::call::PluginCallError;
use super::convert;
use super::filters::Filtered;
use super::live::LivePlugin;
use super::recognising::find;
use super::refusals::told;
use super::registry::Plugins;
use super::state::State;
use super::waits;

/// How long a handler may take. It may ask far sides, so it is given more than a hook.
const HANDLE_LIMIT: Duration = Duration::from_mins(2);
/// The name under which the message that a plugin waited for comes to it.
const ANSWER: &str = "@answer";

/// What decides which plugins a message may reach.
#[derive(Clone)]
pub(crate) struct PluginScope {
    /// The profile that handles the message.
    pub(crate) profile: Arc<Profile>,
    /// The rules of its session.
    pub(crate) rule: Arc<SessionRule>,
}

/// One handler that takes the message, with its arguments parsed.
#[derive(Debug, Clone)]
pub(crate) struct Activated {
    /// The plugin.
    pub(crate) plugin: String,
    /// The handler within the plugin.
    pub(crate) handler: String,
    /// Whether it wakes the bot: a command or a filter that names this message. A listener that
    /// takes everything does not, so it costs the message neither a download nor a rate limit.
    pub(crate) wakes: bool,
    /// Whether it acts on the answer that is being made in the session right now, as `/stop` does:
    /// that answer is ended as soon as the message is accepted, before its own turn comes.
    pub(crate) interrupts: bool,
    /// The parsed arguments of a command, as the plugin gets them.
    pub(crate) arguments: serde_json::Value,
}

/// Who takes a message.
#[derive(Debug, Clone)]
pub(crate) enum Match {
    /// These handlers, highest priority first; often none.
    Handlers(Vec<Activated>),
    /// A command was meant that cannot run: wrong arguments, or not allowed. The text, if any, is
    /// the answer, and the message ends here.
    Refused {
        /// What the sender is told.
        text: Option<String>,
    },
}

/// What a handler, or a hook over a message, brought about.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Messages for the session it came from, in order.
    pub(crate) replies: Vec<MessageChain>,
    /// No further handler, and no model.
    pub(crate) stop: bool,
    /// Further handlers may follow, but the model is not asked by default.
    pub(crate) no_model: bool,
    /// Ask the model this.
    pub(crate) ask: Option<ModelRequest>,
}

/// A model request that a plugin makes in the name of the message.
#[derive(Debug, Clone, Default)]
pub(crate) struct ModelRequest {
    /// What the user is taken to have said.
    pub(crate) prompt: String,
    /// The system prompt, instead of the persona's.
    pub(crate) system_prompt: Option<String>,
}

impl Plugins {
    /// Who takes this message. Reads declarations only: no plugin code that waits runs here. What
    /// filters of plugins in a lane say was asked before: [`Plugins::ask_filters`].
    pub(crate) fn matching(
        &self,
        event: &MessageEvent,
        scope: &PluginScope,
        filtered: &Filtered,
    ) -> Match {
        let state = self.state();
        let found = find(&state, event, scope, filtered);
        let hits = match found {
            Found::Handlers(hits) => hits,
            refused => return Match::Refused { text: told(refused, scope) },
        };
        let is_command = hits.iter().any(|hit| hit.entry.handler.naming().is_some());
        let waited = if is_command { None } else { self.waited(&state, event, scope) };
        match waited {
            Some(activated) => Match::Handlers(vec![activated]),
            None => Match::Handlers(hits.iter().map(Activated::of).collect()),
        }
    }

    /// The plugin that waits for this message, if any does.
    fn waited(
        &self,
        state: &State,
        event: &MessageEvent,
        scope: &PluginScope,
    ) -> Option<Activated> {
        let wait = self.shared().waits.find(&waits::Message {
            session: &event.session,
            sender: &event.sender.user_id,
            id: &event.message_id,
            now: Timestamp::now().as_millisecond(),
        })?;
        state.admits(&wait.plugin, &scope.profile, &scope.rule).then(|| Activated {
            plugin: wait.plugin,
            handler: ANSWER.to_owned(),
            wakes: true,
            interrupts: false,
            arguments: json!(wait.id),
        })
    }

    /// Runs one handler. A failure is answered and logged as the plugin's, never the turn's.
    pub(crate) async fn handle(
        &self,
        activated: &Activated,
        event: &MessageEvent,
        scope: &PluginScope,
    ) -> Outcome {
        let state = self.state();
        let Some(live) = state.plugins.get(&activated.plugin) else { return Outcome::default() };
        if activated.handler == ANSWER {
            return self.answered(live, activated, event, scope).await;
        }
        let is_command = live
            .handlers
            .iter()
            .any(|handler| handler.name == activated.handler && handler.naming().is_some());
        let call = Call {
            handler: activated.handler.clone(),
            event: convert::event(event, scope.profile.language),
            arguments: match &activated.arguments {
                serde_json::Value::Object(arguments) => Arguments(arguments.clone()),
                _ => Arguments::default(),
            },
        };
        let reply = live.call("handle", HANDLE_LIMIT, live.plugin.handle(call)).await;
        let mut outcome = self.outcome(reply, activated, event, scope).await;
        outcome.no_model |= is_command;
        outcome
    }

    async fn answered(
        &self,
        live: &LivePlugin,
        activated: &Activated,
        event: &MessageEvent,
        scope: &PluginScope,
    ) -> Outcome {
        let number = activated.arguments.as_i64().unwrap_or_default();
        let wait = match self.shared().waits.answer(number, &event.message_id).await {
            Ok(Some(wait)) => wait,
            // It ended just now; the message goes the way of any other.
            Ok(None) => return Outcome::default(),
            Err(error) => {
                tracing::error!(plugin = %activated.plugin, %error, "a wait could not be ended");
                return Outcome::default();
            }
        };
        let event_of = convert::event(event, scope.profile.language);
        let answered = Answered { event: event_of, name: wait.name, payload: wait.payload };
        let reply = live.call("answered", HANDLE_LIMIT, live.plugin.answered(answered)).await;
        let mut outcome = self.outcome(reply, activated, event, scope).await;
        outcome.no_model = true;
        outcome
    }

    async fn outcome(
        &self,
        reply: Result<Reply, PluginCallError>,
        activated: &Activated,
        event: &MessageEvent,
        scope: &PluginScope,
    ) -> Outcome {
        match reply {
            Ok(reply) => {
                let mut outcome =
                    Outcome { no_model: !reply.messages.is_empty(), ..<_>::default() };
                outcome.absorb(reply);
                outcome
            }
            Err(error) => {
                let (plugin, handler) = (&activated.plugin, &activated.handler);
                tracing::warn!(plugin, handler, %error, "the handler of a plugin failed");
                self.after_failure(activated, event, scope, &error).await
            }
        }
    }

    /// Tells the error hooks, and the sender unless one of them says not to.
    async fn after_failure(
        &self,
        activated: &Activated,
        event: &MessageEvent,
        scope: &PluginScope,
        error: &PluginCallError,
    ) -> Outcome {
        let mut outcome = self.error_hooks(activated, event, scope, error).await;
        if !outcome.stop && event.addressed {
            let plugin = activated.plugin.clone();
            let text = match error {
                PluginCallError::Plugin(error) => {
                    let reason = convert::shortened(&error.to_string()).into_owned();
                    Message::PluginFailed { plugin, reason }
                }
                // What a panic says is for the log.
                _ => Message::PluginBroke { plugin },
            };
            outcome.replies.push(MessageChain::text(text.text(scope.profile.language)));
        }
        outcome.stop = true;
        outcome
    }
}

impl Outcome {
    /// Adds what a plugin replied.
    pub(super) fn absorb(&mut self, reply: Reply) {
        self.replies.extend(reply.messages.iter().map(convert::chain));
        self.stop |= reply.flow == Flow::Stop;
        self.no_model |= reply.flow != Flow::GoOn;
        if let Some(ask) = reply.ask {
            let ask = ModelRequest { prompt: ask.prompt, system_prompt: ask.system_prompt };
            self.ask.get_or_insert(ask);
        }
    }
}

impl Activated {
    fn of(hit: &Hit) -> Self {
        let handler = &hit.entry.handler;
        let names_the_message = handler.naming().is_some() || handler.filter.looks_at_content();
        Self {
            plugin: hit.entry.plugin.to_string(),
            handler: handler.name.clone(),
            wakes: handler.wakes.unwrap_or(names_the_message),
            interrupts: handler.interrupts,
            arguments: json!(hit.arguments),
        }
    }
}
