//! What is asked and answered, as JSON.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::dead_letters::Asked;
use crate::plugins_control;

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
    /// See `crate::plugins_control::obey`.
    Plugins { asked: plugins_control::Asked },
}

impl Request {
    /// How long it may take. A plugin may have to be downloaded and compiled; of the others, hashing
    /// a password on a busy machine is the slow part.
    pub(super) fn deadline(&self) -> Duration {
        match self {
            Self::Plugins { .. } => Duration::from_mins(10),
            Self::AccountReset { .. } | Self::Status | Self::DeadLetters { .. } => {
                Duration::from_secs(15)
            }
        }
    }
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
