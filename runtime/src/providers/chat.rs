//! What a chat provider is asked, and what it answers.

use std::fmt;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::error::ProviderError;

/// A running answer. Dropping it closes the call at the provider.
///
/// A stream that succeeds ends with exactly one [`ChatEvent::Done`]; one that fails ends with
/// exactly one error. Nothing follows either.
pub type ChatStream = BoxStream<'static, Result<ChatEvent, ProviderError>>;

/// One question to a model, in the shape of the OpenAI chat format.
#[derive(Debug, Clone, Default)]
pub struct ChatRequest {
    /// Sent as the first message when it is not blank.
    pub system_prompt: Option<String>,
    /// The conversation, oldest first, ending with what is asked now.
    pub messages: Vec<Message>,
    /// Overrides the provider's own model.
    pub model: Option<String>,
    /// Whether the answer is wanted in pieces. The events are the same either way.
    pub stream: bool,
    /// Tools the model may ask for.
    pub tools: Vec<ToolDefinition>,
}

/// One message of a conversation. Its JSON is what the history stores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What is said; a plain string and a list of parts are both read.
    #[serde(with = "content")]
    pub content: Vec<Part>,
    /// What the model thought before it said it, where it told us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
}

/// Who speaks in a [`Message`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions of the operator.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// A piece of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// Plain text.
    Text {
        /// The text itself.
        text: String,
    },
    /// An image.
    ImageUrl {
        /// Where it is.
        image_url: ImageUrl,
    },
}

/// The address of an image: a `data:` URL, or one that the provider can reach.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageUrl {
    /// The address.
    pub url: String,
}

/// A tool as it is declared to the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolDefinition {
    /// The name that the model calls it by.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// JSON Schema of its arguments.
    pub parameters: Value,
}

/// One step of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum ChatEvent {
    /// More of the model's thinking.
    ReasoningDelta(String),
    /// More of the answer.
    TextDelta(String),
    /// What the call cost so far; the last one counts.
    Usage(TokenUsage),
    /// The answer is complete.
    Done(Done),
}

/// How an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Why the model stopped.
    pub finish_reason: FinishReason,
    /// The model that answered, as the provider names it.
    pub model: Option<String>,
    /// The provider's id of the answer.
    pub response_id: Option<String>,
}

/// Why a model stopped. A content filter is an error, see [`ProviderError::ContentFilter`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// It was finished.
    Stop,
    /// It reached its output limit: the answer is cut.
    Length,
    /// It asks for tools.
    ToolCalls,
    /// Something the provider did not explain.
    Other,
}

/// Tokens of one call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenUsage {
    /// Input that was not read from the provider's cache.
    pub input_other: u64,
    /// Input that was.
    pub input_cached: u64,
    /// Output, thinking included.
    pub output: u64,
}

/// What callers may know about a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ProviderMeta {
    /// The id in the configuration.
    pub id: String,
    /// The model it asks by default.
    pub model: String,
    /// The adapter, for example `openai_chat_completion`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is for: `chat_completion`.
    pub provider_type: String,
    /// The brand behind the address, for looking models up.
    pub brand: String,
    /// The size of the model's context window as configured; 0 means: look it up.
    pub max_context_tokens: u64,
    /// How a page names it.
    pub display_name: String,
    /// Whether its answers are canned. Whoever shows an answer says so.
    pub demo: bool,
}

/// Anything that answers a [`ChatRequest`].
#[async_trait]
pub trait ChatProvider: Send + Sync {
    /// Who this is.
    fn meta(&self) -> &ProviderMeta;

    /// Asks the model. Returns when the first piece of the answer is there, so that an error from
    /// here means that nobody has seen anything yet and another provider may be asked instead.
    ///
    /// Cancelling the token, like dropping the future or the stream, closes the call.
    async fn chat(
        &self,
        request: ChatRequest,
        cancel: CancellationToken,
    ) -> Result<ChatStream, ProviderError>;

    /// The models that the provider offers, sorted.
    async fn models(&self) -> Result<Vec<String>, ProviderError>;

