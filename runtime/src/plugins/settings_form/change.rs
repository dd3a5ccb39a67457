//! What an update of a plugin did to its settings.

use std::fmt;

use firstlight_core::config::mask;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::item::ItemType;

/// Settings brought to another version of the form.
#[derive(Debug, Clone, PartialEq)]
pub struct Migration {
    /// What to save; the schema of the form takes it.
    pub value: Value,
    /// What is different, in the order of the form. Without changes, nothing need be saved.
    pub changes: Vec<Change>,
}

/// One change. Places are JSON pointers into the new value, except where it says otherwise.
///
/// Neither `Display` nor `Debug` nor the serialised form shows a secret.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// The form has a new item; nothing is saved for it yet. What is new in a template is not told
    /// for each entry.
    Added {
        /// Where.
        pointer: String,
    },
    /// The form does not know this key or template. The value is kept.
    Unused {
        /// Where.
        pointer: String,
        /// Whether the earlier form called it, or something in it, a secret. The new schema does
        /// not know that.
        secret: bool,
    },
    /// The value moved to the new name of its item.
    Renamed {
        /// Where it was.
        from: String,
        /// Where it is.
        to: String,
    },
    /// The value says the same in the new type.
    Converted {
        /// Where.
        pointer: String,
        /// What kind of JSON it was.
        from: &'static str,
        /// The type of the item.
        to: ItemType,
    },
    /// The value no longer fits, so the default stands there.
    Replaced {
        /// Where.
        pointer: String,
        /// What stood there.
        old: OldValue,
    },
    /// An entry of a template list fits no form, and has no default.
    Removed {
        /// Where it was in the old list.
        pointer: String,
        /// What it was.
        old: OldValue,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added { pointer } => write!(f, "{pointer}: new"),
            Self::Unused { pointer, .. } => write!(f, "{pointer}: not used any more, kept"),
            Self::Renamed { from, to } => write!(f, "{from}: moved to {to}"),
            Self::Converted { pointer, from, to } => {
                write!(f, "{pointer}: the {from} became a value of type {to}")
            }
            Self::Replaced { pointer, old } => {
                write!(f, "{pointer}: {old} does not fit any more; the default stands there")
            }
            Self::Removed { pointer, old } => {
                write!(f, "{pointer}: {old} fits no template; it was taken out")
            }
        }
    }
}

/// A value that is in the settings no more.
#[derive(Clone, PartialEq)]
pub struct OldValue {
    value: Value,
    sight: Sight,
}

/// Whether an old value may be shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    Shown,
    /// It is a secret, or nothing is known of it.
    Masked,
}

impl OldValue {
    pub(super) fn new(value: Value, sight: Sight) -> Self {
        Self { value, sight }
    }

    /// The value itself, which may be a secret.
    pub fn expose(&self) -> &Value {
        &self.value
    }

    /// The value as it may leave the process.
    pub fn masked(&self) -> Value {
        match self.sight {
            Sight::Shown => mask(&self.value, &json!({})),
            Sight::Masked => mask(&self.value, &json!({"x-secret": true})),
        }
    }
}

impl fmt::Debug for OldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OldValue({})", self.masked())
    }
}

/// Its kind only: logs are read by others than settings are.
impl fmt::Display for OldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {}", super::convert::kind_of(&self.value))
    }
}

impl Serialize for OldValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.masked().serialize(serializer)
    }
}
