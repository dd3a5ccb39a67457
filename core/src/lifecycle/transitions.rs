//! Which state follows which: after an attempt, and on a command.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use super::component::Bootstrap;
use super::context::backoff;
use super::control::{Answer, Command, Retry};
use super::state::{Activity, Failure, State};
use super::supervisor::Supervisor;

/// What the supervisor is working towards: what the last command, or else the last failure, says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    Up,
    Idle,
    Failed,
    Ended,
}

impl<B: Bootstrap> Supervisor<B> {
    /// Publishes what comes after an attempt, now that nothing of it runs.
    pub(super) fn settle(&mut self, failure: Option<Failure>, unclean: Vec<String>) {
        self.timeline.close(self.attempt, &unclean);
        self.publisher.report_unclean(unclean);
        match (self.goal, failure) {
            (Goal::Up, _) => {
                self.begin_attempt();
            }
            (Goal::Ended, _) => {
                self.publisher.publish(State::Created);
            }
            (Goal::Failed, Some(failure)) => {
                let failure = self.plan_retry(failure);
                self.publisher.publish(State::RuntimeFailed(Arc::new(failure)));
            }
            (Goal::Failed | Goal::Idle, _) => {
                self.goal = Goal::Idle;
                self.publisher.publish(State::CoreReady(Activity::Idle));
            }
        }
    }

    fn plan_retry(&mut self, failure: Failure) -> Failure {
        self.failures += 1;
        let Some(Retry { first, cap }) = self.options.retry else { return failure };
        let wait = backoff(first, cap, self.failures);
        self.retry_at = Some(Instant::now() + wait);
        Failure { retry_at: Timestamp::now().checked_add(wait).ok(), ..failure }
    }

    pub(super) fn begin_attempt(&mut self) -> u64 {
        self.goal = Goal::Up;
        self.retry_at = None;
        self.attempt += 1;
        self.timeline.begin(self.attempt, B::COMPONENTS);
        let attempt = self.attempt;
        let activity = Activity::Bootstrapping { attempt, component: None };
        self.publisher.publish(State::CoreReady(activity))
    }

    /// What a command changes and what it is answered. A match on the state and nothing else, so
    /// that no command can be waiting for a component.
    pub(super) fn accept(&mut self, command: Command) -> Answer {
        let generation = self.publisher.generation();
        let wanted = match command {
            Command::Start | Command::Restart => Goal::Up,
            Command::Stop => Goal::Idle,
            Command::Shutdown => Goal::Ended,
        };
        if self.goal == Goal::Ended {
            return if wanted == Goal::Up {
                Answer::Ending
            } else {
                Answer::Already { generation }
            };
        }
        match self.publisher.state() {
            // On the way down: only what comes afterwards changes.
            State::CoreReady(Activity::Stopping) => {
                let is_news = self.goal != wanted;
                self.goal = wanted;
                if is_news { Answer::Began { generation } } else { Answer::Already { generation } }
            }
            // Up, or on the way up.
            State::RuntimeReady(_) | State::CoreReady(Activity::Bootstrapping { .. }) => {
                if command == Command::Start {
                    return Answer::Already { generation };
                }
                self.goal = wanted;
                Answer::Began { generation: self.publish_stopping() }
            }
            // Down.
            State::CoreReady(Activity::Idle) if wanted == Goal::Idle => {
                Answer::Already { generation }
            }
            State::Created | State::CoreReady(Activity::Idle) | State::RuntimeFailed(_) => {
                self.failures = 0;
                self.retry_at = None;
                Answer::Began { generation: self.leave_rest(wanted) }
            }
        }
    }

    fn leave_rest(&mut self, wanted: Goal) -> u64 {
        self.goal = wanted;
        match wanted {
            Goal::Up => self.begin_attempt(),
            Goal::Ended => self.publisher.publish(State::Created),
            Goal::Idle | Goal::Failed => self.publisher.publish(State::CoreReady(Activity::Idle)),
        }
    }

    pub(super) fn publish_stopping(&self) -> u64 {
        self.publisher.publish(State::CoreReady(Activity::Stopping))
    }

    pub(super) fn is_stopping(&self) -> bool {
        matches!(self.publisher.state(), State::CoreReady(Activity::Stopping))
    }
}
