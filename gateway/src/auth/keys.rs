//! The API keys that are valid now.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::Timestamp;

use super::token::Digest;
use crate::http::KeyCaller;

/// Every active key, by the digest of the key.
#[derive(Default)]
pub struct Keys {
    active: RwLock<HashMap<Digest, Entry>>,
    /// When which key was last used, until it is written.
    used: Mutex<HashMap<String, i64>>,
}

struct Entry {
    caller: Arc<KeyCaller>,
    expires_at: Option<i64>,
}

impl Keys {
    /// The key, when it is known and active.
    pub fn find(&self, raw: &str) -> Option<Arc<KeyCaller>> {
        let active = self.active.read().unwrap_or_else(PoisonError::into_inner);
        let entry = active.get(&Digest::of(raw))?;
        let now = Timestamp::now().as_millisecond();
        entry.expires_at.is_none_or(|at| at > now).then(|| Arc::clone(&entry.caller))
    }

    /// Remembers a key.
    pub fn insert(&self, digest: Digest, caller: KeyCaller, expires_at: Option<i64>) {
        let entry = Entry { caller: Arc::new(caller), expires_at };
        self.active.write().unwrap_or_else(PoisonError::into_inner).insert(digest, entry);
    }

    /// Forgets a key.
    pub fn forget(&self, key_id: &str) {
        let mut active = self.active.write().unwrap_or_else(PoisonError::into_inner);
        active.retain(|_, entry| entry.caller.key_id != key_id);
    }

    /// Notes that a key was used. The note is written later, off the request's path.
    pub fn used(&self, key_id: &str) {
        let now = Timestamp::now().as_millisecond();
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        match used.get_mut(key_id) {
            Some(at) => *at = now,
            None => drop(used.insert(key_id.to_owned(), now)),
        }
    }

    /// Takes the notes, to write them.
    pub fn take_used(&self) -> HashMap<String, i64> {
        std::mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
