//! The settings form that a plugin brings: `_conf_schema.json`, as authors of AstrBot plugins know
//! it, read strictly and turned into what Firstlight needs.
//!
//! | module | what it holds |
//! |---|---|
//! | `form` | [`SettingsForm`], the whole form |
//! | `item` | one setting, and the types there are |
//! | `node` | JSON that remembers the order of its keys |
//! | `parse` | from text to items, within limits |
//! | `notes` | the keys that only say how an item is drawn |
//! | `rules` | the keys that say which values an item takes |
//! | `schema` | the JSON Schema by which settings are saved and masked |
//! | `values` | defaults, and settings as the plugin sees them |
//! | `budget` | how much may be filled in |
//! | `convert` | values of another type that lose nothing |
//! | `migrate`, `change` | settings of an earlier version of the plugin |
//!
//! **One source of what fits.** Each item compiles its part of the JSON Schema when it is read, with
//! the engine that checks settings when they are saved. Defaults and converted values are tried
//! against that, so no second set of rules can disagree with the first.
//!
//! **Keys of our own** beside those of the ancestor: `secret` (string), `pattern` (string, text),
//! `min` and `max` (of a number; of the length of a string or text; of the number of elements of a
//! list, file or template list), and `renamed_from` (the key that held the value before). They are
//! refused where they could not be kept. Every other key that is not known is ignored.
//!
//! **Empty means not set.** An item whose default is empty may be left empty, whatever its rules:
//! otherwise no form with a mandatory field could be saved before that field is filled.
//!
//! Compiled-in plugins have no form: they bring the JSON Schema of their settings type.

mod budget;
mod change;
mod convert;
mod error;
mod form;
#[cfg(fuzzing)]
pub mod fuzzed;
mod item;
mod migrate;
mod node;
mod notes;
mod parse;
mod rules;
mod schema;
mod values;

#[cfg(test)]
mod tests;

pub use change::{Change, Migration, OldValue};
pub use error::{FormError, FormProblem};
pub use form::SettingsForm;
pub use item::{ItemType, TEMPLATE_KEY};
