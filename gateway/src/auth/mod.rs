//! Log-ins and API keys.
//!
//! Tokens and keys are opaque and random; only their SHA-256 is kept. Both are checked against
//! memory: every session and key is loaded at the start and every change goes through this module,
//! so that a guarded row costs no query.
//!
//! | file | what it holds |
//! |---|---|
//! | `accounts` | log in, set up, change credentials |
//! | `sessions` | the log-ins that are valid now |
//! | `keys` | the API keys that are valid now |
//! | `passwords` | Argon2id, bounded and off the async threads |
//! | `throttle` | backoff per account and address |
//! | `setup` | the one-time secret of the first start |
//! | `token` | random tokens and their digests |
//! | `notes` | when what was last used, written off the request's path |

mod accounts;
mod error;
mod keys;
mod notes;
mod passwords;
mod sessions;
mod setup;
mod throttle;
mod token;

#[cfg(test)]
mod tests;

pub use accounts::{Auth, Client, Edit, LoggedIn};
pub use error::AuthError;
pub use keys::{Keys, NewKey, SCOPES};
pub use passwords::Passwords;
pub use sessions::Sessions;
pub use setup::Setup;
pub use throttle::Throttle;
pub use token::{COOKIE, Digest, KEY_PREFIX, mint};
