//! Settings of an earlier version of the plugin, brought to this form.
//!
//! What is saved is what the operator chose: nothing is filled in, nothing unknown is dropped, and
//! what had to go is in the record of changes.

use serde_json::{Map, Value};

use super::budget::Budget;
use super::change::{Change, Migration, OldValue, Sight};
use super::convert::{kind_of, lossless};
use super::form::SettingsForm;
use super::item::{Fields, Item, ItemType, Kind, TEMPLATE_KEY, Template, join, template_of};

impl SettingsForm {
    /// Brings saved settings to this form. Without the form by which they were saved, every key that
    /// is not there counts as new, and old values are masked wherever they are shown.
    pub fn migrate(&self, saved: &Value, previous: Option<&SettingsForm>) -> Migration {
        let mut walk = Walk { changes: Vec::new(), budget: Budget::of_settings() };
        let saved = match saved {
            Value::Object(saved) => saved.clone(),
            other => {
                let old = OldValue::new(other.clone(), Sight::Masked);
                walk.changes.push(Change::Replaced { pointer: String::new(), old });
                Map::new()
            }
        };
        let previous = previous.map(|form| &form.fields);
        let value = walk.fields(&self.fields, saved, previous, "", Keys::OfForm);
        Migration { value: Value::Object(value), changes: walk.changes }
    }
}

/// Whose the keys of an object are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    /// Those of the form; others are not used.
    OfForm,
    /// Those of a template, and that by which the entry names it.
    OfEntry,
    /// Those of the form, somewhere in an entry or a dict.
    Within,
    /// The operator's, as in a dict.
    Free,
}

struct Walk {
    changes: Vec<Change>,
    budget: Budget,
}

impl Walk {
    fn fields(
        &mut self,
        fields: &Fields,
        mut saved: Map<String, Value>,
        previous: Option<&Fields>,
        at: &str,
        keys: Keys,
    ) -> Map<String, Value> {
        let mut values = Map::new();
        for (key, item) in fields.iter() {
            let pointer = join(at, key);
            let before = |key: &str| previous.and_then(|fields| fields.get(key));
            let old_key = item.renamed_from.as_deref();
            let moved = old_key.filter(|old| !saved.contains_key(key) && saved.contains_key(*old));
            let (found, before) = match moved {
                Some(old) => {
                    let (from, to) = (join(at, old), pointer.clone());
                    self.changes.push(Change::Renamed { from, to });
                    (saved.remove(old), before(old))
                }
                None => (saved.remove(key), before(key).or_else(|| before(old_key?))),
            };
            match found {
                Some(found) => {
                    let value = self.item(item, found, before, &pointer, keys);
                    values.extend(value.map(|value| (key.to_owned(), value)));
                }
                None if keys == Keys::OfForm => self.absent(item, before, pointer),
                // What is new in a template is not told again for each entry.
                None => {}
            }
        }
        for (key, value) in saved {
            let used = match keys {
                Keys::OfForm | Keys::Within => false,
                Keys::OfEntry => key == TEMPLATE_KEY,
                Keys::Free => true,
            };
            if !used {
                let before = previous.and_then(|fields| fields.get(&key));
                let secret = before.is_some_and(|before| before.holds_secret(&value));
                self.changes.push(Change::Unused { pointer: join(at, &key), secret });
            }
            values.insert(key, value);
        }
        values
    }

    /// An item for which nothing is saved: what of it is new?
    fn absent(&mut self, item: &Item, before: Option<&Item>, pointer: String) {
        match (&item.kind, before.map(|before| &before.kind)) {
            (Kind::Object { fields }, Some(Kind::Object { fields: before })) => {
                self.fields(fields, Map::new(), Some(before), &pointer, Keys::OfForm);
            }
            (_, Some(_)) => {}
            (_, None) => self.changes.push(Change::Added { pointer }),
        }
    }

