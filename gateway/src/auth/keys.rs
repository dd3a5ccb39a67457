//! The API keys that are valid now.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use firstlight_core::db::{ApiKey, Database, NewApiKey, Scopes};
use jiff::Timestamp;

use super::KEY_PREFIX;
use super::error::AuthError;
use super::token::{Digest, mint};
use crate::http::KeyCaller;
use crate::http::caller::Granted;

/// The scopes that a key can be granted.
pub const SCOPES: [&str; 4] = ["chat", "config", "file", "im"];

/// How many characters of a key stay readable, so that its owner recognises it.
const SHOWN: usize = 12;

/// Every active key, by the digest of the key.
pub struct Keys {
    database: Database,
    active: RwLock<HashMap<Digest, Entry>>,
    /// The keys that were used, until that is written.
    used: Mutex<HashSet<String>>,
}

struct Entry {
    caller: Arc<KeyCaller>,
    expires_at: Option<i64>,
}

/// A key to be made.
#[derive(Debug, Clone)]
pub struct NewKey {
    pub name: String,
    pub scopes: Vec<String>,
    pub created_by: String,
    pub expires_at: Option<i64>,
}

impl Keys {
    /// Reads the keys from the database.
    pub async fn load(database: Database) -> Result<Self, AuthError> {
        let stored = database.api_keys().list().await?;
        let keys = Self { database, active: RwLock::default(), used: Mutex::default() };
        for key in &stored {
            keys.remember(key);
        }
        Ok(keys)
    }

    /// The key, when it is known and active.
    pub fn find(&self, raw: &str) -> Option<Arc<KeyCaller>> {
        let active = self.active.read().unwrap_or_else(PoisonError::into_inner);
        let entry = active.get(&Digest::of(raw))?;
        let now = Timestamp::now().as_millisecond();
        entry.expires_at.is_none_or(|at| at > now).then(|| Arc::clone(&entry.caller))
    }

    /// Makes a key. The second value is the key itself: it is shown once and never stored.
    pub async fn create(&self, new: NewKey) -> Result<(ApiKey, String), AuthError> {
        let raw = format!("{KEY_PREFIX}{}", mint());
        let stored = NewApiKey {
            name: new.name,
            key_hash: Digest::of(&raw).to_hex(),
            key_prefix: raw.chars().take(SHOWN).collect(),
            scopes: Scopes::Only(new.scopes),
            created_by: new.created_by,
            expires_at: new.expires_at,
        };
        let key = self.database.api_keys().create(stored).await?;
        self.remember(&key);
        Ok((key, raw))
    }

    /// All keys, also those that open nothing any more, the newest first.
    pub async fn list(&self) -> Result<Vec<ApiKey>, AuthError> {
        Ok(self.database.api_keys().list().await?)
    }

    /// Revokes a key, at once.
    pub async fn revoke(&self, key_id: &str) -> Result<(), AuthError> {
        let known = self.database.api_keys().revoke(key_id).await?;
        self.forget(key_id);
        known.then_some(()).ok_or(AuthError::Missing("API key"))
    }

    /// Deletes a key.
    pub async fn delete(&self, key_id: &str) -> Result<(), AuthError> {
        let known = self.database.api_keys().delete(key_id).await?;
        self.forget(key_id);
        known.then_some(()).ok_or(AuthError::Missing("API key"))
    }

    /// Notes that a key was used. The note is written later, off the request's path.
    pub fn used(&self, key_id: &str) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if !used.contains(key_id) {
            used.insert(key_id.to_owned());
        }
    }

    /// Takes the notes, to write them.
    pub fn take_used(&self) -> HashSet<String> {
        std::mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn remember(&self, key: &ApiKey) {
        let Some(digest) = Digest::from_hex(&key.key_hash).filter(|_| key.revoked_at.is_none())
        else {
            return;
        };
        let scopes = match &key.scopes {
            Scopes::All => Granted::All,
            Scopes::Only(names) => Granted::These(names.clone()),
        };
        let caller = Arc::new(KeyCaller { key_id: key.key_id.clone(), scopes });
        let entry = Entry { caller, expires_at: key.expires_at };
        self.active.write().unwrap_or_else(PoisonError::into_inner).insert(digest, entry);
    }

    fn forget(&self, key_id: &str) {
        let mut active = self.active.write().unwrap_or_else(PoisonError::into_inner);
        active.retain(|_, entry| entry.caller.key_id != key_id);
    }
}
