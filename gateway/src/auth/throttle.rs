//! Backoff for guessing: per account and address together, per address, and per account.
//!
//! An attempt counts before it is verified, so that many at once do not slip through, and a success
//! forgets the failures of its account and address. The bound per account alone is wide and short:
//! whoever knows a name must not be able to lock its owner out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::error::AuthError;
use super::token::Digest;

/// How many different callers are remembered; beyond that the settled ones are forgotten.
const REMEMBERED: usize = 10_000;

/// How long a failure counts.
const MEMORY: Duration = Duration::from_hours(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Who {
    Both(Digest, Network),
    Address(Network),
    Account(Digest),
}

/// An IPv4 address, or the /64 of an IPv6 one: that is what one caller has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Network {
    V4([u8; 4]),
    V6([u16; 4]),
}

#[derive(Debug)]
struct Strikes {
    count: u32,
    closed_until: Instant,
    last: Instant,
}

/// Who has to wait.
#[derive(Default)]
pub struct Throttle(Mutex<HashMap<Who, Strikes>>);

impl Throttle {
    /// Counts an attempt, or says how long to wait.
    pub fn attempt(&self, account: &str, address: IpAddr) -> Result<(), AuthError> {
        let now = Instant::now();
        let mut strikes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all = everyone(account, address);
        let wait = all.iter().filter_map(|who| strikes.get(who)).map(|s| s.closed_until).max();
        if let Some(until) = wait.filter(|until| *until > now) {
            let seconds = (until - now).as_secs_f64().ceil();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "≤ 900")]
            return Err(AuthError::Throttled { seconds: seconds as u32 });
        }
        if strikes.len() >= REMEMBERED {
            strikes.retain(|_, s| s.closed_until > now);
        }
        for who in all {
            let entry =
                strikes.entry(who).or_insert(Strikes { count: 0, closed_until: now, last: now });
            if now - entry.last > MEMORY {
                entry.count = 0;
            }
            entry.count += 1;
            entry.last = now;
            entry.closed_until = now + who.pause(entry.count);
        }
        Ok(())
    }

    /// Forgets the failures of someone who then got it right.
    pub fn succeeded(&self, account: &str, address: IpAddr) {
        let mut strikes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for who in everyone(account, address) {
            strikes.remove(&who);
        }
    }
}

fn everyone(account: &str, address: IpAddr) -> [Who; 3] {
    let account = Digest::of(account);
    let network = match address.to_canonical() {
        IpAddr::V4(address) => Network::V4(address.octets()),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Network::V6([a, b, c, d])
        }
    };
    [Who::Both(account, network), Who::Address(network), Who::Account(account)]
}

impl Who {
    /// How long to wait after so many failures: nothing at first, then doubling up to a cap.
    fn pause(self, count: u32) -> Duration {
        let (free, cap) = match self {
            Who::Both(..) => (4, 900),
            Who::Address(_) => (20, 900),
            Who::Account(_) => (50, 10),
        };
        match count.checked_sub(free) {
            None | Some(0) => Duration::ZERO,
            Some(over) => Duration::from_secs(cap.min(1_u64 << (over - 1).min(20))),
        }
    }
}
