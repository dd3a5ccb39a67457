//! One setting, and the types there are.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde_json::{Map, Value};

use super::rules::Rules;

/// The key by which an entry of a template list says from which template it was made.
pub const TEMPLATE_KEY: &str = "__template_key";

/// The type of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemType {
    /// One line of text.
    String,
    /// Several lines of text.
    Text,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// On or off.
    Bool,
    /// Texts, numbers and switches in a row.
    List,
    /// Paths of uploaded files.
    File,
    /// A group of settings.
    Object,
    /// Keys that the operator chooses.
    Dict,
    /// A row of groups, each made from a template.
    TemplateList,
}

impl ItemType {
    const ALL: [(&str, Self); 10] = [
        ("string", Self::String),
        ("text", Self::Text),
        ("int", Self::Int),
        ("float", Self::Float),
        ("bool", Self::Bool),
        ("list", Self::List),
        ("file", Self::File),
        ("object", Self::Object),
        ("dict", Self::Dict),
        ("template_list", Self::TemplateList),
    ];

    /// Its name in a form.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, each)| *each == self).map_or("", |(name, _)| name)
    }
}

impl fmt::Display for ItemType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ItemType {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.iter().find(|(each, _)| *each == name).map(|(_, kind)| *kind).ok_or(())
    }
}

/// Whether a value is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Secrecy {
    Open,
    Secret,
}

/// One setting.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) name: ItemType,
    pub(super) kind: Kind,
    /// What a value itself must be like, without what is inside an object or an entry.
    pub(super) rules: Rules,
    /// What only says how the item is drawn, in the words of the schema.
    pub(super) notes: Map<String, Value>,
    /// The key that held the value in an earlier version.
    pub(super) renamed_from: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// Has no items inside.
    Leaf { default: Value, secrecy: Secrecy },
    /// Its default is made of theirs.
    Object { fields: Fields },
    /// The fields are those that the operator may add.
    Dict { fields: Fields, default: Value },
    /// Entries of several forms.
    TemplateList { templates: Vec<Template>, default: Value },
}

/// One form of an entry in a template list.
#[derive(Debug, Clone)]
pub(super) struct Template {
    pub(super) key: String,
    pub(super) notes: Map<String, Value>,
    pub(super) fields: Fields,
}

/// Settings in the order of the form.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields(Vec<(String, Item)>);

impl Fields {
    pub(super) fn new(items: Vec<(String, Item)>) -> Self {
        Self(items)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Item)> {
        self.0.iter().map(|(key, item)| (key.as_str(), item))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Item)> {
        self.0.iter_mut().map(|(key, item)| (key.as_str(), item))
    }

    pub(super) fn get(&self, key: &str) -> Option<&Item> {
        self.iter().find(|(name, _)| *name == key).map(|(_, item)| item)
    }
}

impl Item {
    pub(super) fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Leaf { secrecy: Secrecy::Secret, .. })
    }

    /// Whether something is set here that must not be shown.
    pub(super) fn holds_secret(&self, value: &Value) -> bool {
        match (&self.kind, value) {
            (Kind::Object { fields }, Value::Object(map)) => fields
                .iter()
                .any(|(key, item)| map.get(key).is_some_and(|value| item.holds_secret(value))),
            (_, Value::Null) => false,
            (_, Value::String(text)) if text.is_empty() => false,
            _ => self.is_secret(),
        }
    }
}

/// The template of an entry, if the entry names one of these.
pub(super) fn template_of<'t>(
    templates: &'t [Template],
    entry: &Map<String, Value>,
) -> Option<&'t Template> {
    let key = entry.get(TEMPLATE_KEY)?.as_str()?;
    templates.iter().find(|template| template.key == key)
}

/// Appends a key to a JSON pointer.
pub(super) fn join(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}
