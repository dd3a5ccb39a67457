//! From text to items, within limits: a form comes from a stranger.

use std::collections::HashSet;

use serde_json::Value;

use super::budget::Budget;
use super::error::{FormError, FormProblem};
use super::form::SettingsForm;
use super::item::{Fields, Item, ItemType, Kind, Secrecy, TEMPLATE_KEY, Template, join};
use super::node::Node;
use super::notes;
use super::rules::{self, Given};
use super::values;

/// Bytes of text.
const MAX_TEXT: usize = 256 * 1024;
/// Items within items; those at the top are at 1.
const MAX_DEPTH: usize = 8;
/// Items and templates in all.
const MAX_ITEMS: usize = 1_000;
/// Bytes of the key of an item or a template.
const MAX_KEY: usize = 256;
/// Bytes of what defaults fill into entries of template lists.
const MAX_FILLED: usize = 1024 * 1024;
/// Each may take [`rules::MAX_PATTERN`] bytes of memory.
const MAX_PATTERNS: usize = 50;
/// How much of an unknown type is quoted.
const QUOTED: usize = 40;

impl SettingsForm {
    /// Reads a form. It is refused where it is not understood, with the place; keys that are not
    /// known are kept and ignored.
    pub fn parse(text: &str) -> Result<Self, FormError> {
        let place = Place::default();
        if text.len() > MAX_TEXT {
            return Err(place.error(FormProblem::TooLarge { limit: MAX_TEXT }));
        }
        // Editors of Windows write a mark in front.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let node: Node = serde_json::from_str(text)
            .map_err(|error| place.error(FormProblem::NotJson { message: error.to_string() }))?;
        let fields = Parser::new().fields(&node, &place)?;
        Ok(Self { fields, metadata: node.value() })
    }
}

/// A place in the form.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    pointer: String,
    depth: usize,
    around: Around,
}

/// What is around a place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Around {
    /// Objects at most.
    #[default]
    Objects,
    /// A dict or a template list.
    //
    // There, keys and positions are the operator's: references to secrets are followed along
    // `properties` only, and a mask is not found by a schema that depends on a neighbouring value.
    Loose,
}

impl Place {
    pub(super) fn inside(&self, key: &str) -> Self {
        Self { pointer: join(&self.pointer, key), ..self.clone() }
    }

    fn loose(self) -> Self {
        Self { around: Around::Loose, ..self }
    }

    pub(super) fn error(&self, problem: FormProblem) -> FormError {
        FormError { pointer: self.pointer.clone(), problem }
    }

    pub(super) fn wrong_kind(&self, expected: &'static str) -> FormError {
        self.error(FormProblem::WrongKind { expected })
    }
}

/// What has been read so far.
struct Parser {
    items: usize,
    patterns: usize,
    filled: Budget,
}

impl Parser {
    fn new() -> Self {
        Self { items: 0, patterns: 0, filled: Budget::new(MAX_FILLED) }
    }

    fn fields(&mut self, node: &Node, place: &Place) -> Result<Fields, FormError> {
        let members = node.members().ok_or_else(|| place.wrong_kind("an object"))?;
        let mut items = Vec::new();
        for (key, node) in members {
            let mut place = place.inside(bounded(key, place)?);
            place.depth += 1;
            items.push((key.clone(), self.item(node, &place)?));
        }
        renamings(members, &items, place)?;
        Ok(Fields::new(items))
    }

    fn item(&mut self, node: &Node, place: &Place) -> Result<Item, FormError> {
        self.count(place)?;
        if node.members().is_none() {
            return Err(place.wrong_kind("an object with a `type`"));
        }
        let name = item_type(node, place)?;
        let notes = notes::of_item(node, place)?;
        let secrecy = secrecy(name, node, place)?;
        let default = node.get("default").map(Node::value).filter(|value| !value.is_null());
        if secrecy == Secrecy::Secret && default.as_ref().is_some_and(|value| *value != "") {
            return Err(place.inside("default").error(FormProblem::SecretDefault));
        }
        if node.get("pattern").is_some() {
            self.patterns += 1;
            if self.patterns > MAX_PATTERNS {
                return Err(place.error(FormProblem::TooManyPatterns { limit: MAX_PATTERNS }));
            }
        }
        let given = Given { name, node, secrecy, default: default.as_ref() };
        let rules = rules::of(&given, place)?;
        let kind = self.kind(&given, place)?;
        let renamed_from = text(node, "renamed_from", place)?;
        let mut item = Item { name, kind, rules, notes, renamed_from };
        if let Some(default) = default {
            values::set_default(&mut item, default, &mut self.filled)
                .map_err(|problem| place.inside("default").error(problem))?;
            if self.filled.is_used_up() {
                return Err(place.error(FormProblem::LargeDefaults { limit: MAX_FILLED }));
            }
        }
        Ok(item)
    }

