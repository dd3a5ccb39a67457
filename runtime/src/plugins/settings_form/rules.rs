//! The keys of an item that say which values it takes, as JSON Schema.

use std::fmt;
use std::sync::Arc;

use regex::RegexBuilder;
use serde_json::{Map, Number, Value, json};

use super::error::{FormError, FormProblem};
use super::item::{ItemType, Secrecy};
use super::node::Node;
use super::parse::{Place, text};

/// How much memory a compiled pattern may take.
pub(super) const MAX_PATTERN: usize = 1024 * 1024;

/// What stands in place of a secret: `env:NAME`, `file:PATH`, `$NAME`, `${NAME}`.
const REFERENCE: &str =
    r"^(?:file:[\s\S]+|(?:env:|\$)[A-Za-z_][A-Za-z0-9_]*|\$\{[A-Za-z_][A-Za-z0-9_]*\})$";
/// A path that would lead out of the plugin's folder. Both kinds of separators, because the data
/// folder may move to another system.
const ESCAPING: &str = r"^[/\\]|^[A-Za-z]:|(?:^|[/\\])\.\.(?:[/\\]|$)|\x00";

/// What a value itself must be like.
#[derive(Clone)]
pub(super) struct Rules {
    pub(super) schema: Map<String, Value>,
    // By the engine that checks settings when they are saved: it reads patterns as ECMAScript
    // does, so `\d` means something else there than for `regex` alone.
    check: Arc<jsonschema::Validator>,
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rules").field(&self.schema).finish()
    }
}

impl Rules {
    fn new(schema: Map<String, Value>) -> Result<Self, FormProblem> {
        let check = jsonschema::validator_for(&Value::Object(schema.clone()))
            .map_err(|error| FormProblem::Rules { message: error.masked().to_string() })?;
        Ok(Self { schema, check: Arc::new(check) })
    }

    pub(super) fn fit(&self, value: &Value) -> bool {
        self.check.is_valid(value)
    }

    /// The first thing that does not fit, without quoting the value.
    pub(super) fn problem(&self, value: &Value) -> Option<String> {
        self.check.iter_errors(value).next().map(|error| error.masked().to_string())
    }
}

/// An item as far as it has been read.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) name: ItemType,
    pub(super) node: &'a Node,
    pub(super) secrecy: Secrecy,
    /// The explicit one.
    pub(super) default: Option<&'a Value>,
}

impl Given<'_> {
    /// Whether the item may be left empty: an empty default says so, and so does none.
    fn may_be_empty(&self) -> bool {
        match self.default {
            None => true,
            Some(Value::String(text)) => text.is_empty(),
            Some(Value::Array(items)) => items.is_empty(),
            Some(_) => false,
        }
    }

    fn is_text(&self) -> bool {
        matches!(self.name, ItemType::String | ItemType::Text)
    }

    fn is_row(&self) -> bool {
        matches!(self.name, ItemType::List | ItemType::File | ItemType::TemplateList)
    }

    fn is_number(&self) -> bool {
        matches!(self.name, ItemType::Int | ItemType::Float)
    }
}

/// The rules of an item.
pub(super) fn of(given: &Given<'_>, place: &Place) -> Result<Rules, FormError> {
    refuse_misplaced(given, place)?;
    let mut schema = Map::new();
    let mut set = |key: &str, value: Value| schema.insert(key.to_owned(), value);
    match given.name {
        ItemType::String | ItemType::Text => set("type", json!("string")),
        ItemType::Bool => set("type", json!("boolean")),
        ItemType::Int => set("type", json!("integer")),
        ItemType::Float => set("type", json!("number")),
        ItemType::List | ItemType::File | ItemType::TemplateList => set("type", json!("array")),
        ItemType::Object | ItemType::Dict => set("type", json!("object")),
    };
    match given.name {
        ItemType::String => {
            if let Some(options) = string_options(given, place)? {
                set("enum", options);
            }
        }
        ItemType::List => {
            set("items", elements(given, place)?);
        }
        ItemType::File => {
            set("items", files(given.node));
        }
        _ => {}
    }
    if given.secrecy == Secrecy::Secret {
        set("x-secret", json!(true));
    }
    limit(&mut schema, given, place)?;
    Rules::new(schema).map_err(|problem| place.error(problem))
}

