//! Defaults, and settings as the plugin sees them.

use serde_json::{Map, Number, Value};

use super::budget::Budget;
use super::error::FormProblem;
use super::form::SettingsForm;
use super::item::{Fields, Item, ItemType, Kind, TEMPLATE_KEY, template_of};

impl SettingsForm {
    /// What the plugin sees before anybody saved settings.
    pub fn defaults(&self) -> Value {
        Value::Object(self.fields.complete(&Map::new(), &mut Budget::of_settings()))
    }

    /// What the plugin sees: what is saved, and the defaults of what is not, in objects and in the
    /// entries of template lists too. Keys that the form does not know stay.
    ///
    /// Values are not checked: by now a secret may stand where its reference was. Of enormous lists,
    /// the last entries stay as they are.
    pub fn complete(&self, saved: &Value) -> Value {
        match saved {
            Value::Object(saved) => {
                Value::Object(self.fields.complete(saved, &mut Budget::of_settings()))
            }
            _ => self.defaults(),
        }
    }
}

impl Fields {
    fn complete(&self, saved: &Map<String, Value>, budget: &mut Budget) -> Map<String, Value> {
        let mut completed = saved.clone();
        for (key, item) in self.iter() {
            let value = match saved.get(key) {
                None | Some(Value::Null) => item.default(budget),
                Some(value) => Some(item.complete(value, budget)),
            };
            completed.extend(value.map(|value| (key.to_owned(), value)));
        }
        completed
    }

    fn have_old_key(&self, values: &Map<String, Value>) -> bool {
        self.iter().any(|(key, item)| {
            item.renamed_from.as_ref().is_some_and(|old| values.contains_key(old))
                || values.get(key).is_some_and(|value| item.has_old_key(value))
        })
    }

    /// Whether the values that are there fit.
    fn fit(&self, values: &Map<String, Value>) -> bool {
        self.iter().all(|(key, item)| values.get(key).is_none_or(|value| item.fits(value)))
    }
}

impl Item {
    /// What stands where nothing is saved, if there is room for it.
    pub(super) fn default(&self, budget: &mut Budget) -> Option<Value> {
        match &self.kind {
            Kind::Object { fields } => Some(Value::Object(fields.complete(&Map::new(), budget))),
            Kind::Leaf { default, .. }
            | Kind::Dict { default, .. }
            | Kind::TemplateList { default, .. } => budget.copy(default),
        }
    }

    fn complete(&self, value: &Value, budget: &mut Budget) -> Value {
        match (&self.kind, value) {
            (Kind::Object { fields }, Value::Object(saved)) => {
                Value::Object(fields.complete(saved, budget))
            }
            (Kind::Object { fields }, _) => Value::Object(fields.complete(&Map::new(), budget)),
            (Kind::TemplateList { templates, .. }, Value::Array(entries)) => {
                let mut complete = |entry: &Value| match entry.as_object() {
                    Some(saved) => match template_of(templates, saved) {
                        Some(template) => Value::Object(template.fields.complete(saved, budget)),
                        None => entry.clone(),
                    },
                    None => entry.clone(),
                };
                entries.iter().map(&mut complete).collect()
            }
            (_, Value::Number(number)) if self.name == ItemType::Int => whole(number),
            _ => value.clone(),
        }
    }

    /// Whether a key of an earlier version of the form is in the value.
    fn has_old_key(&self, value: &Value) -> bool {
        match (&self.kind, value) {
            (Kind::Object { fields } | Kind::Dict { fields, .. }, Value::Object(values)) => {
                fields.have_old_key(values)
            }
            (Kind::TemplateList { templates, .. }, Value::Array(entries)) => {
                entries.iter().filter_map(Value::as_object).any(|values| {
                    let template = template_of(templates, values);
                    template.is_some_and(|template| template.fields.have_old_key(values))
                })
            }
            _ => false,
        }
    }

    /// Whether the schema of this item takes the value.
    pub(super) fn fits(&self, value: &Value) -> bool {
        self.rules.fit(value)
            && match (&self.kind, value) {
                (Kind::Object { fields } | Kind::Dict { fields, .. }, Value::Object(values)) => {
                    fields.fit(values)
                }
                (Kind::TemplateList { templates, .. }, Value::Array(entries)) => {
                    entries.iter().all(|entry| {
                        entry.as_object().is_some_and(|values| {
                            values.get(TEMPLATE_KEY).is_some_and(Value::is_string)
                                && template_of(templates, values)
                                    .is_none_or(|template| template.fields.fit(values))
                        })
                    })
                }
                _ => true,
            }
    }
}

/// `3.0` is a whole number to JSON Schema, and none to the integers of most languages.
fn whole(number: &Number) -> Value {
    /// Beyond this, not every whole number has a float of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number.as_f64().filter(|_| number.is_f64()) {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and within bounds")]
        Some(float) if float.fract() == 0.0 && float.abs() <= EXACT => (float as i64).into(),
        _ => Value::Number(number.clone()),
    }
}

/// Gives an item the default that its form states, if it fits.
pub(super) fn set_default(
    item: &mut Item,
    stated: Value,
    filled: &mut Budget,
) -> Result<(), FormProblem> {
    if !item.fits(&stated) {
        let inside = || "a value in it breaks the rules of its item".to_owned();
        let message = item.rules.problem(&stated).unwrap_or_else(inside);
        return Err(FormProblem::Default { message });
    }
    // It would move at the first update that changes nothing.
    if item.has_old_key(&stated) {
        let message = "it has a key from which an item was renamed".to_owned();
        return Err(FormProblem::Default { message });
    }
    place(item, stated, filled)
}

/// The default of an object is that of its items, so it is handed on to them.
fn place(item: &mut Item, stated: Value, filled: &mut Budget) -> Result<(), FormProblem> {
    // An object could give a secret inside it a default.
    if item.is_secret() && stated != "" {
        return Err(FormProblem::SecretDefault);
    }
    if let Kind::Object { fields } = &mut item.kind {
        let Value::Object(mut stated) = stated else { return Ok(()) };
        for (key, item) in fields.iter_mut() {
            if let Some(value) = stated.remove(key) {
                place(item, value, filled)?;
            }
        }
        return Ok(());
    }
    let completed = item.complete(&stated, filled);
    match &mut item.kind {
        Kind::Object { .. } => {}
        Kind::Leaf { default, .. }
        | Kind::Dict { default, .. }
        | Kind::TemplateList { default, .. } => *default = completed,
    }
    Ok(())
}
