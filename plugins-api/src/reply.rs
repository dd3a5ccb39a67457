//! What a handler or a hook brings about.

use serde::{Deserialize, Serialize};

use crate::Message;

/// What comes of a call. `Reply::nothing()` lets everything go on as if nobody had looked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reply {
    /// Messages for the session that the event came from, in order. Who answers ends the matter:
    /// the model is not asked any more, unless [`Reply::ask`] says so.
    pub messages: Vec<Message>,
    /// Who else gets to see the event.
    pub flow: Flow,
    /// A question to the model in the name of the sender.
    pub ask: Option<Ask>,
}

/// Who else gets to see the event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// Further handlers, and then the model if nobody answered.
    #[default]
    GoOn,
    /// Further handlers, but not the model.
    NoModel,
    /// Nobody, and the model is not asked.
    Stop,
}

/// A question to the model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ask {
    /// What the sender is taken to have said.
    pub prompt: String,
    /// The system prompt, instead of the persona's.
    pub system_prompt: Option<String>,
}

impl Reply {
    /// Says nothing and changes nothing.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Answers with one text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::message(Message::text(text))
    }

    /// Answers with one message.
    pub fn message(message: impl Into<Message>) -> Self {
        Self { messages: vec![message.into()], ..Self::default() }
    }

    /// Asks the model in the name of the sender; its answer goes where an answer goes.
    pub fn ask(prompt: impl Into<String>) -> Self {
        Self { ask: Some(Ask { prompt: prompt.into(), system_prompt: None }), ..Self::default() }
    }

    /// The same with one message more.
    #[must_use]
    pub fn and(mut self, message: impl Into<Message>) -> Self {
        self.messages.push(message.into());
        self
    }

    /// The same, and nobody else gets to see the event.
    #[must_use]
    pub fn stop(mut self) -> Self {
        self.flow = Flow::Stop;
        self
    }

    /// The same, and the model is not asked.
    #[must_use]
    pub fn no_model(mut self) -> Self {
        self.flow = Flow::NoModel;
        self
    }
}
