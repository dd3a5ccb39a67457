//! A short id per request: it stands in the answer and in every log line of the request.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The id of one request.
#[derive(Debug, Clone)]
pub struct RequestId(String);

impl RequestId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The next id: a number that differs per process start, and a counter. It only has to find log
/// lines again, so it need not be unguessable and costs no randomness per request.
pub fn next() -> RequestId {
    static START: LazyLock<u32> = LazyLock::new(rand::random);
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    RequestId(format!("{:08x}{count:08x}", *START))
}
