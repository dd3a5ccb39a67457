//! Bounds, attempts, back-off, and how long things are kept.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::db::now;
use crate::settings;

/// The bus's limits. The default suits a single gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusSettings {
    /// How many unfinished messages a platform may have before it is refused more.
    pub max_pending: u32,
    /// How many unsent messages a platform may have before its turns wait.
    pub max_unsent: u32,
    /// How often a turn is begun before its message becomes a dead letter.
    pub max_turn_attempts: u32,
    /// How often a message is tried to be sent before it becomes a dead letter.
    pub max_send_attempts: u32,
    /// The delay after the first failure; it doubles with each further one.
    pub backoff: Duration,
    /// The longest delay.
    pub max_backoff: Duration,
    /// How long finished rows are kept.
    pub keep_finished: Duration,
    /// How long it is remembered that a message was accepted.
    pub keep_keys: Duration,
    /// A message that waited longer than this for its turn, or to be sent, is put aside instead of
    /// being answered or sent late. Zero: never.
    pub stale_after: Duration,
    /// How many rows one purge removes from each table at most.
    pub purge_batch: u32,
}

impl Default for BusSettings {
    fn default() -> Self {
        const HOUR: Duration = Duration::from_hours(1);
        Self {
            max_pending: 10_000,
            max_unsent: 1_000,
            max_turn_attempts: 5,
            max_send_attempts: 10,
            backoff: Duration::from_secs(1),
            max_backoff: Duration::from_mins(5),
            keep_finished: HOUR * 24,
            keep_keys: HOUR * 24 * 7,
            stale_after: HOUR,
            purge_batch: 500,
        }
    }
}

impl From<&settings::Bus> for BusSettings {
    fn from(set: &settings::Bus) -> Self {
        Self {
            max_pending: set.max_pending,
            max_unsent: set.max_unsent,
            max_turn_attempts: set.max_turn_attempts,
            max_send_attempts: set.max_send_attempts,
            backoff: set.backoff.duration(),
            max_backoff: set.max_backoff.duration(),
            keep_finished: set.keep_done.duration(),
            keep_keys: set.keep_keys.duration(),
            stale_after: set.stale_after.duration(),
            ..Self::default()
        }
    }
}

impl BusSettings {
    /// How many milliseconds to wait after that many attempts.
    ///
    /// Half of it is chance, so that what failed together does not come back together.
    pub(super) fn delay(&self, attempts: u32) -> i64 {
        let doublings = attempts.saturating_sub(1).min(20);
        let whole = self.backoff.saturating_mul(1 << doublings).min(self.max_backoff);
        let half = millis(whole) / 2;
        half + rand::random_range(0..=half)
    }
}

/// As the database stores it.
pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Where the bus gets the time from: the system, or a test.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// A clock that answers with what the function answers, in milliseconds since the epoch.
    pub fn new(read: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    pub(super) fn now(&self) -> i64 {
        (self.0)()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::BusSettings;
    use crate::settings;

    #[test]
    fn what_is_not_set_is_the_default_of_the_bus() {
        assert_eq!(BusSettings::from(&settings::Bus::default()), BusSettings::default());
    }

    #[test]
    fn delays_double_up_to_the_cap_and_are_at_least_half_of_it() {
        let settings = BusSettings::default();
        for (attempts, whole) in [(0, 1_000), (1, 1_000), (2, 2_000), (5, 16_000), (40, 300_000)] {
            for _ in 0..50 {
                let delay = settings.delay(attempts);
                assert!((whole / 2..=whole).contains(&delay), "{delay} after {attempts}");
            }
        }
        let none = BusSettings { backoff: Duration::ZERO, ..BusSettings::default() };
        assert_eq!(none.delay(7), 0);
    }
}
