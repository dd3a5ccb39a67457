//! What is asked and answered, as JSON.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::dead_letters::Asked;

/// What can be asked for.
#[derive(Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub(crate) enum Request {
    /// See `Auth::reset`.
    AccountReset { username: String, password: String },
    /// What the runtime does, and why it does not: an [`Account`].
    Status,
    /// See `crate::dead_letters::obey`.
    DeadLetters { asked: Asked },
}

/// What the runtime does, for the owner of the data folder.
#[derive(Serialize, Deserialize)]
pub(crate) struct Account {
    /// The wire name of the state.
    pub(crate) state: String,
    /// What failed the last bootstrap: the component and its error.
    pub(crate) failure: Option<(String, String)>,
    /// Work of an earlier attempt that could not be ended.
    pub(crate) unclean: Vec<String>,
}

/// What came of it.
#[derive(Serialize, Deserialize)]
pub(super) struct Answer {
    /// What was asked for, where something was.
    #[serde(default)]
    pub(super) data: Value,
    /// What failed, and what to do about it; nothing when it was done.
    pub(super) problem: Option<(u8, String, String)>,
}
