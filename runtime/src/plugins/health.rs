//! How a plugin is doing: a breaker, and what it counts.
//!
//! A plugin that breaks again and again is given a rest: calls are refused at once, until a pause
//! is over; then one call is let through, and how that goes decides.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use firstlight_core::lifecycle::Item;
use metrics::{counter, gauge};
use parking_lot::Mutex;
use tokio::time::Instant;

/// So many faults within so long open the breaker.
const FAULTS: usize = 5;
const WITHIN: Duration = Duration::from_mins(1);
/// The first pause; each one after a probe that failed is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

/// The health of one loaded plugin.
pub(super) struct Health {
    plugin: Arc<str>,
    breaker: Mutex<Breaker>,
    calls: AtomicU64,
    faults: AtomicU64,
    last: Mutex<Option<String>>,
    /// Its item in the timeline, which says when it rests and why.
    item: Mutex<Option<Item>>,
}

enum Breaker {
    /// Calls go through; the times of recent faults.
    Closed { recent: VecDeque<Instant> },
    /// Calls are refused until then.
    Open { until: Instant, pause: Duration },
    /// One call is on its way, and decides.
    HalfOpen { pause: Duration },
}

/// Where a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls go through.
    Closed,
    /// Calls are refused.
    Open,
    /// One call is on its way, and decides.
    HalfOpen,
}

/// How a plugin is doing, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthReport {
    /// The breaker.
    pub breaker: BreakerState,
    /// How long calls are still refused.
    pub rests: Option<Duration>,
    /// Calls since it was loaded.
    pub calls: u64,
    /// Faults since it was loaded.
    pub faults: u64,
    /// The last fault.
    pub last_fault: Option<String>,
}

/// The plugin is resting.
pub(super) struct Resting {
    pub(super) reason: String,
    pub(super) remaining: Duration,
}

impl BreakerState {
    /// Its name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

impl Health {
    pub(super) fn new(plugin: &str) -> Self {
        Self {
            plugin: Arc::from(plugin),
            breaker: Mutex::new(Breaker::Closed { recent: VecDeque::new() }),
            calls: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            last: Mutex::new(None),
            item: Mutex::new(None),
        }
    }

    /// From now on this item says whether it rests.
    pub(super) fn shown_by(&self, item: Item) {
        *self.item.lock() = Some(item);
    }

    /// Lets a call through, or says that the plugin rests.
    pub(super) fn admit(&self) -> Result<(), Resting> {
        let mut breaker = self.breaker.lock();
        let remaining = match &*breaker {
            Breaker::Closed { .. } => None,
            Breaker::HalfOpen { .. } => Some(Duration::from_secs(1)),
            Breaker::Open { until, pause } => {
                let remaining = until.saturating_duration_since(Instant::now());
                if remaining.is_zero() {
                    *breaker = Breaker::HalfOpen { pause: *pause };
                    None
                } else {
                    Some(remaining)
                }
            }
        };
        drop(breaker);
        match remaining {
            None => {
                self.calls.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            Some(remaining) => {
                Err(Resting { reason: self.last.lock().clone().unwrap_or_default(), remaining })
            }
        }
    }

    /// A call came back, also with an error of the plugin's own: it works.
    pub(super) fn worked(&self) {
        let mut breaker = self.breaker.lock();
        if matches!(*breaker, Breaker::HalfOpen { .. }) {
            *breaker = Breaker::Closed { recent: VecDeque::new() };
            drop(breaker);
            self.show(BreakerState::Closed);
            if let Some(item) = &*self.item.lock() {
                item.finish();
            }
            tracing::info!(plugin = &*self.plugin, "the plugin works again");
        }
    }

    /// A call was given up before it came back; it says nothing about the plugin.
    pub(super) fn abandoned(&self) {
        let mut breaker = self.breaker.lock();
        if let Breaker::HalfOpen { pause } = *breaker {
            *breaker = Breaker::Open { until: Instant::now(), pause };
        }
    }

    /// A call broke the plugin, or was broken by it.
    pub(super) fn faulted(&self, reason: &str) {
        self.faults.fetch_add(1, Ordering::Relaxed);
        counter!("firstlight_plugin_faults_total", "plugin" => self.plugin.to_string())
            .increment(1);
        *self.last.lock() = Some(reason.to_owned());
        let now = Instant::now();
        let mut breaker = self.breaker.lock();
        let pause = match &mut *breaker {
            Breaker::Closed { recent } => {
                recent.retain(|at| now.duration_since(*at) < WITHIN);
                recent.push_back(now);
                (recent.len() >= FAULTS).then_some(FIRST_PAUSE)
            }
            Breaker::HalfOpen { pause } => Some(pause.saturating_mul(2).min(LONGEST_PAUSE)),
            // A call that was under way when it opened.
            Breaker::Open { .. } => None,
        };
        if let Some(pause) = pause {
            *breaker = Breaker::Open { until: now + pause, pause };
            drop(breaker);
            self.show(BreakerState::Open);
            if let Some(item) = &*self.item.lock() {
                item.fail(format!("it rests, because it broke again and again: {reason}"));
            }
            let plugin = &*self.plugin;
            tracing::warn!(plugin, reason, ?pause, "the plugin breaks again and again: it rests");
        }
    }

    pub(super) fn report(&self) -> HealthReport {
        let (breaker, rests) = match &*self.breaker.lock() {
            Breaker::Closed { .. } => (BreakerState::Closed, None),
            Breaker::HalfOpen { .. } => (BreakerState::HalfOpen, None),
            Breaker::Open { until, .. } => {
                (BreakerState::Open, Some(until.saturating_duration_since(Instant::now())))
            }
        };
        HealthReport {
            breaker,
            rests,
            calls: self.calls.load(Ordering::Relaxed),
            faults: self.faults.load(Ordering::Relaxed),
            last_fault: self.last.lock().clone(),
        }
    }

    fn show(&self, state: BreakerState) {
        let open = if state == BreakerState::Closed { 0.0 } else { 1.0 };
        gauge!("firstlight_plugin_breaker_open", "plugin" => self.plugin.to_string()).set(open);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn after(time: Duration) {
        tokio::time::advance(time).await;
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_faults_and_one_call_decides_whether_it_closes() {
        let health = Health::new("p");
        for _ in 0..FAULTS {
            assert!(health.admit().is_ok());
            health.faulted("trap");
        }
        assert_eq!(health.admit().err().unwrap().reason, "trap");
        after(FIRST_PAUSE).await;
        assert!(health.admit().is_ok());
        assert!(health.admit().is_err(), "one call at a time");
        health.faulted("trap");
        after(FIRST_PAUSE).await;
        assert!(health.admit().is_err(), "the second pause is longer");
        after(FIRST_PAUSE).await;
        assert!(health.admit().is_ok());
        health.worked();
        assert!(health.admit().is_ok());
        assert_eq!(health.report().breaker, BreakerState::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn faults_far_apart_do_not_open_it_and_an_abandoned_probe_decides_nothing() {
        let health = Health::new("p");
        for _ in 0..FAULTS * 2 {
            health.faulted("trap");
            after(WITHIN / 3).await;
        }
        assert!(health.admit().is_ok());
        for _ in 0..FAULTS {
            health.faulted("trap");
        }
        after(FIRST_PAUSE).await;
        assert!(health.admit().is_ok());
        health.abandoned();
        assert!(health.admit().is_ok());
    }
}
