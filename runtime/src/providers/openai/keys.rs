//! Which of several keys to use next.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;

use crate::providers::error::ProviderError;

/// How long a key rests after a 429 without `Retry-After`.
const LIMITED: Duration = Duration::from_secs(20);
/// How long a refused key is tried last.
const REFUSED: Duration = Duration::from_mins(5);
/// A longer `Retry-After` is not believed.
const LONGEST: Duration = Duration::from_mins(10);

/// The keys of one provider and what is known of them. Shared by all its calls; no call changes
/// which key another one is using.
pub(super) struct KeyPool {
    /// One `None` for a provider without keys, so that callers need no second path.
    keys: Vec<Option<SecretString>>,
    resting: Mutex<Vec<Option<Rest>>>,
}

#[derive(Debug, Clone, Copy)]
struct Rest {
    until: Instant,
    limited: bool,
}

/// The answer to "which key now?".
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pick {
    /// This one, by its place.
    Use(usize),
    /// Every key was told to wait, the first of them this much longer.
    Wait(Duration),
    /// All have been tried.
    Exhausted,
}

impl KeyPool {
    pub(super) fn new(keys: Vec<SecretString>) -> Self {
        let mut keys: Vec<_> = keys.into_iter().map(Some).collect();
        if keys.is_empty() {
            keys.push(None);
        }
        let resting = Mutex::new(vec![None; keys.len()]);
        Self { keys, resting }
    }

    pub(super) fn key(&self, place: usize) -> Option<&SecretString> {
        self.keys.get(place)?.as_ref()
    }

    /// A random one of the rested keys that were not tried; refused ones only when no other is
    /// left; those that were told to wait not before their time.
    pub(super) fn pick(&self, tried: &BTreeSet<usize>) -> Pick {
        let now = Instant::now();
        let resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        let untried = resting.iter().enumerate().filter(|(place, _)| !tried.contains(place));
        let (mut rested, mut refused, mut soonest) = (Vec::new(), Vec::new(), None);
        for (place, rest) in untried {
            match rest.filter(|rest| rest.until > now) {
                None => rested.push(place),
                Some(rest) if !rest.limited => refused.push(place),
                Some(rest) => {
                    let left = rest.until - now;
                    soonest = Some(soonest.map_or(left, |other: Duration| other.min(left)));
                }
            }
        }
        let candidates = if rested.is_empty() { refused } else { rested };
        let chosen = rand::random_range(0..candidates.len().max(1));
        match (candidates.get(chosen), soonest) {
            (Some(place), _) => Pick::Use(*place),
            (None, Some(left)) => Pick::Wait(left),
            (None, None) => Pick::Exhausted,
        }
    }

    /// Remembers what an outcome says about the key.
    pub(super) fn note(&self, place: usize, outcome: Result<(), &ProviderError>) {
        let now = Instant::now();
        let rest = match outcome {
            Ok(()) => None,
            Err(ProviderError::RateLimited { retry_after, .. }) => {
                let wait = retry_after.unwrap_or(LIMITED).min(LONGEST);
                Some(Rest { until: now + wait, limited: true })
            }
            Err(ProviderError::Auth { .. }) => Some(Rest { until: now + REFUSED, limited: false }),
            Err(_) => return,
        };
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = resting.get_mut(place) {
            *slot = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(count: usize) -> KeyPool {
        KeyPool::new((0..count).map(|n| SecretString::from(format!("key-{n}"))).collect())
    }

    fn limited(seconds: u64) -> ProviderError {
        let retry_after = Some(Duration::from_secs(seconds));
        ProviderError::RateLimited { retry_after, message: String::new() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_told_to_wait_is_left_alone_until_its_time() {
        let (pool, none) = (pool(2), BTreeSet::new());
        pool.note(0, Err(&limited(30)));
        for _ in 0..50 {
            assert_eq!(pool.pick(&none), Pick::Use(1));
        }
        assert_eq!(pool.pick(&BTreeSet::from([1])), Pick::Wait(Duration::from_secs(30)));
        pool.note(1, Err(&limited(10)));
        assert_eq!(pool.pick(&none), Pick::Wait(Duration::from_secs(10)));
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(pool.pick(&none), Pick::Use(1));
        tokio::time::advance(Duration::from_secs(20)).await;
        let picked: BTreeSet<_> = (0..100).map(|_| format!("{:?}", pool.pick(&none))).collect();
        assert_eq!(picked.len(), 2, "both keys are used again");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_key_is_the_last_resort_and_success_clears_it() {
        let (pool, none) = (pool(2), BTreeSet::new());
        let refused = ProviderError::Auth { status: 401, message: String::new() };
        pool.note(0, Err(&refused));
        for _ in 0..50 {
            assert_eq!(pool.pick(&none), Pick::Use(1));
        }
        assert_eq!(pool.pick(&BTreeSet::from([1])), Pick::Use(0));
        assert_eq!(pool.pick(&BTreeSet::from([0, 1])), Pick::Exhausted);
        pool.note(0, Ok(()));
        pool.note(1, Err(&refused));
        assert_eq!(pool.pick(&none), Pick::Use(0));
    }

    #[tokio::test]
    async fn a_provider_without_keys_has_one_empty_place() {
        let pool = pool(0);
        assert_eq!(pool.pick(&BTreeSet::new()), Pick::Use(0));
        assert!(pool.key(0).is_none());
    }
}
