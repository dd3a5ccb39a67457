//! The keys of an item that only say how it is drawn. They travel in the schema, so that a form can
//! be drawn from the schema alone.

use serde_json::{Map, Value};

use super::error::{FormError, FormProblem};
use super::node::Node;
use super::parse::Place;

/// What a note looks like.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Switch,
    Texts,
    Table,
    Slider,
}

/// A key of the form, its name in the schema, and what it looks like.
const OF_ITEMS: [(&str, &str, Form); 16] = [
    ("description", "title", Form::Text),
    ("hint", "description", Form::Text),
    ("readonly", "readOnly", Form::Switch),
    ("name", "x-name", Form::Text),
    ("obvious_hint", "x-obvious-hint", Form::Switch),
    ("invisible", "x-invisible", Form::Switch),
    ("collapsed", "x-collapsed", Form::Switch),
    ("condition", "x-condition", Form::Table),
    ("labels", "x-labels", Form::Texts),
    ("render_type", "x-render-type", Form::Text),
    ("slider", "x-slider", Form::Slider),
    ("editor_mode", "x-editor-mode", Form::Switch),
    ("editor_language", "x-editor-language", Form::Text),
    ("editor_theme", "x-editor-theme", Form::Text),
    ("file_types", "x-file-types", Form::Texts),
    ("_special", "x-special", Form::Text),
];

const OF_TEMPLATES: [(&str, &str, Form); 4] = [
    ("name", "title", Form::Text),
    ("hint", "description", Form::Text),
    ("display_item", "x-display-item", Form::Text),
    ("hide_hint_in_list", "x-hide-hint-in-list", Form::Switch),
];

pub(super) fn of_item(node: &Node, place: &Place) -> Result<Map<String, Value>, FormError> {
    read(&OF_ITEMS, node, place)
}

pub(super) fn of_template(node: &Node, place: &Place) -> Result<Map<String, Value>, FormError> {
    read(&OF_TEMPLATES, node, place)
}

fn read(
    known: &[(&str, &str, Form)],
    node: &Node,
    place: &Place,
) -> Result<Map<String, Value>, FormError> {
    let mut notes = Map::new();
    for (key, name, form) in known {
        let Some(given) = node.get(key) else { continue };
        let value = given.value();
        if let Some(expected) = misses(*form, &value) {
            return Err(place.inside(key).error(FormProblem::WrongKind { expected }));
        }
        notes.insert((*name).to_owned(), value);
    }
    Ok(notes)
}

/// What is expected instead.
fn misses(form: Form, value: &Value) -> Option<&'static str> {
    let (fits, expected) = match form {
        Form::Text => (value.is_string(), "a text"),
        Form::Switch => (value.is_boolean(), "true or false"),
        Form::Texts => (all(value, Value::is_string), "a list of texts"),
        Form::Table => (value.is_object(), "an object"),
        Form::Slider => (is_slider(value), "an object with the numbers min, max and step"),
    };
    (!fits).then_some(expected)
}

fn all(value: &Value, fits: fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(fits))
}

fn is_slider(value: &Value) -> bool {
    value.as_object().is_some_and(|slider| {
        ["min", "max", "step"].iter().all(|key| slider.get(*key).is_none_or(Value::is_number))
    })
}
