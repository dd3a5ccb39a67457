//! What is counted about calls. Labels are bounded: types of adapters and names of outcomes.

use metrics::{counter, histogram};
use tokio::time::Instant;

use super::chat::ChatEvent;
use super::error::ProviderError;

/// Counts one call; one that is dropped before its end counts as abandoned.
pub(super) struct Meter {
    kind: &'static str,
    started: Instant,
    told: bool,
}

impl Meter {
    pub(super) fn new(kind: &'static str) -> Self {
        Self { kind, started: Instant::now(), told: false }
    }

    pub(super) fn first_token(&self) {
        let seconds = self.started.elapsed().as_secs_f64();
        histogram!("firstlight_provider_first_token_seconds", "type" => self.kind).record(seconds);
    }

    pub(super) fn event(&mut self, event: &ChatEvent) {
        match event {
            ChatEvent::Usage(usage) => {
                let tokens = |direction: &'static str, count: u64| {
                    let labels = [("type", self.kind), ("direction", direction)];
                    counter!("firstlight_provider_tokens_total", &labels).increment(count);
                };
                tokens("input", usage.input_other);
                tokens("input_cached", usage.input_cached);
                tokens("output", usage.output);
            }
            ChatEvent::Done(_) => self.tell("ok"),
            ChatEvent::TextDelta(_) | ChatEvent::ReasoningDelta(_) => {}
        }
    }

    pub(super) fn failed(&mut self, error: &ProviderError) {
        self.tell(error.code());
    }

    fn tell(&mut self, outcome: &'static str) {
        self.told = true;
        let labels = [("type", self.kind), ("outcome", outcome)];
        counter!("firstlight_provider_calls_total", &labels).increment(1);
        let seconds = self.started.elapsed().as_secs_f64();
        histogram!("firstlight_provider_call_seconds", "type" => self.kind).record(seconds);
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if !self.told {
            self.tell("abandoned");
        }
    }
}