/// Our own keys are refused where they would silently do nothing.
fn refuse_misplaced(given: &Given<'_>, place: &Place) -> Result<(), FormError> {
    let bounded = given.is_text() || given.is_row() || given.is_number();
    for (key, fits) in [("pattern", given.is_text()), ("min", bounded), ("max", bounded)] {
        if !fits && given.node.get(key).is_some() {
            let problem = FormProblem::Misplaced { key, kind: given.name };
            return Err(place.inside(key).error(problem));
        }
    }
    Ok(())
}

/// Adds bounds and pattern, unless the item is left empty or refers to a secret.
fn limit(
    schema: &mut Map<String, Value>,
    given: &Given<'_>,
    place: &Place,
) -> Result<(), FormError> {
    let (min, max) = bounds(given, place)?;
    let (least, most, empty) = match given.name {
        ItemType::String | ItemType::Text => ("minLength", "maxLength", json!({"maxLength": 0})),
        ItemType::Int | ItemType::Float => ("minimum", "maximum", Value::Null),
        _ => ("minItems", "maxItems", json!({"maxItems": 0})),
    };
    let mut limits = Map::new();
    limits.extend(min.map(|min| (least.to_owned(), Value::Number(min))));
    limits.extend(max.map(|max| (most.to_owned(), Value::Number(max))));
    limits.extend(pattern(given.node, place)?.map(|text| ("pattern".to_owned(), text.into())));
    let mut exempt = Vec::new();
    if given.may_be_empty() && !given.is_number() {
        exempt.push(empty);
    }
    // What is stored of a secret may be a reference; the secret itself is not known here.
    if given.secrecy == Secrecy::Secret {
        exempt.push(json!({"pattern": REFERENCE}));
    }
    if limits.is_empty() || exempt.is_empty() {
        schema.extend(limits);
    } else {
        schema.insert("if".to_owned(), json!({"not": {"anyOf": exempt}}));
        schema.insert("then".to_owned(), Value::Object(limits));
    }
    Ok(())
}

type Bound = Option<Number>;

fn bounds(given: &Given<'_>, place: &Place) -> Result<(Bound, Bound), FormError> {
    let (min, max) = (bound("min", given, place)?, bound("max", given, place)?);
    match (&min, &max) {
        (Some(min), Some(max)) if less(max, min) => Err(place.error(FormProblem::Bounds)),
        _ => Ok((min, max)),
    }
}

fn bound(key: &str, given: &Given<'_>, place: &Place) -> Result<Bound, FormError> {
    let Some(node) = given.node.get(key) else { return Ok(None) };
    let expected = match given.name {
        ItemType::Float => "a number",
        ItemType::Int => "a whole number",
        _ => "a whole number that is not negative",
    };
    let fits = |number: &&Number| match given.name {
        ItemType::Float => true,
        ItemType::Int => !number.is_f64(),
        _ => number.is_u64(),
    };
    let number = node.other().and_then(Value::as_number).filter(fits);
    let number = number.ok_or_else(|| place.inside(key).wrong_kind(expected))?;
    Ok(Some(number.clone()))
}

/// Whether the one is less than the other; whole numbers without rounding.
fn less(a: &Number, b: &Number) -> bool {
    match (a.as_i128(), b.as_i128()) {
        (Some(a), Some(b)) => a < b,
        _ => a.as_f64() < b.as_f64(),
    }
}