    fn kind(&mut self, given: &Given<'_>, place: &Place) -> Result<Kind, FormError> {
        let Given { name, node, secrecy, .. } = *given;
        let needed = |key| node.get(key).ok_or_else(|| place.error(FormProblem::Missing { key }));
        let empty = Value::Array(Vec::new());
        Ok(match name {
            ItemType::Object => {
                Kind::Object { fields: self.fields(needed("items")?, &place.inside("items"))? }
            }
            ItemType::Dict => {
                let place = place.inside("template_schema").loose();
                let fields = node.get("template_schema").map(|node| self.fields(node, &place));
                let default = Value::Object(serde_json::Map::new());
                Kind::Dict { fields: fields.transpose()?.unwrap_or_default(), default }
            }
            ItemType::TemplateList => {
                let place = place.inside("templates").loose();
                let templates = self.templates(needed("templates")?, &place)?;
                Kind::TemplateList { templates, default: empty }
            }
            ItemType::List | ItemType::File => Kind::Leaf { default: empty, secrecy },
            ItemType::String | ItemType::Text => Kind::Leaf { default: "".into(), secrecy },
            ItemType::Bool => Kind::Leaf { default: false.into(), secrecy },
            ItemType::Int | ItemType::Float => {
                let default = Value::Number(rules::nearest_to_zero(given, place)?);
                Kind::Leaf { default, secrecy }
            }
        })
    }

    fn templates(&mut self, node: &Node, place: &Place) -> Result<Vec<Template>, FormError> {
        let members = node.members().ok_or_else(|| place.wrong_kind("an object"))?;
        let mut templates = Vec::new();
        for (key, node) in members {
            let place = place.inside(bounded(key, place)?);
            self.count(&place)?;
            if node.members().is_none() {
                return Err(place.wrong_kind("an object with `items`"));
            }
            let notes = notes::of_template(node, &place)?;
            let missing = || place.error(FormProblem::Missing { key: "items" });
            let items = node.get("items").ok_or_else(missing)?;
            let place = place.inside("items");
            let reserved = || place.error(FormProblem::Reserved { key: TEMPLATE_KEY });
            let fields = self.fields(items, &place)?;
            let old =
                fields.iter().any(|(_, item)| item.renamed_from.as_deref() == Some(TEMPLATE_KEY));
            if old || fields.get(TEMPLATE_KEY).is_some() {
                return Err(reserved());
            }
            templates.push(Template { key: key.clone(), notes, fields });
        }
        Ok(templates)
    }

    fn count(&mut self, place: &Place) -> Result<(), FormError> {
        self.items += 1;
        if self.items > MAX_ITEMS {
            return Err(place.error(FormProblem::TooManyItems { limit: MAX_ITEMS }));
        }
        if place.depth > MAX_DEPTH {
            return Err(place.error(FormProblem::TooDeep { limit: MAX_DEPTH }));
        }
        Ok(())
    }
}

fn bounded<'k>(key: &'k str, place: &Place) -> Result<&'k str, FormError> {
    let long = || place.error(FormProblem::LongKey { limit: MAX_KEY });
    (key.len() <= MAX_KEY).then_some(key).ok_or_else(long)
}

fn item_type(node: &Node, place: &Place) -> Result<ItemType, FormError> {
    let missing = || place.error(FormProblem::Missing { key: "type" });
    let name = text(node, "type", place)?.ok_or_else(missing)?;
    name.parse().map_err(|()| {
        let given = name.chars().take(QUOTED).collect();
        place.inside("type").error(FormProblem::UnknownType { given })
    })
}

fn secrecy(name: ItemType, node: &Node, place: &Place) -> Result<Secrecy, FormError> {
    let Some(given) = node.get("secret") else { return Ok(Secrecy::Open) };
    let place_of_key = place.inside("secret");
    match given.other().and_then(Value::as_bool) {
        None => Err(place_of_key.wrong_kind("true or false")),
        Some(false) => Ok(Secrecy::Open),
        Some(true) if name != ItemType::String => {
            Err(place_of_key.error(FormProblem::Misplaced { key: "secret", kind: name }))
        }
        Some(true) if place.around == Around::Loose => {
            Err(place_of_key.error(FormProblem::SecretInside))
        }
        Some(true) => Ok(Secrecy::Secret),
    }
}

pub(super) fn text(node: &Node, key: &str, place: &Place) -> Result<Option<String>, FormError> {
    let Some(given) = node.get(key) else { return Ok(None) };
    let text = given.other().and_then(Value::as_str);
    text.map(|text| Some(text.to_owned())).ok_or_else(|| place.inside(key).wrong_kind("a text"))
}

/// A key that is moved must be gone, and go to one place.
fn renamings(
    members: &[(String, Node)],
    items: &[(String, Item)],
    place: &Place,
) -> Result<(), FormError> {
    let mut taken: HashSet<&str> = members.iter().map(|(key, _)| key.as_str()).collect();
    for (key, item) in items {
        if let Some(old) = &item.renamed_from
            && !taken.insert(old)
        {
            let place = place.inside(key).inside("renamed_from");
            return Err(place.error(FormProblem::Renaming));
        }
    }
    Ok(())
}
