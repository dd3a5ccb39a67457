//! What the tests of settings forms share.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::plugins::settings_form::SettingsForm;

pub(super) fn form(json: &Value) -> SettingsForm {
    SettingsForm::parse(&json.to_string()).unwrap()
}

/// The places at which the schema has something against a value.
pub(super) fn problems(form: &SettingsForm, value: &Value) -> Vec<String> {
    let schema = jsonschema::validator_for(&form.schema()).unwrap();
    let places = schema.iter_errors(value).map(|error| error.instance_path().as_str().to_owned());
    // A value may break several rules.
    places.collect::<BTreeSet<String>>().into_iter().collect()
}

#[track_caller]
pub(super) fn takes(form: &SettingsForm, value: &Value) {
    assert_eq!(problems(form, value), Vec::<String>::new(), "{value}");
}

#[track_caller]
pub(super) fn refuses(form: &SettingsForm, value: &Value, at: &str) {
    assert_eq!(problems(form, value), [at], "{value}");
}
