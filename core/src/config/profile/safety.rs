//! `content_safety`: what is not heard, and not said.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::patterns::{PatternError, Patterns};
use crate::config::problem::Problem;
use crate::config::secret::Secret;

/// What is not heard, and not said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ContentSafety {
    /// Whether what a model said is looked at, too. A streamed answer is seen before it can be.
    pub also_use_in_response: bool,
    /// Words and patterns.
    pub internal_keywords: InternalKeywords,
    /// A service that judges texts.
    pub moderation: Moderation,
}

/// Words and patterns that are not heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct InternalKeywords {
    /// Whether they are looked for.
    pub enable: bool,
    /// Regular expressions, looked for anywhere in a text. There are no others than these.
    pub extra_keywords: Vec<String>,
}

/// A service that judges texts: `POST` with `{"input": …}`, answered as the OpenAI API's
/// `/moderations` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Moderation {
    /// Whether it is asked.
    pub enable: bool,
    /// Its address.
    pub url: String,
    /// Sent as a bearer token.
    pub api_key: Secret,
    /// The model that judges; empty: the service's own.
    pub model: String,
    /// How long its answer may take, in seconds.
    #[schemars(range(min = 1, max = 60))]
    pub timeout_seconds: u32,
    /// What happens to a text that it could not judge.
    pub when_down: WhenDown,
}

/// What happens to a text that could not be judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenDown {
    /// It passes, and the log says so.
    #[default]
    Pass,
    /// It is refused like one that was judged unfit.
    Refuse,
}

impl Default for InternalKeywords {
    fn default() -> Self {
        Self { enable: true, extra_keywords: Vec::new() }
    }
}

impl Default for Moderation {
    fn default() -> Self {
        Self {
            enable: false,
            url: String::new(),
            api_key: Secret::default(),
            model: String::new(),
            timeout_seconds: 5,
            when_down: WhenDown::default(),
        }
    }
}

impl InternalKeywords {
    /// The compiled patterns; `None` when there is nothing to look for.
    pub fn patterns(&self) -> Result<Option<Patterns>, PatternError> {
        let wanted = self.enable && !self.extra_keywords.is_empty();
        wanted.then(|| Patterns::new(&self.extra_keywords)).transpose()
    }
}

impl ContentSafety {
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        if let Err(error) = Patterns::new(&self.internal_keywords.extra_keywords) {
            let place = "/content_safety/internal_keywords/extra_keywords";
            problems.push(Problem::new(place, error.to_string()));
        }
        let moderation = &self.moderation;
        let web = ["http://", "https://"].iter().any(|scheme| moderation.url.starts_with(scheme));
        if moderation.enable && !web {
            let message = "an http or https address is needed";
            problems.push(Problem::new("/content_safety/moderation/url", message));
        }
    }
}
