//! Random tokens and their digests.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// The name of the page's cookie.
pub const COOKIE: &str = "firstlight_session";

/// What every API key begins with.
pub const KEY_PREFIX: &str = "abk_";

/// The SHA-256 of a token: what is stored and looked up.
///
/// Tokens and keys hold 256 random bits, so a plain hash is as good as any: there is no weak secret
/// that a slow hash would have to protect, and the fast one costs a request under a microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// The digest itself.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The form that the database holds.
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }

    /// Reads the form that the database holds.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

/// 256 random bits as 43 characters that are safe in a URL.
pub fn mint() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}
