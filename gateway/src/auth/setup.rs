//! The one-time secret of the first start. There is no default password: whoever can read what the
//! process printed may make the first account.

use std::sync::{Mutex, PoisonError};

use subtle::ConstantTimeEq;

use super::token::{Digest, mint};

/// The secret, for as long as there is no account.
#[derive(Default)]
pub struct Setup(Mutex<Option<Digest>>);

impl Setup {
    /// Makes a secret and gives it to the caller, who prints it. An older one is void.
    pub fn open(&self) -> String {
        let secret = mint();
        *self.lock() = Some(Digest::of(&secret));
        secret
    }

    /// Whether a set-up is possible.
    pub fn is_open(&self) -> bool {
        self.lock().is_some()
    }

    /// Whether this is the secret.
    pub fn matches(&self, secret: &str) -> bool {
        let given = Digest::of(secret);
        self.lock().is_some_and(|right| bool::from(right.bytes().ct_eq(given.bytes())))
    }

    /// Ends the set-up.
    pub fn close(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Digest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