/// What a number is if nothing says otherwise.
pub(super) fn nearest_to_zero(given: &Given<'_>, place: &Place) -> Result<Number, FormError> {
    let zero = match given.name {
        ItemType::Float => Number::from_f64(0.0).unwrap_or_else(|| Number::from(0)),
        _ => Number::from(0),
    };
    let (min, max) = bounds(given, place)?;
    let above = min.filter(|min| less(&zero, min));
    let below = max.filter(|max| less(max, &zero));
    Ok(above.or(below).unwrap_or(zero))
}

fn pattern(node: &Node, place: &Place) -> Result<Option<String>, FormError> {
    let Some(pattern) = text(node, "pattern", place)? else { return Ok(None) };
    let place = place.inside("pattern");
    let refuse = |message: String| place.error(FormProblem::Pattern { message });
    // What this engine takes needs no backtracking, so no value can make the check slow.
    let compiled = RegexBuilder::new(&pattern).size_limit(MAX_PATTERN).build();
    // Of a message with a picture of the pattern, the last line says what is wrong.
    let last = |text: String| text.lines().last().unwrap_or_default().trim().to_owned();
    compiled.map_err(|error| refuse(last(error.to_string())))?;
    jsonschema::validator_for(&json!({"pattern": pattern}))
        .map_err(|error| refuse(error.masked().to_string()))?;
    Ok(Some(pattern))
}

fn options(node: &Node, place: &Place) -> Result<Option<Vec<Value>>, FormError> {
    let Some(given) = node.get("options") else { return Ok(None) };
    let place = place.inside("options");
    let options = given.other().and_then(Value::as_array);
    let options = options.ok_or_else(|| place.wrong_kind("a list"))?;
    // None to choose from: filled by the page when it is drawn.
    Ok((!options.is_empty()).then(|| options.clone()))
}

fn string_options(given: &Given<'_>, place: &Place) -> Result<Option<Value>, FormError> {
    let Some(mut options) = options(given.node, place)? else { return Ok(None) };
    if !options.iter().all(Value::is_string) {
        return Err(place.inside("options").wrong_kind("a list of texts"));
    }
    if given.secrecy == Secrecy::Secret {
        return Err(place.inside("options").error(FormProblem::SecretOptions));
    }
    if given.may_be_empty() && !options.contains(&json!("")) {
        options.push(json!(""));
    }
    Ok(Some(Value::Array(options)))
}

/// What one element of a list may be.
fn elements(given: &Given<'_>, place: &Place) -> Result<Value, FormError> {
    let Some(options) = options(given.node, place)? else {
        return Ok(json!({"type": ["string", "number", "boolean"]}));
    };
    let simple = |option: &Value| option.is_string() || option.is_number() || option.is_boolean();
    if !options.iter().all(simple) {
        return Err(place.inside("options").wrong_kind("a list of texts, numbers and switches"));
    }
    Ok(json!({"enum": options}))
}

/// What one path of a file may be.
fn files(node: &Node) -> Value {
    let types = node.get("file_types").and_then(Node::other).and_then(Value::as_array);
    let endings: Vec<String> =
        types.into_iter().flatten().filter_map(Value::as_str).map(ending).collect();
    let mut path = json!({"type": "string", "minLength": 1, "not": {"pattern": ESCAPING}});
    if let Some(path) = path.as_object_mut().filter(|_| !endings.is_empty()) {
        path.insert("pattern".to_owned(), format!(r"\.(?:{})$", endings.join("|")).into());
    }
    path
}

/// `.Pdf`, in letters of any size. Spelled out, because ECMAScript knows no `(?i)`.
fn ending(extension: &str) -> String {
    let name = extension.trim_start_matches('*').trim_start_matches('.');
    let letter = |letter: char| match letter {
        'a'..='z' | 'A'..='Z' => {
            format!("[{}{}]", letter.to_ascii_lowercase(), letter.to_ascii_uppercase())
        }
        '0'..='9' | '_' => letter.to_string(),
        other => regex::escape(&other.to_string()),
    };
    name.chars().map(letter).collect()
}
