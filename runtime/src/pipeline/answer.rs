//! What a turn brings about: an answer, a part of one, or none.

use std::time::Duration;

use firstlight_core::messages::{Language, Message as Sentence};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::providers::{ProviderError, TokenUsage};

/// Where the parts of an answer go while it is being made. Pushing never waits: a listener that is
/// too slow is the listener's problem, not the turn's.
pub trait AnswerSink: Send + Sync {
    /// The model begins to answer. What an earlier, interrupted attempt said is void.
    fn started(&self);
    /// More of the answer.
    fn text(&self, delta: &str);
    /// More of the model's thoughts.
    fn reasoning(&self, delta: &str);
}

/// An answer, or as much of it as there is.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What is said.
    pub text: String,
    /// What the model thought.
    pub reasoning: String,
    /// What it cost, as far as the provider told.
    pub usage: TokenUsage,
    /// The provider that was asked, and its model; empty when none was.
    pub provider_id: String,
    /// The model that answered.
    pub model: String,
    /// When the provider was asked.
    pub started_at: Timestamp,
    /// From the question to the first part.
    pub first_part: Option<Duration>,
    /// From the question to the end.
    pub took: Duration,
}

/// How a turn ended.
#[derive(Debug)]
pub enum TurnEnd {
    /// The message was not for the bot.
    Ignored,
    /// It was dealt with, and no model was asked: by plugins, or by a refusal.
    Handled,
    /// It may not be worked on before that time, in milliseconds since the epoch.
    Postponed {
        /// When.
        until: i64,
    },
    /// The model answered.
    Answered(Answer),
    /// The user asked to stop; what had been said is kept.
    Stopped(Answer),
    /// It did not work; what had been said is kept.
    Failed {
        /// Why.
        error: TurnError,
        /// What had been said.
        partial: Answer,
    },
    /// The runtime is going away: the message goes back to the inbox and is answered later.
    Interrupted {
        /// What had been said.
        partial: Answer,
    },
}

/// Why a turn brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum TurnError {
    /// No chat provider is loaded.
    #[error("no model provider is ready; add or repair one on the configuration page")]
    NoProvider,
    /// The model provider failed.
    #[error("the model provider {provider:?} failed: {source}")]
    Provider {
        /// Its id.
        provider: String,
        /// Why.
        #[source]
        source: ProviderError,
    },
    /// The database failed while the turn was prepared.
    #[error("the conversation could not be read")]
    Store(#[from] firstlight_core::db::DbError),
    /// The configuration document that decides about the session is not usable.
    #[error("the configuration is not usable: {0}")]
    Configuration(#[source] firstlight_core::config::ConfigError),
    /// The turn was begun too often; each time the process died or the runtime went away.
    #[error("the answer was interrupted {attempts} times and is not tried again")]
    GivenUp {
        /// How often.
        attempts: u32,
    },
    /// The stored message cannot be read by this version.
    #[error("the stored message cannot be read")]
    Unreadable(#[source] serde_json::Error),
}

impl TurnError {
    /// What the person in the chat is told.
    pub fn told(&self, language: Language) -> String {
        let sentence = match self {
            Self::NoProvider => Sentence::ProviderNone,
            Self::Provider { source, .. } => {
                Sentence::ProviderFailed { reason: source.to_string() }
            }
            Self::GivenUp { .. } => Sentence::AnswerCut,
            Self::Store(_) | Self::Configuration(_) | Self::Unreadable(_) => Sentence::TurnFailed,
        };
        sentence.text(language).into_owned()
    }

    /// The stable code that clients and logs see.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoProvider => "provider_missing",
            Self::Provider { .. } => "provider_failed",
            Self::Store(_) => "storage_failed",
            Self::Configuration(_) => "configuration_unusable",
            Self::GivenUp { .. } => "answer_cut",
            Self::Unreadable(_) => "message_unreadable",
        }
    }
}

impl Answer {
    /// An answer of which nothing is said yet.
    pub fn begin(provider_id: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            text: String::new(),
            reasoning: String::new(),
            usage: TokenUsage::default(),
            provider_id: provider_id.into(),
            model: model.into(),
            started_at: Timestamp::now(),
            first_part: None,
            took: Duration::ZERO,
        }
    }

    /// Whether nothing is said at all.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.reasoning.is_empty()
    }

    /// Tokens and times in the shape of the web chat contract (reference 4.2).
    pub fn statistics(&self) -> Value {
        let started = seconds(self.started_at);
        json!({
            "token_usage": self.usage,
            "current_context_tokens": self.usage.input_other + self.usage.input_cached,
            "start_time": started,
            "end_time": started + self.took.as_secs_f64(),
            "time_to_first_token": self.first_part.map_or(0.0, |first| first.as_secs_f64()),
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "the contract has times as seconds with a fraction")]
fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}
