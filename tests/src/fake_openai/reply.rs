//! What the fake may be told to do with a request.

use serde::{Deserialize, Serialize};

/// How one request is answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reply {
    /// As a model does: streamed or whole, as the request asks.
    Answer(Answer),
    /// Takes the request and sends nothing, not even a status.
    Silence,
    /// Sends a status and comments of the event stream, but no token, ever.
    StallBeforeFirst,
    /// Sends this text and then nothing more, with the connection open.
    StallAfter { text: String },
    /// Sends this text and breaks the connection: closed early, or reset.
    CutAfter { text: String, reset: bool },
    /// Any status with any body.
    Status { status: u16, body: String, retry_after: Option<String> },
    /// Any bytes as a successful answer.
    Raw { content_type: String, pieces: Vec<String> },
    /// An event stream with one line of this many bytes.
    LongLine { bytes: usize },
    /// Sends the client elsewhere.
    Redirect { to: String },
}

/// A proper answer and its manner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// What it says; `None` repeats the question.
    pub text: Option<String>,
    /// What it thought before.
    pub reasoning: Option<String>,
    /// The name of the field for it.
    pub reasoning_field: String,
    /// Before each piece: with a long one, a slow drip.
    pub delay_ms: u64,
    /// Whether `[DONE]` is sent.
    pub end_mark: bool,
    /// Why it ends.
    pub finish_reason: String,
}

impl Default for Answer {
    fn default() -> Self {
        Self {
            text: None,
            reasoning: None,
            reasoning_field: "reasoning_content".to_owned(),
            delay_ms: 0,
            end_mark: true,
            finish_reason: "stop".to_owned(),
        }
    }
}

impl Default for Reply {
    fn default() -> Self {
        Self::Answer(Answer::default())
    }
}

impl Reply {
    /// A proper answer that says this.
    pub fn text(text: &str) -> Self {
        Self::Answer(Answer { text: Some(text.to_owned()), ..Answer::default() })
    }

    /// A proper answer that repeats the question, with this long a wait before each word.
    pub fn drip(delay_ms: u64) -> Self {
        Self::Answer(Answer { delay_ms, ..Answer::default() })
    }

    /// 401, with a text that repeats the start of a key as OpenAI does.
    pub fn unauthorized() -> Self {
        Self::status(
            401,
            r#"{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}"#,
        )
    }

    /// 429, with the wait if one is given.
    pub fn rate_limited(retry_after: Option<&str>) -> Self {
        let body = r#"{"error":{"message":"Rate limit reached","code":"rate_limit_exceeded"}}"#;
        let retry_after = retry_after.map(str::to_owned);
        Self::Status { status: 429, body: body.to_owned(), retry_after }
    }

    /// 500.
    pub fn server_error() -> Self {
        Self::status(500, r#"{"error":{"message":"The server had an error"}}"#)
    }

    /// Any status with any body.
    pub fn status(status: u16, body: &str) -> Self {
        Self::Status { status, body: body.to_owned(), retry_after: None }
    }

    /// A successful event stream of these bytes.
    pub fn events(pieces: &[&str]) -> Self {
        let pieces = pieces.iter().map(|piece| (*piece).to_owned()).collect();
        Self::Raw { content_type: "text/event-stream".to_owned(), pieces }
    }

    /// A successful answer that is this JSON document.
    pub fn json(document: &serde_json::Value) -> Self {
        let pieces = vec![document.to_string()];
        Self::Raw { content_type: "application/json".to_owned(), pieces }
    }

    /// A successful event stream whose only event is no JSON.
    pub fn malformed() -> Self {
        Self::events(&["data: {\"choices\": [{\"del\n\n"])
    }
}
