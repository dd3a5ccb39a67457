//! Providers: what answers a question.
//!
//! | module | what it holds |
//! |---|---|
//! | [`chat`] | the question, the answer as a stream of events, the trait between them |
//! | [`config`] | a provider's configuration, overlaid on its source |
//! | [`kinds`] | which adapters there are |
//! | [`demo`] | the adapter that needs no key |
//! | [`edit`] | changes to the `providers` document |
//! | [`openai`] | the adapter for OpenAI and everything that speaks its protocol |
//! | [`probe`] | trying a provider out |
//! | [`registry`] | what is loaded, what failed, what answers now |
//! | [`sse`] | the parser of event streams |
//! | [`templates`] | what the page offers when one is added |
//! | [`tokens`] | the estimate of a text's length in tokens |
//!
//! **Invariant:** an error that [`ChatProvider::chat`] itself returns means that nothing of an
//! answer has been seen. Retries and key rotation happen before that point and never after it.

pub mod chat;
pub(crate) mod component;
pub mod config;
pub mod demo;
pub mod edit;
mod error;
pub mod kinds;
mod meter;
pub mod openai;
pub mod probe;
pub(crate) mod redact;
pub mod registry;
pub mod sse;
pub mod templates;
mod think;
pub mod tokens;

pub use chat::{
    ChatEvent, ChatProvider, ChatRequest, ChatStream, Done, FinishReason, ImageUrl, Message, Part,
    ProviderMeta, Role, TokenUsage, ToolDefinition,
};
pub use config::{Deadlines, ProviderConfig, ProviderDefaults};
pub use error::{Deadline, ProviderError};
pub use registry::{Choice, ProviderRecord, ProviderStatus, Registry};
