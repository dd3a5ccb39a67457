//! From bytes to events. Knows nothing of the network, so that any history of bytes can be tested.

use serde_json::Value;

use super::wire::{self, Chunk};
use crate::providers::chat::{ChatEvent, Done, FinishReason, TokenUsage};
use crate::providers::error::ProviderError;
use crate::providers::redact::Redactor;
use crate::providers::sse::{SseEvent, SseParser};
use crate::providers::think::{ThinkSplitter, Thought};

/// One line, or one event, of a stream. A whole image in a delta would fit.
const EVENT_LIMIT: usize = 4 << 20;
const DONE_MARK: &str = "[DONE]";

/// Turns one answer, streamed or whole, into events.
pub(super) struct Decoder {
    parser: SseParser,
    splitter: ThinkSplitter,
    id: Option<String>,
    model: Option<String>,
    usage: Option<TokenUsage>,
    finish: Option<FinishReason>,
    has_content: bool,
    ended: bool,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self {
            parser: SseParser::new(EVENT_LIMIT),
            splitter: ThinkSplitter::default(),
            id: None,
            model: None,
            usage: None,
            finish: None,
            has_content: false,
            ended: false,
        }
    }

    /// Whether the last event has been given.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Takes bytes of an event stream. Events before an error are in `out` all the same.
    pub(super) fn stream(
        &mut self,
        bytes: &[u8],
        redactor: &Redactor,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), ProviderError> {
        let mut events = Vec::new();
        let parsed = self.parser.push(bytes, &mut events);
        for event in events {
            self.event(&event, redactor, out)?;
        }
        parsed.map_err(|error| malformed(&error))
    }

    /// The connection has ended, for the reason given if it was an error.
    pub(super) fn stream_end(
        &mut self,
        error: Option<String>,
        redactor: &Redactor,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), ProviderError> {
        let mut events = Vec::new();
        self.parser.finish(&mut events).map_err(|error| malformed(&error))?;
        let mut broken = None;
        for event in events {
            broken = self.event(&event, redactor, out).err();
        }
        if self.ended {
            return Ok(());
        }
        let reason = error.unwrap_or_else(|| "the connection ended early".to_owned());
        match (broken, self.finish) {
            // Some vendors send no end mark, but say why they stopped.
            (None, Some(_)) => self.end(out),
            // Nothing was missing but the rest, or the last event was itself cut.
            (None | Some(ProviderError::Malformed { .. }), None) => {
                Err(ProviderError::Cut { reason })
            }
            (Some(error), _) => Err(error),
        }
    }

    /// Takes the body of an answer that was not streamed.
    pub(super) fn whole(
        &mut self,
        body: &[u8],
        redactor: &Redactor,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), ProviderError> {
        let chunk: Chunk = serde_json::from_slice(body).map_err(|error| malformed(&error))?;
        let answered = !chunk.choices.is_empty();
        self.chunk(chunk, redactor, out)?;
        if answered { self.end(out) } else { Err(malformed(&"the answer has no choices")) }
    }

    fn event(
        &mut self,
        event: &SseEvent,
        redactor: &Redactor,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), ProviderError> {
        let data = event.data.trim();
        if self.ended || data.is_empty() {
            return Ok(());
        }
        if data == DONE_MARK {
            return self.end(out);
        }
        if event.event == "error" {
            let error = serde_json::from_str(data).unwrap_or_else(|_| Value::from(data));
            let inner = error.get("error").filter(|inner| !inner.is_null());
            return Err(wire::reported(inner.unwrap_or(&error), redactor));
        }
        let chunk: Chunk = serde_json::from_str(data).map_err(|error| malformed(&error))?;
        self.chunk(chunk, redactor, out)
    }

    fn chunk(
        &mut self,
        chunk: Chunk,
        redactor: &Redactor,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), ProviderError> {
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            return Err(wire::reported(&error, redactor));
        }
        self.id = self.id.take().or(chunk.id);
        self.model = self.model.take().or(chunk.model);
        self.usage = chunk.usage.as_ref().and_then(wire::usage).or(self.usage);
        let ours = chunk.choices.into_iter().find(|choice| matches!(choice.index, None | Some(0)));
        let Some(choice) = ours else { return Ok(()) };
        self.usage = choice.usage.as_ref().and_then(wire::usage).or(self.usage);
        if let Some(delta) = choice.delta {
            self.has_content |= delta.asks_for_tools();
            let thinking = delta.thinking();
            if !thinking.is_empty() {
                self.has_content = true;
                out.push(ChatEvent::ReasoningDelta(thinking));
            }
            let mut thoughts = Vec::new();
            self.splitter.push(&delta.text(), &mut thoughts);
            self.give(thoughts, out);
        }
        match choice.finish_reason.as_deref().filter(|reason| !reason.is_empty()) {
            Some("content_filter") => Err(ProviderError::ContentFilter),
            Some(reason) => {
                self.finish = Some(wire::finish_reason(reason));
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn give(&mut self, thoughts: Vec<Thought>, out: &mut Vec<ChatEvent>) {
        self.has_content |= !thoughts.is_empty();
        out.extend(thoughts.into_iter().map(|thought| match thought {
            Thought::Reasoning(text) => ChatEvent::ReasoningDelta(text),
            Thought::Text(text) => ChatEvent::TextDelta(text),
        }));
    }

    fn end(&mut self, out: &mut Vec<ChatEvent>) -> Result<(), ProviderError> {
        self.ended = true;
        let mut thoughts = Vec::new();
        self.splitter.finish(&mut thoughts);
        self.give(thoughts, out);
        if !self.has_content {
            return Err(ProviderError::Empty);
        }
        out.extend(self.usage.take().map(ChatEvent::Usage));
        out.push(ChatEvent::Done(Done {
            finish_reason: self.finish.unwrap_or(FinishReason::Other),
            model: self.model.take(),
            response_id: self.id.take(),
        }));
        Ok(())
    }
}

fn malformed(reason: &dyn std::fmt::Display) -> ProviderError {
    ProviderError::Malformed { reason: reason.to_string() }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