    /// What stands there now: nothing, if not even the default has room.
    fn item(
        &mut self,
        item: &Item,
        value: Value,
        before: Option<&Item>,
        at: &str,
        keys: Keys,
    ) -> Option<Value> {
        let keys = if keys == Keys::OfForm { Keys::OfForm } else { Keys::Within };
        let object = matches!(item.kind, Kind::Object { .. });
        // A secret of the earlier form must not be shown because the new one forgot to say so. In
        // objects, each item is looked at by itself.
        if !object && !item.is_secret() && before.is_some_and(|before| before.holds_secret(&value))
        {
            return self.replace(item, value, before, at);
        }
        match (&item.kind, value) {
            (Kind::Object { fields }, Value::Object(saved)) => {
                let before = before.and_then(|before| match &before.kind {
                    Kind::Object { fields } => Some(fields),
                    _ => None,
                });
                Some(Value::Object(self.fields(fields, saved, before, at, keys)))
            }
            (Kind::Dict { fields, .. }, Value::Object(saved)) => {
                let before = before.and_then(|before| match &before.kind {
                    Kind::Dict { fields, .. } | Kind::Object { fields } => Some(fields),
                    _ => None,
                });
                Some(Value::Object(self.fields(fields, saved, before, at, Keys::Free)))
            }
            (Kind::TemplateList { templates, .. }, value) => {
                self.entries(item, templates, value, before, at)
            }
            (Kind::Leaf { .. }, value) => self.leaf(item, value, before, at),
            (_, value) => self.replace(item, value, before, at),
        }
    }

    fn leaf(
        &mut self,
        item: &Item,
        value: Value,
        before: Option<&Item>,
        at: &str,
    ) -> Option<Value> {
        if item.fits(&value) {
            return Some(value);
        }
        match lossless(item.name, &value).filter(|converted| item.fits(converted)) {
            Some(converted) => {
                self.converted(item.name, &value, at);
                Some(converted)
            }
            None => self.replace(item, value, before, at),
        }
    }

    fn entries(
        &mut self,
        item: &Item,
        templates: &[Template],
        value: Value,
        before: Option<&Item>,
        at: &str,
    ) -> Option<Value> {
        let changes_before = self.changes.len();
        let entries = match &value {
            Value::Array(entries) => entries.clone(),
            Value::Object(entry) if is_entry(entry) => {
                self.converted(ItemType::TemplateList, &value, at);
                vec![value.clone()]
            }
            _ => return self.replace(item, value, before, at),
        };
        let before_templates = before.and_then(|before| match &before.kind {
            Kind::TemplateList { templates, .. } => Some(templates.as_slice()),
            _ => None,
        });
        let mut kept = Vec::new();
        for (index, entry) in entries.into_iter().enumerate() {
            let entry = match entry {
                Value::Object(entry) if is_entry(&entry) => entry,
                other => {
                    let old = OldValue::new(other, sight(item, before));
                    let pointer = join(at, &index.to_string());
                    self.changes.push(Change::Removed { pointer, old });
                    continue;
                }
            };
            let pointer = join(at, &kept.len().to_string());
            kept.push(Value::Object(self.entry(templates, entry, before_templates, pointer)));
        }
        let kept = Value::Array(kept);
        if item.rules.fit(&kept) {
            return Some(kept);
        }
        // What happened to the entries is of no interest if none of them stays.
        self.changes.truncate(changes_before);
        self.replace(item, value, before, at)
    }

    fn entry(
        &mut self,
        templates: &[Template],
        entry: Map<String, Value>,
        before: Option<&[Template]>,
        pointer: String,
    ) -> Map<String, Value> {
        let before = before.and_then(|before| template_of(before, &entry));
        let before = before.map(|template| &template.fields);
        if let Some(template) = template_of(templates, &entry) {
            return self.fields(&template.fields, entry, before, &pointer, Keys::OfEntry);
        }
        self.changes.push(Change::Unused { pointer, secret: false });
        entry
    }

    fn converted(&mut self, to: ItemType, from: &Value, at: &str) {
        let (pointer, from) = (at.to_owned(), kind_of(from));
        self.changes.push(Change::Converted { pointer, from, to });
    }

    fn replace(
        &mut self,
        item: &Item,
        value: Value,
        before: Option<&Item>,
        at: &str,
    ) -> Option<Value> {
        let sight = match before {
            Some(before) if before.holds_secret(&value) => Sight::Masked,
            _ => sight(item, before),
        };
        let old = OldValue::new(value, sight);
        self.changes.push(Change::Replaced { pointer: at.to_owned(), old });
        item.default(&mut self.budget)
    }
}

/// Whether an old value of this item may be shown.
fn sight(item: &Item, before: Option<&Item>) -> Sight {
    match before {
        Some(before) if !before.is_secret() && !item.is_secret() => Sight::Shown,
        _ => Sight::Masked,
    }
}

fn is_entry(entry: &Map<String, Value>) -> bool {
    entry.get(TEMPLATE_KEY).is_some_and(Value::is_string)
}
