//! What can be wrong with a form.

use super::item::ItemType;

/// A form that is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", at(pointer))]
pub struct FormError {
    /// The place in the form, as a JSON pointer; empty for the whole form.
    pub pointer: String,
    /// What is wrong there.
    pub problem: FormProblem,
}

/// What is wrong at one place of a form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormProblem {
    /// More text than any form needs.
    #[error("the form has more than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// The text is not JSON, or a key is there twice.
    #[error("the form cannot be read: {message}")]
    NotJson {
        /// What the reader says, with line and column.
        message: String,
    },
    /// Items within items within items.
    #[error("items are nested more than {limit} deep")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// More items than anybody fills in.
    #[error("the form has more than {limit} items")]
    TooManyItems {
        /// The limit.
        limit: usize,
    },
    /// More patterns than memory should be spent on.
    #[error("the form has more than {limit} patterns")]
    TooManyPatterns {
        /// The limit.
        limit: usize,
    },
    /// A key that nobody can read.
    #[error("a key has more than {limit} bytes")]
    LongKey {
        /// The limit.
        limit: usize,
    },
    /// Template lists by default that grow out of all bounds once their entries are filled in.
    #[error("the defaults of template lists have more than {limit} bytes in all")]
    LargeDefaults {
        /// The limit.
        limit: usize,
    },
    /// A value of the wrong kind.
    #[error("{expected} is expected here")]
    WrongKind {
        /// What belongs here, with its article.
        expected: &'static str,
    },
    /// A key that this type of item needs is not there.
    #[error("`{key}` is missing")]
    Missing {
        /// The key.
        key: &'static str,
    },
    /// A type that is not known.
    #[error("there is no type {given:?}")]
    UnknownType {
        /// What was given, shortened.
        given: String,
    },
    /// A key that could not be kept for this type of item.
    #[error("an item of type `{kind}` has no `{key}`")]
    Misplaced {
        /// The key.
        key: &'static str,
        /// The type of the item.
        kind: ItemType,
    },
    /// A secret where it would neither be followed nor masked for certain.
    #[error("a secret must be a string at the top or in objects, not in a dict or a template list")]
    SecretInside,
    /// Forms are public.
    #[error("a secret has no default: anybody may read the form")]
    SecretDefault,
    /// Forms are public.
    #[error("a secret has no options: anybody may read the form")]
    SecretOptions,
    /// A pattern that is no regular expression, or too large a one.
    #[error("the pattern cannot be used: {message}")]
    Pattern {
        /// Why.
        message: String,
    },
    /// Nothing would fit.
    #[error("`min` is greater than `max`")]
    Bounds,
    /// A default that its own item would refuse.
    #[error("the default does not fit its item: {message}")]
    Default {
        /// Why, without quoting the value.
        message: String,
    },
    /// The earlier key is one of this form, or of two items.
    #[error("`renamed_from` must name a key that the form has no more, and each only once")]
    Renaming,
    /// A key that Firstlight itself writes.
    #[error("the key {key:?} is reserved")]
    Reserved {
        /// The key.
        key: &'static str,
    },
    /// The schema made from an item is not one: a bug of ours, told instead of passed on.
    #[error("the rules of the item make no schema: {message}")]
    Rules {
        /// What the checker of schemas says.
        message: String,
    },
}

fn at(pointer: &str) -> String {
    if pointer.is_empty() { String::new() } else { format!("{pointer}: ") }
}
