//! The log-ins that are valid now.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use jiff::Timestamp;

use super::token::Digest;
use crate::http::{Code, SessionCaller};

/// Every valid log-in, by the digest of its token.
#[derive(Default)]
pub struct Sessions(RwLock<HashMap<Digest, Entry>>);

struct Entry {
    caller: Arc<SessionCaller>,
    expires_at: i64,
    /// Whether it was used since that was last written.
    used: AtomicBool,
}

impl Sessions {
    /// The log-in of a token.
    pub fn find(&self, token: &str) -> Result<Arc<SessionCaller>, Code> {
        match self.read().get(&Digest::of(token)) {
            None => Err(Code::SessionInvalid),
            Some(entry) if entry.expires_at <= Timestamp::now().as_millisecond() => {
                Err(Code::SessionExpired)
            }
            Some(entry) => {
                if !entry.used.load(Ordering::Relaxed) {
                    entry.used.store(true, Ordering::Relaxed);
                }
                Ok(Arc::clone(&entry.caller))
            }
        }
    }

    /// Remembers a log-in.
    pub fn insert(&self, digest: Digest, caller: SessionCaller, expires_at: i64) {
        let entry = Entry { caller: Arc::new(caller), expires_at, used: AtomicBool::new(false) };
        self.write().insert(digest, entry);
    }

    /// Forgets one log-in.
    pub fn remove(&self, digest: Digest) {
        self.write().remove(&digest);
    }

    /// Forgets the log-ins that the test names.
    pub fn forget(&self, gone: impl Fn(&SessionCaller) -> bool) {
        self.write().retain(|_, entry| !gone(&entry.caller));
    }

    /// Forgets what has expired long enough ago that nobody asks for the difference any more.
    pub fn forget_expired(&self, before: i64) {
        self.write().retain(|_, entry| entry.expires_at > before);
    }

    /// Gives the log-ins of an account its new name.
    pub fn rename(&self, account_id: &str, username: &str) {
        for entry in self.write().values_mut() {
            if entry.caller.account_id == account_id {
                let renamed =
                    SessionCaller { username: username.to_owned(), ..(*entry.caller).clone() };
                entry.caller = Arc::new(renamed);
            }
        }
    }

    /// Takes the ids of the log-ins that were used since the last call.
    pub fn take_used(&self) -> Vec<String> {
        let sessions = self.read();
        let used = sessions.values().filter(|entry| entry.used.swap(false, Ordering::Relaxed));
        used.map(|entry| entry.caller.session_id.clone()).collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<Digest, Entry>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<Digest, Entry>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