    /// Asks for one word, to see whether the provider works at all.
    async fn test(&self) -> Result<(), ProviderError> {
        let request = ChatRequest {
            messages: vec![Message::user("Reply with the single word: pong")],
            stream: false,
            ..ChatRequest::default()
        };
        let mut answer = self.chat(request, CancellationToken::new()).await?;
        while let Some(event) = answer.next().await {
            event?;
        }
        Ok(())
    }

    /// The vectors of texts, in their order.
    async fn embed(
        &self,
        _texts: Vec<String>,
        _cancel: CancellationToken,
    ) -> Result<Vec<Vec<f32>>, ProviderError> {
        let reason = "this provider has no embeddings".to_owned();
        Err(ProviderError::Misconfigured { reason })
    }

    /// Whether an answer is under way. A provider that is replaced is left alone until it is not.
    fn is_busy(&self) -> bool {
        false
    }

    /// Refuses further calls and ends the running ones with [`ProviderError::Closed`].
    async fn close(&self) -> Result<(), ProviderError>;
}

impl Message {
    /// Text of the person.
    pub fn user(text: impl Into<String>) -> Self {
        Self::new(Role::User, vec![Part::text(text)])
    }

    /// Text of the model.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::new(Role::Assistant, vec![Part::text(text)])
    }

    /// Any message.
    pub fn new(role: Role, content: Vec<Part>) -> Self {
        Self { role, content, reasoning_content: None }
    }

    /// All its text, the parts joined by line breaks.
    pub fn text(&self) -> String {
        let texts = self.content.iter().filter_map(|part| match part {
            Part::Text { text } => Some(text.as_str()),
            Part::ImageUrl { .. } => None,
        });
        texts.collect::<Vec<_>>().join("\n")
    }

    /// How many images it holds.
    pub fn images(&self) -> usize {
        self.content.iter().filter(|part| matches!(part, Part::ImageUrl { .. })).count()
    }
}

impl Part {
    /// Plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }

    /// An image by its address.
    pub fn image(url: impl Into<String>) -> Self {
        Self::ImageUrl { image_url: ImageUrl { url: url.into() } }
    }

    /// An image by its bytes, as a `data:` URL.
    pub fn image_bytes(mime: &str, bytes: &[u8]) -> Self {
        Self::image(format!("data:{mime};base64,{}", STANDARD.encode(bytes)))
    }
}

impl fmt::Debug for ImageUrl {
    /// A `data:` URL holds a whole picture, and another may hold a signature: neither is for a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.url.split(':').next().unwrap_or_default();
        write!(f, "ImageUrl({scheme}, {} bytes)", self.url.len())
    }
}

/// Reads both forms of `content`, and writes text alone as a string, as every provider wants it.
mod content {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Part;

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Text(String),
        Parts(Vec<Part>),
    }

    pub(super) fn serialize<S: Serializer>(parts: &[Part], to: S) -> Result<S::Ok, S::Error> {
        match parts {
            [Part::Text { text }] => to.serialize_str(text),
            parts => parts.serialize(to),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Part>, D::Error> {
        Ok(match Either::deserialize(from)? {
            Either::Text(text) => vec![Part::text(text)],
            Either::Parts(parts) => parts,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_reads_both_forms_of_content_and_writes_the_short_one() {
        let short: Message = serde_json::from_value(json!({"role":"user","content":"hi"})).unwrap();
        let parts = json!({"role":"user","content":[{"type":"text","text":"hi"}]});
        let long: Message = serde_json::from_value(parts).unwrap();
        assert_eq!(short, long);
        assert_eq!(serde_json::to_value(&long).unwrap(), json!({"role":"user","content":"hi"}));
    }

    #[test]
    fn an_image_is_a_data_url_on_the_wire_and_absent_from_debug_output() {
        let part = Part::image_bytes("image/png", &[1, 2, 3]);
        let wire = serde_json::to_value(&part).unwrap();
        assert_eq!(
            wire,
            json!({"type":"image_url","image_url":{"url":"data:image/png;base64,AQID"}})
        );
        assert!(!format!("{part:?}").contains("AQID"));
    }
}
