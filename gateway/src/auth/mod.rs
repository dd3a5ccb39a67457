//! Log-ins and API keys.
//!
//! Tokens and keys are opaque and random; only their SHA-256 is kept. Both are checked against
//! memory: every session and key is loaded at the start and every change goes through this module,
//! so that a guarded row costs no query.

mod keys;
mod sessions;
mod token;

pub use keys::Keys;
pub use sessions::Sessions;
pub use token::{Digest, mint};

/// The name of the page's cookie.
pub const COOKIE: &str = "firstlight_session";

/// What every API key begins with.
pub const KEY_PREFIX: &str = "abk_";

/// Everything that knows callers.
#[derive(Default)]
pub struct Auth {
    pub sessions: Sessions,
    pub keys: Keys,
}
