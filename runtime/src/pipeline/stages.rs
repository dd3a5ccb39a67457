//! The nine stages of one profile, run once each for one message, with a look at the stop between
//! all of them (reference 7.3 P3).

use std::sync::Arc;

use firstlight_core::config::Profile;
use firstlight_core::model::MessageEvent;

use super::answer::{Answer, AnswerSink, TurnEnd, TurnError};
use super::compiled::Compiled;
use super::model_call::{Checkpoint, Ends};
use super::passage::{Passage, Resources, Turn};
use super::{access, decoration, preparation, process, rate_limit, respond, safety, waking};
use crate::plugins::dispatch::PluginScope;

/// The stages of one configuration profile.
#[derive(Debug, Clone)]
pub struct Pipeline {
    pub(super) profile: Arc<Profile>,
    pub(super) compiled: Arc<Compiled>,
}

/// What a message goes through, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waking,
    AccessList,
    SessionStatus,
    RateLimit,
    ContentSafety,
    Preparation,
    Process,
    Decoration,
    Respond,
}

/// Where parts of an answer go, and what ends it from outside.
pub(super) struct Way<'a, C> {
    pub(super) sink: &'a dyn AnswerSink,
    pub(super) checkpoint: &'a C,
    pub(super) ends: &'a Ends,
}

impl Stage {
    const ALL: [Self; 9] = [
        Self::Waking,
        Self::AccessList,
        Self::SessionStatus,
        Self::RateLimit,
        Self::ContentSafety,
        Self::Preparation,
        Self::Process,
        Self::Decoration,
        Self::Respond,
    ];

    /// Whether it brings out what was said, which it does however the way there ended.
    fn delivers(self) -> bool {
        matches!(self, Self::Decoration | Self::Respond)
    }
}

impl Pipeline {
    /// The profile.
    pub(crate) fn profile(&self) -> &Arc<Profile> {
        &self.profile
    }

    /// Runs the stages for one message.
    pub async fn run<C: Checkpoint>(
        &self,
        event: MessageEvent,
        resources: &Resources,
        sink: &dyn AnswerSink,
        checkpoint: &C,
        ends: &Ends,
    ) -> Turn {
        let rules = resources.database.session_rules();
        let rule = match rules.of(&event.session.to_string()).await {
            Ok(rule) => rule,
            Err(error) => return Turn::failed(event, error.into(), self.profile.language),
        };
        let scope = PluginScope { profile: Arc::clone(&self.profile), rule };
        let mut passage = Passage::new(event, scope, Arc::clone(&self.compiled), resources);
        let way = Way { sink, checkpoint, ends };
        for stage in Stage::ALL {
            if passage.is_cut(ends) {
                break;
            }
            if passage.ended().is_none() || stage.delivers() {
                Box::pin(way.run(stage, &mut passage)).await;
            }
        }
        passage.into_turn()
    }
}

impl<C: Checkpoint> Way<'_, C> {
    /// Waits for others only as long as the turn is wanted.
    async fn unless_ended(&self, work: impl Future<Output = ()>) {
        tokio::select! {
            biased;
            () = self.ends.reached() => {}
            () = work => {}
        }
    }

    async fn run(&self, stage: Stage, passage: &mut Passage<'_>) {
        match stage {
            Stage::Waking => waking::run(passage).await,
            Stage::AccessList => access::list(passage),
            Stage::SessionStatus => access::session_status(passage),
            Stage::RateLimit => rate_limit::run(passage),
            Stage::ContentSafety => self.unless_ended(safety::run(passage)).await,
            Stage::Preparation => self.unless_ended(preparation::run(passage)).await,
            Stage::Process => process::run(passage, self).await,
            Stage::Decoration => decoration::run(passage).await,
            Stage::Respond => respond::run(passage),
        }
    }
}

impl Passage<'_> {
    /// Looks whether the turn was ended from outside. What was said by then is not sent: it was
    /// asked to be quiet, or the whole turn is begun again. What a model said is kept.
    fn is_cut(&mut self, ends: &Ends) -> bool {
        let gone = ends.gone.is_cancelled();
        if !gone && !ends.stopped.is_cancelled() {
            return false;
        }
        let answer = match self.ended() {
            // Told already, by the model call.
            Some(TurnEnd::Interrupted { .. } | TurnEnd::Stopped(_)) => {
                self.said.clear();
                return true;
            }
            // There is nothing to cut, and nothing to be sent.
            Some(TurnEnd::Ignored | TurnEnd::Postponed { .. }) => return true,
            Some(TurnEnd::Answered(answer)) => answer.clone(),
            Some(TurnEnd::Failed { partial, .. }) => partial.clone(),
            Some(TurnEnd::Handled) | None => Answer::begin("", ""),
        };
        self.said.clear();
        self.outgoing.clear();
        self.end(if gone {
            TurnEnd::Interrupted { partial: answer }
        } else {
            TurnEnd::Stopped(answer)
        });
        true
    }
}

impl Turn {
    /// A turn that failed before its stages.
    pub(crate) fn failed(
        event: MessageEvent,
        error: TurnError,
        language: firstlight_core::messages::Language,
    ) -> Self {
        let partial = Answer::begin("", "");
        let mut turn = Self::unbegun(event, TurnEnd::Failed { error, partial });
        respond::tell_failure(&mut turn, language);
        turn
    }
}
