//! From tracing's events into the ring.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::redact::redact;
use super::ring::LogRing;

/// Puts every event it is shown into the ring. It formats in memory and waits for nobody.
pub struct RingLayer {
    ring: LogRing,
}

impl RingLayer {
    /// A layer that fills the given ring.
    pub fn new(ring: LogRing) -> Self {
        Self { ring }
    }
}

impl<S: Subscriber> Layer<S> for RingLayer {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let line = format!("[{}] {}{}", event.metadata().target(), text.message, text.fields);
        self.ring.push(wire_level(*event.metadata().level()), redact(&line).into_owned());
    }
}

/// The level names that clients of the contract know.
fn wire_level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        Level::DEBUG | Level::TRACE => "DEBUG",
    }
}

#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Text {
    fn add(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = if field.name() == "message" {
            self.message.write_fmt(value)
        } else {
            write!(self.fields, " {}={value}", field.name())
        };
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, format_args!("{value}"));
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::{LogRing, RingLayer};

    #[test]
    fn an_event_becomes_an_entry_with_its_fields_and_without_its_secrets() {
        let ring = LogRing::new(10);
        let subscriber = tracing_subscriber::registry().with(RingLayer::new(ring.clone()));
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(target: "firstlight", port = 6185, name = "x", "opened /ws?token=abc");
        });
        let kept = ring.history();
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0].level, "WARNING");
        assert_eq!(kept[0].data, "[firstlight] opened /ws?token=*** port=6185 name=x");
    }
}
