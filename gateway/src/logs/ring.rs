//! The last entries of the log in memory, and a feed of the new ones.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use serde::ser::Serializer;
use tokio::sync::broadcast;

/// The longest feed that a slow reader may fall behind without a gap.
const FEED: usize = 1024;

/// One line of the log as the dashboard shows it.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct LogEntry {
    /// `DEBUG`, `INFO`, `WARNING`, `ERROR` or `CRITICAL`.
    pub level: &'static str,
    /// Unix time in seconds. No two entries have the same.
    pub time: LogTime,
    /// The text: message, fields, where it came from.
    pub data: String,
}

/// A unix time in microseconds, written as seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogTime(i64);

/// The ring. Clones share it.
#[derive(Clone)]
pub struct LogRing {
    inner: Arc<Inner>,
}

struct Inner {
    capacity: usize,
    kept: Mutex<VecDeque<Arc<LogEntry>>>,
    feed: broadcast::Sender<Arc<LogEntry>>,
}

impl LogRing {
    /// An empty ring that keeps so many entries.
    pub fn new(capacity: usize) -> Self {
        let (feed, _) = broadcast::channel(FEED);
        Self { inner: Arc::new(Inner { capacity, kept: Mutex::default(), feed }) }
    }

    /// Adds an entry. It waits for no reader: a slow one loses entries and catches up here.
    pub fn push(&self, level: &'static str, data: String) {
        let mut kept = self.kept();
        let last = kept.back().map_or(LogTime(i64::MIN), |entry| entry.time);
        let time = LogTime::now().max(last.next());
        let entry = Arc::new(LogEntry { level, time, data });
        kept.push_back(Arc::clone(&entry));
        if kept.len() > self.inner.capacity {
            kept.pop_front();
        }
        // Under the lock, so that whoever follows sees each entry once and in order. Nobody
        // listening is no error.
        let _ = self.inner.feed.send(entry);
    }

    /// The kept entries, oldest first.
    pub fn history(&self) -> Vec<Arc<LogEntry>> {
        self.kept().iter().cloned().collect()
    }

    /// The entries to come.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<LogEntry>> {
        self.inner.feed.subscribe()
    }

    /// The kept entries after a time, and everything that follows them, without gap or overlap.
    pub fn follow(
        &self,
        after: LogTime,
    ) -> (Vec<Arc<LogEntry>>, broadcast::Receiver<Arc<LogEntry>>) {
        let kept = self.kept();
        let feed = self.subscribe();
        (kept.iter().filter(|entry| entry.time > after).cloned().collect(), feed)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, VecDeque<Arc<LogEntry>>> {
        self.inner.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LogTime {
    /// Now.
    pub fn now() -> Self {
        Self(Timestamp::now().as_microsecond())
    }

    /// Reads the seconds that an event stream gave as its last id.
    pub fn parse(text: &str) -> Option<Self> {
        let (seconds, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let seconds: i64 = seconds.parse().ok()?;
        if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let digits: String = fraction.chars().chain("000000".chars()).take(6).collect();
        seconds.checked_mul(1_000_000)?.checked_add(digits.parse().ok()?).map(Self)
    }

    fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl std::fmt::Display for LogTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:06}", self.0.div_euclid(1_000_000), self.0.rem_euclid(1_000_000))
    }
}

impl Serialize for LogTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[expect(clippy::cast_precision_loss, reason = "microseconds of this age fit in 53 bits")]
        serializer.serialize_f64(self.0 as f64 / 1_000_000.0)
    }
}

impl schemars::JsonSchema for LogTime {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "LogTime".into()
    }

    fn json_schema(_generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "number", "description": "Unix time in seconds." })
    }
}

#[cfg(test)]
mod tests {
    use super::{LogRing, LogTime};

    const CAPACITY: usize = 20;

    #[test]
    fn the_ring_keeps_the_last_entries_with_times_of_their_own() {
        let ring = LogRing::new(CAPACITY);
        for number in 0..CAPACITY + 7 {
            ring.push("INFO", format!("line {number}"));
        }
        let kept = ring.history();
        assert_eq!(kept.len(), CAPACITY);
        assert_eq!(kept[0].data, "line 7");
        assert!(kept.windows(2).all(|pair| pair[0].time < pair[1].time));
    }

    #[test]
    fn following_from_an_id_gives_what_came_after_it_and_then_the_feed() {
        let ring = LogRing::new(CAPACITY);
        for number in 0..4 {
            ring.push("INFO", format!("line {number}"));
        }
        let id = ring.history()[1].time.to_string();
        let (missed, mut feed) = ring.follow(LogTime::parse(&id).unwrap());
        ring.push("ERROR", "line 4".to_owned());
        let texts: Vec<&str> = missed.iter().map(|entry| entry.data.as_str()).collect();
        assert_eq!(texts, ["line 2", "line 3"]);
        assert_eq!(feed.try_recv().unwrap().data, "line 4");
    }

    #[test]
    fn a_reader_that_stands_still_delays_nobody() {
        let ring = LogRing::new(CAPACITY);
        let _asleep = ring.subscribe();
        for number in 0..10 * CAPACITY {
            ring.push("INFO", number.to_string());
        }
        assert_eq!(ring.history().last().unwrap().data, (10 * CAPACITY - 1).to_string());
    }

    #[test]
    fn ids_round_trip_and_nonsense_is_refused() {
        let time = LogTime::now();
        assert_eq!(LogTime::parse(&time.to_string()), Some(time));
        assert_eq!(LogTime::parse("17.5").unwrap().to_string(), "17.500000");
        for nonsense in ["", "x", "1.x", "99999999999999999999", "1.-5"] {
            assert_eq!(LogTime::parse(nonsense), None, "{nonsense}");
        }
    }
}
