//! What a command takes, and what it was given.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Person, PluginError};

/// One argument of a command: by place, or by name as `--key value`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// What it is for; shown in the generated help.
    #[serde(default)]
    pub about: String,
    /// What it may be.
    pub kind: ArgumentKind,
    /// Whether it must be given.
    #[serde(default)]
    pub need: Need,
    /// Whether it is given by name. A named truth needs no value: `--loud`.
    #[serde(default)]
    pub named: bool,
}

/// What an argument may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArgumentKind {
    /// A whole number of 64 bits.
    Int,
    /// A finite number.
    Float,
    /// `true`, `yes`, `on`, `1` or `false`, `no`, `off`, `0`.
    Bool,
    /// One word, or several in quotes.
    Text,
    /// All that follows, as it was written. Always the last argument.
    Rest,
    /// One of these words, in whatever case.
    Choice(Vec<String>),
    /// A mention of a person.
    Mention,
}

/// Whether an argument must be given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// It must.
    #[default]
    Required,
    /// It need not.
    Optional,
    /// It need not, and then it is this.
    Default(Value),
}

impl Argument {
    /// A whole number.
    pub fn int(name: impl Into<String>) -> Self {
        Self::new(name, ArgumentKind::Int)
    }

    /// A number.
    pub fn float(name: impl Into<String>) -> Self {
        Self::new(name, ArgumentKind::Float)
    }

    /// A truth.
    pub fn bool(name: impl Into<String>) -> Self {
        Self::new(name, ArgumentKind::Bool)
    }

    /// One word, or several in quotes.
    pub fn text(name: impl Into<String>) -> Self {
        Self::new(name, ArgumentKind::Text)
    }

    /// All that follows.
    pub fn rest(name: impl Into<String>) -> Self {
        Self::new(name, ArgumentKind::Rest)
    }

    /// One of these words.
    pub fn choice(
        name: impl Into<String>,
        words: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self::new(name, ArgumentKind::Choice(words.into_iter().map(Into::into).collect()))
    }

    /// A mention of a person.
    pub fn mention(name: impl Into<String>) -> Self {
        Self::new(name, ArgumentKind::Mention)
    }

    fn new(name: impl Into<String>, kind: ArgumentKind) -> Self {
        let about = String::new();
        Self { name: name.into(), about, kind, need: Need::Required, named: false }
    }

    /// Says what it is for.
    #[must_use]
    pub fn about(mut self, text: impl Into<String>) -> Self {
        self.about = text.into();
        self
    }

    /// It need not be given.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.need = Need::Optional;
        self
    }

    /// It need not be given, and then it is this.
    #[must_use]
    pub fn default(mut self, value: impl Into<Value>) -> Self {
        self.need = Need::Default(value.into());
        self
    }

    /// It is given by name, as `--key value` or `--key=value`, before the rest of the line.
    #[must_use]
    pub fn named(mut self) -> Self {
        self.named = true;
        self
    }
}

/// What a command was given: by name of the argument, checked against the declaration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Arguments(pub Map<String, Value>);

impl Arguments {
    /// A text, choice or rest; `None` when it was not given.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// A whole number; `None` when it was not given.
    pub fn int(&self, name: &str) -> Option<i64> {
        self.0.get(name).and_then(Value::as_i64)
    }

    /// A number; `None` when it was not given.
    pub fn float(&self, name: &str) -> Option<f64> {
        self.0.get(name).and_then(Value::as_f64)
    }

    /// A truth; `None` when it was not given.
    pub fn bool(&self, name: &str) -> Option<bool> {
        self.0.get(name).and_then(Value::as_bool)
    }

    /// The person who was mentioned; `None` when nobody was.
    pub fn mention(&self, name: &str) -> Option<Person> {
        self.0.get(name).and_then(|value| Person::deserialize(value).ok())
    }

    /// All of them at once, as the fields of `T`.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, PluginError> {
        let value = Value::Object(self.0);
        serde_json::from_value(value).map_err(|error| PluginError::Arguments(error.to_string()))
    }
}
