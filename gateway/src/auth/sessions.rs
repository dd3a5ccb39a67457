//! The log-ins that are valid now.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;

use super::token::Digest;
use crate::http::{Code, SessionCaller};

/// Every valid log-in, by the digest of its token.
#[derive(Default)]
pub struct Sessions(RwLock<HashMap<Digest, Entry>>);

struct Entry {
    caller: Arc<SessionCaller>,
    expires_at: i64,
}

impl Sessions {
    /// The log-in of a token.
    pub fn find(&self, token: &str) -> Result<Arc<SessionCaller>, Code> {
        let sessions = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match sessions.get(&Digest::of(token)) {
            None => Err(Code::SessionInvalid),
            Some(entry) if entry.expires_at <= Timestamp::now().as_millisecond() => {
                Err(Code::SessionExpired)
            }
            Some(entry) => Ok(Arc::clone(&entry.caller)),
        }
    }

    /// Remembers a log-in.
    pub fn insert(&self, digest: Digest, caller: SessionCaller, expires_at: i64) {
        let entry = Entry { caller: Arc::new(caller), expires_at };
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(digest, entry);
    }

    /// Forgets the log-ins that the test names.
    pub fn forget(&self, gone: impl Fn(&SessionCaller) -> bool) {
        let mut sessions = self.0.write().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, entry| !gone(&entry.caller));
    }
}
