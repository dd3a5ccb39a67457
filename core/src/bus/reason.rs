//! Why a message was put aside, as a code that programs can go by. The text beside it is for people.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a message is a dead letter, or uncertain.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(rename_all = "snake_case")]
pub enum Reason {
    /// Its turn failed in a way that no further attempt can change.
    Failed,
    /// It had all its attempts.
    Attempts,
    /// The process ended while it was worked on or sent.
    Crashed,
    /// The platform will not have it.
    Refused,
    /// The platform did not say whether it has it.
    NoAnswer,
    /// It waited longer than [`super::BusSettings::stale_after`].
    Stale,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 6] =
        [Self::Failed, Self::Attempts, Self::Crashed, Self::Refused, Self::NoAnswer, Self::Stale];

    /// Its name, as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Attempts => "attempts",
            Self::Crashed => "crashed",
            Self::Refused => "refused",
            Self::NoAnswer => "no_answer",
            Self::Stale => "stale",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a row that is put aside remembers of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct PutAside {
    pub(super) reason: Reason,
    pub(super) at: i64,
}
