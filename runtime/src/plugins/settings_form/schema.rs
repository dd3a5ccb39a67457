//! The JSON Schema by which settings are saved and masked.
//!
//! **Masking.** A value is a secret where `x-secret` is found along `properties`, or where an object
//! has a key that the form does not know. Inside dicts and
//! entries of template lists a form can have no secrets, but operators will put some there: these
//! places are left unknown to the masking (keys of dicts are not described unless the form does,
//! and entries are described under `then`, which masking does not read), so that a value whose name
//! sounds secret is masked by its name.

use serde_json::{Map, Value, json};

use super::form::SettingsForm;
use super::item::{Fields, Item, Kind, TEMPLATE_KEY, Template};

impl SettingsForm {
    /// A JSON Schema (2020-12) of the settings. It refuses what does not fit, takes what is not
    /// complete, and allows keys that the form does not know. Titles, hints and the other notes of
    /// the form are in it, those without a word of JSON Schema as `x-…`.
    pub fn schema(&self) -> Value {
        let mut schema = closed(&self.fields);
        schema.insert("type".to_owned(), json!("object"));
        let draft = "https://json-schema.org/draft/2020-12/schema";
        schema.insert("$schema".to_owned(), json!(draft));
        Value::Object(schema)
    }
}

/// The members of an object, and their order, which JSON does not keep.
fn object(fields: &Fields) -> Map<String, Value> {
    let order: Vec<&str> = fields.iter().map(|(key, _)| key).collect();
    let properties: Map<String, Value> =
        fields.iter().map(|(key, item)| (key.to_owned(), one(item))).collect();
    let mut schema = Map::new();
    schema.insert("properties".to_owned(), Value::Object(properties));
    schema.insert("x-order".to_owned(), json!(order));
    schema
}

/// An object whose keys are those of the form. Others are taken, and masked: one may be the secret
/// of an earlier version of the form, which this one no longer knows.
fn closed(fields: &Fields) -> Map<String, Value> {
    let mut schema = object(fields);
    schema.insert("additionalProperties".to_owned(), json!({"x-secret": true}));
    schema
}

fn one(item: &Item) -> Value {
    let mut schema = item.rules.schema.clone();
    schema.extend(item.notes.clone());
    schema.insert("x-type".to_owned(), json!(item.name));
    match &item.kind {
        Kind::Object { fields } => schema.extend(closed(fields)),
        Kind::Dict { fields, default } => {
            schema.extend(object(fields));
            schema.insert("default".to_owned(), default.clone());
        }
        Kind::TemplateList { templates, default } => {
            schema.insert("items".to_owned(), entry(templates));
            schema.insert("default".to_owned(), default.clone());
        }
        Kind::Leaf { default, .. } => {
            schema.insert("default".to_owned(), default.clone());
        }
    }
    Value::Object(schema)
}

/// An entry of a template list. An entry of a template that the form does not have is taken: an
/// update must not make settings unfit that an earlier or later version of the plugin reads.
fn entry(templates: &[Template]) -> Value {
    let order: Vec<&str> = templates.iter().map(|template| template.key.as_str()).collect();
    let cases: Vec<Value> = templates.iter().map(case).collect();
    let mut schema = json!({
        "type": "object",
        "required": [TEMPLATE_KEY],
        "properties": { TEMPLATE_KEY: { "type": "string", "examples": order } },
        "x-templates": order,
    });
    // An empty `allOf` is not allowed.
    if let Some(schema) = schema.as_object_mut().filter(|_| !cases.is_empty()) {
        schema.insert("allOf".to_owned(), Value::Array(cases));
    }
    schema
}

fn case(template: &Template) -> Value {
    let mut then = object(&template.fields);
    then.extend(template.notes.clone());
    json!({
        "if": {
            "properties": { TEMPLATE_KEY: { "const": template.key } },
            "required": [TEMPLATE_KEY],
        },
        "then": then,
    })
}
