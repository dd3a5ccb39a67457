//! JSON that remembers the order of its keys, and refuses a key that is there twice.
//!
//! A form is drawn in the order in which it was written; a JSON value sorts its keys.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

/// A value of a form.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Object(Vec<(String, Node)>),
    Other(Value),
}

impl Node {
    /// The members in order; `None` for anything but an object.
    pub(super) fn members(&self) -> Option<&[(String, Node)]> {
        match self {
            Self::Object(members) => Some(members),
            Self::Other(_) => None,
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.members()?.iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// Anything but an object.
    pub(super) fn other(&self) -> Option<&Value> {
        match self {
            Self::Object(_) => None,
            Self::Other(value) => Some(value),
        }
    }

    pub(super) fn value(&self) -> Value {
        match self {
            Self::Object(members) => {
                members.iter().map(|(key, node)| (key.clone(), node.value())).collect()
            }
            Self::Other(value) => value.clone(),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Other(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Other(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Other(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Other(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Other(Number::from_f64(value).map_or(Value::Null, Value::Number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Other(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut values = Vec::new();
        while let Some(node) = items.next_element::<Node>()? {
            values.push(node.value());
        }
        Ok(Node::Other(Value::Array(values)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let (mut members, mut seen) = (Vec::new(), HashSet::new());
        while let Some((key, node)) = entries.next_entry::<String, Node>()? {
            if !seen.insert(key.clone()) {
                return Err(A::Error::custom("a key of an object is there twice"));
            }
            members.push((key, node));
        }
        Ok(Node::Object(members))
    }
}
