//! Lines that plugins write to the log.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use firstlight_plugins_api::Level;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use parking_lot::RwLock;

use crate::plugins::tail::Tail;

/// The longest line, in bytes.
const LONGEST: usize = 4096;

/// The log of one plugin: at its own level and its own rate.
pub(in crate::plugins) struct PluginLog {
    plugin: Arc<str>,
    rate: DefaultDirectRateLimiter,
    /// What is below it is not written; `None`: the gateway's own level decides.
    level: RwLock<Option<Level>>,
    dropped: AtomicU64,
    tail: Tail,
}

impl PluginLog {
    pub(in crate::plugins) fn new(
        plugin: &str,
        per_second: NonZeroU32,
        level: Option<Level>,
    ) -> Self {
        Self {
            plugin: Arc::from(plugin),
            rate: RateLimiter::direct(Quota::per_second(per_second)),
            level: RwLock::new(level),
            dropped: AtomicU64::new(0),
            tail: Tail::default(),
        }
    }

    /// Sets what is worth a line.
    pub(in crate::plugins) fn set_level(&self, level: Option<Level>) {
        *self.level.write() = level;
    }

    /// The last lines.
    pub(in crate::plugins) fn tail(&self) -> &Tail {
        &self.tail
    }

    /// How many lines were dropped because they came too fast.
    pub(in crate::plugins) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(in crate::plugins) fn write(&self, level: Level, text: &str) {
        if self.level.read().is_some_and(|least| level > least) {
            return;
        }
        let plugin = &*self.plugin;
        if self.rate.check().is_err() {
            metrics::counter!("firstlight_plugin_log_dropped_total", "plugin" => plugin.to_owned())
                .increment(1);
            // Said once for each flood: the next line that is written tells how many there were.
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let text = cut(text);
        self.tail.push(format!("{} {text}", name(level)));
        match level {
            Level::Error => tracing::error!(target: "firstlight::plugin", plugin, "{text}"),
            Level::Warn => tracing::warn!(target: "firstlight::plugin", plugin, "{text}"),
            Level::Info => tracing::info!(target: "firstlight::plugin", plugin, "{text}"),
            Level::Debug => tracing::debug!(target: "firstlight::plugin", plugin, "{text}"),
        }
    }
}

fn name(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
    }
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_dropped_and_counted_and_the_last_lines_are_kept() {
        let log = PluginLog::new("p", NonZeroU32::new(5).unwrap(), Some(Level::Info));
        for number in 0..100 {
            log.write(Level::Info, &format!("line {number}"));
        }
        assert!(log.dropped() >= 90);
        assert_eq!(log.tail().lines()[0], "info line 0");
        log.write(Level::Debug, "not worth it");
        assert!(log.tail().lines().iter().all(|line| !line.contains("worth")));
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        assert!(cut(&"ä".repeat(LONGEST)).len() <= LONGEST);
    }
}
