//! Asking models, apart from any conversation, and reading what the operator set up for them.

use serde::{Deserialize, Serialize};

use crate::ModelMessage;

/// A question to a model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelQuestion {
    /// The provider; unless it is said, the one that answers in `session`, or else the first.
    pub provider: Option<String>,
    /// The session in whose name it is asked.
    pub session: Option<String>,
    /// The model, instead of the provider's own.
    pub model: Option<String>,
    /// What the model is told first.
    pub system_prompt: Option<String>,
    /// The conversation, oldest first, ending with what is asked now.
    pub messages: Vec<ModelMessage>,
}

/// What a model answered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelAnswer {
    /// What it said.
    pub text: String,
    /// What it thought before, where it tells.
    pub reasoning: Option<String>,
    /// Tokens that it read; 0 where the provider does not tell.
    pub input_tokens: u64,
    /// Tokens that it wrote.
    pub output_tokens: u64,
}

/// A persona.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PersonaInfo {
    /// Its name.
    pub id: String,
    /// What the model is told.
    pub system_prompt: String,
}

/// How much a line of the log matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Something is broken.
    Error,
    /// Something is odd.
    Warn,
    /// Something happened that an operator may want to know.
    Info,
    /// For whoever looks for a mistake.
    Debug,
}

impl ModelQuestion {
    /// A question of one sentence.
    pub fn text(prompt: impl Into<String>) -> Self {
        Self { messages: vec![ModelMessage::user(prompt)], ..Self::default() }
    }

    /// The same, to this provider.
    #[must_use]
    pub fn provider(mut self, id: impl Into<String>) -> Self {
        self.provider = Some(id.into());
        self
    }

    /// The same, in the name of a session.
    #[must_use]
    pub fn session(mut self, session: impl Into<String>) -> Self {
        self.session = Some(session.into());
        self
    }
}
