//! Bodies that plugins read piece by piece.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use firstlight_plugins_api::HostError;
use parking_lot::Mutex;
use reqwest::Response;
use tokio::time::{Instant, timeout};

/// How many a plugin may have open.
const MOST: usize = 16;
/// How long one may not be read from, and how long a part may be waited for.
const PATIENCE: Duration = Duration::from_mins(1);
/// The largest part.
const PART: usize = 256 << 10;

/// The open bodies of one plugin.
#[derive(Default)]
pub(super) struct Streams {
    open: Mutex<BTreeMap<u64, Open>>,
    next: AtomicU64,
}

/// A body that is open.
pub(super) struct Open {
    /// `None` while its request is under way.
    response: Option<Response>,
    /// What was received and not read.
    left: Bytes,
    last: Instant,
}

/// A place for a body whose request is under way; dropped, it is free again.
pub(super) struct Place<'a> {
    streams: &'a Streams,
    number: u64,
    filled: bool,
}

impl Streams {
    /// Takes a place, if there is one.
    pub(super) fn place(&self) -> Result<Place<'_>, HostError> {
        let mut open = self.open.lock();
        open.retain(|_, open| open.response.is_none() || open.last.elapsed() < PATIENCE);
        if open.len() >= MOST {
            return Err(HostError::limit("open streams", MOST as u64));
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        open.insert(number, Open { response: None, left: Bytes::new(), last: Instant::now() });
        Ok(Place { streams: self, number, filled: false })
    }

    /// Takes a body out, so that no two read from it at the same time.
    pub(super) fn take(&self, number: u64) -> Result<Open, HostError> {
        let mut all = self.open.lock();
        let there = all.get(&number).is_some_and(|open| open.response.is_some());
        let open = if there { all.remove(&number) } else { None };
        open.ok_or_else(|| HostError::unknown("stream", number.to_string()))
    }

    pub(super) fn put_back(&self, number: u64, open: Open) {
        self.open.lock().insert(number, Open { last: Instant::now(), ..open });
    }
}

impl Place<'_> {
    /// The body is there.
    pub(super) fn fill(mut self, response: Response) -> u64 {
        self.filled = true;
        let open = Open { response: Some(response), left: Bytes::new(), last: Instant::now() };
        self.streams.open.lock().insert(self.number, open);
        self.number
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.filled {
            self.streams.open.lock().remove(&self.number);
        }
    }
}

/// The next part of a body.
pub(super) async fn part(open: &mut Open) -> Result<Option<Vec<u8>>, HostError> {
    while open.left.is_empty() {
        let Some(response) = &mut open.response else { return Ok(None) };
        let broken = |what: &str| HostError::Remote(format!("the body {what}"));
        let chunk = timeout(PATIENCE, response.chunk()).await;
        match chunk.map_err(|_| broken("stopped"))?.map_err(|_| broken("broke off"))? {
            Some(chunk) => open.left = chunk,
            None => return Ok(None),
        }
    }
    let length = open.left.len().min(PART);
    Ok(Some(open.left.split_to(length).to_vec()))
}
