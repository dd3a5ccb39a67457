//! Stage 4, rate limit: how many messages of one session are worked on in a time.
//!
//! A message above the limit goes back to the inbox with a time before which it is not taken up
//! again, and what follows it in its session waits with it there. So nothing sleeps, no lock is
//! held, and what waits is bounded by the inbox (reference 7.2 B16).

use std::collections::{HashMap, VecDeque};

use firstlight_core::config::{RateLimit, RateLimitStrategy};
use firstlight_core::model::SessionKey;
use parking_lot::Mutex;

use super::answer::TurnEnd;
use super::passage::Passage;

/// How many sessions are remembered before those that said nothing of late are forgotten.
const SWEEP_AT: usize = 4_096;

/// Who said how much of late, by the whole session key.
#[derive(Debug, Default)]
pub struct RateLimiter(Mutex<Windows>);

#[derive(Debug, Default)]
struct Windows {
    sessions: HashMap<SessionKey, Window>,
    /// The number of sessions at which is looked for those to forget.
    sweep_at: usize,
}

#[derive(Debug)]
struct Window {
    /// When messages were let through, in milliseconds since the epoch, the oldest first.
    stamps: VecDeque<i64>,
    /// How long the last of them counts.
    length: i64,
}

/// Whether a message is worked on now.
#[derive(Debug, PartialEq, Eq)]
enum Admission {
    Now,
    /// There is room at that time.
    At(i64),
}

pub(super) fn run(passage: &mut Passage<'_>) {
    let limit = &passage.scope.profile.platform_settings.rate_limit;
    if !passage.awake {
        return;
    }
    let now = jiff::Timestamp::now().as_millisecond();
    match passage.resources.limiter.admit(&passage.event.session, limit, now) {
        Admission::Now => {}
        Admission::At(until) => match limit.strategy {
            RateLimitStrategy::Stall => passage.end(TurnEnd::Postponed { until }),
            RateLimitStrategy::Discard => {
                let session = passage.event.session.to_string();
                tracing::info!(session, "a message above the rate limit was passed over");
                passage.end(TurnEnd::Ignored);
            }
        },
    }
}

impl RateLimiter {
    fn admit(&self, session: &SessionKey, limit: &RateLimit, now: i64) -> Admission {
        let Ok(count @ 1..) = usize::try_from(limit.count) else { return Admission::Now };
        let length = i64::from(limit.time) * 1_000;
        let mut windows = self.0.lock();
        windows.sweep(now);
        let fresh = || Window { stamps: VecDeque::new(), length };
        let window = windows.sessions.entry(session.clone()).or_insert_with(fresh);
        window.length = length;
        // A stamp of the future, after the clock was set back, would hold the session up.
        window.stamps.retain(|stamp| *stamp > now - length && *stamp <= now);
        if window.stamps.len() < count {
            window.stamps.push_back(now);
            return Admission::Now;
        }
        let freed = window.stamps.len() - count;
        Admission::At(window.stamps.get(freed).map_or(now, |stamp| stamp + length + 1))
    }
}

impl Windows {
    fn sweep(&mut self, now: i64) {
        if self.sessions.len() < self.sweep_at.max(SWEEP_AT) {
            return;
        }
        self.sessions.retain(|_, window| {
            window.stamps.back().is_some_and(|latest| *latest > now - window.length)
        });
        // Twice what is left, so that looking through all costs each message little.
        self.sweep_at = self.sessions.len() * 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(count: i32) -> RateLimit {
        RateLimit { time: 60, count, ..RateLimit::default() }
    }

    fn session(id: usize) -> SessionKey {
        format!("qq:GroupMessage:{id}").parse().unwrap()
    }

    #[test]
    fn b16_the_window_slides_and_platforms_do_not_share_one() {
        let limiter = RateLimiter::default();
        let admit = |session: &SessionKey, now| limiter.admit(session, &limit(2), now);
        assert_eq!(admit(&session(1), 0), Admission::Now);
        assert_eq!(admit(&session(1), 10_000), Admission::Now);
        assert_eq!(admit(&session(1), 20_000), Admission::At(60_001));
        let other: SessionKey = "tg:GroupMessage:1".parse().unwrap();
        assert_eq!(admit(&other, 20_000), Admission::Now);
        assert_eq!(admit(&session(1), 60_001), Admission::Now);
        assert_eq!(admit(&session(1), 60_002), Admission::At(70_001));
    }

    #[test]
    fn without_a_count_there_is_no_limit_and_nothing_is_remembered() {
        let limiter = RateLimiter::default();
        for now in 0..100 {
            assert_eq!(limiter.admit(&session(1), &limit(0), now), Admission::Now);
            assert_eq!(limiter.admit(&session(1), &limit(-1), now), Admission::Now);
        }
        assert!(limiter.0.lock().sessions.is_empty());
    }

    #[test]
    fn p9_sessions_that_fell_silent_are_forgotten() {
        let limiter = RateLimiter::default();
        for id in 0..SWEEP_AT * 4 {
            let now = i64::try_from(id).unwrap() * 100;
            limiter.admit(&session(id), &limit(5), now);
        }
        assert!(limiter.0.lock().sessions.len() <= SWEEP_AT + 600);
    }

    #[test]
    fn a_clock_that_is_set_back_holds_nobody_up() {
        let limiter = RateLimiter::default();
        assert_eq!(limiter.admit(&session(1), &limit(1), 10_000_000), Admission::Now);
        assert_eq!(limiter.admit(&session(1), &limit(1), 1_000), Admission::Now);
    }

    #[test]
    fn a_limit_that_is_lowered_counts_from_the_next_message_on() {
        let limiter = RateLimiter::default();
        for now in 0..5 {
            assert_eq!(limiter.admit(&session(1), &limit(5), now), Admission::Now);
        }
        assert_eq!(limiter.admit(&session(1), &limit(2), 10), Admission::At(60_004));
    }
}
