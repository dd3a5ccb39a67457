//! Forms and settings of any shape.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::support::problems;
use crate::plugins::settings_form::{Change, SettingsForm};

const KEYS: [&str; 5] = ["a", "b", "c", "a/b", "__template_key"];

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(KEYS.as_slice()).prop_map(str::to_owned)
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-5i64..20).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-4i32..40).prop_map(|n| json!(f64::from(n) / 4.0)),
        any::<f64>().prop_map(Value::from),
        "[a-c]{0,4}".prop_map(Value::from),
        "-?[0-9]{1,20}(\\.[0-9]{1,3})?(e[0-9])?".prop_map(Value::from),
        prop::sample::select(vec!["t", "u", "env:A", "a.txt", "../a", "٣", ""]).prop_map(json_text),
    ]
}

fn json_text(text: &str) -> Value {
    json!(text)
}

fn json() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            object(inner),
        ]
    })
}

fn object(member: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    let members = prop::collection::btree_map(key(), member, 0..5);
    members.prop_map(|members| Value::Object(members.into_iter().collect()))
}

/// The keys that items have beside their type, now and then with nonsense.
fn extras() -> impl Strategy<Value = Vec<(&'static str, Value)>> {
    let bounds = prop_oneof![0u64..6].prop_map(Value::from);
    let extra = prop_oneof![
        6 => json().prop_map(|value| ("default", value)),
        6 => scalar().prop_map(|value| ("default", value)),
        2 => bounds.clone().prop_map(|value| ("min", value)),
        2 => bounds.prop_map(|value| ("max", value)),
        2 => prop::collection::vec("[a-c]{0,2}", 0..3).prop_map(|o| ("options", json!(o))),
        1 => prop::collection::vec(scalar(), 0..3).prop_map(|o| ("options", json!(o))),
        2 => prop::sample::select(vec![r"^[ab]*$", r"\d", r"^.{2}$", r"\w\b", "c|^$"])
            .prop_map(|p| ("pattern", json!(p))),
        2 => any::<bool>().prop_map(|secret| ("secret", json!(secret))),
        3 => key().prop_map(|old| ("renamed_from", json!(old))),
        1 => Just(("file_types", json!(["txt", ".c++"]))),
        1 => prop::sample::select(vec!["hint", "readonly", "slider", "labels", "condition"])
            .prop_flat_map(|key| scalar().prop_map(move |value| (key, value))),
    ];
    prop::collection::vec(extra, 0..3)
}

fn item() -> impl Strategy<Value = Value> {
    let types = vec!["string", "text", "int", "float", "bool", "list", "file", "dict"];
    let leaf = (prop::sample::select(types), extras()).prop_map(|(name, extras)| {
        let mut item = Map::new();
        item.insert("type".to_owned(), json!(name));
        item.extend(extras.into_iter().map(|(key, value)| (key.to_owned(), value)));
        Value::Object(item)
    });
    leaf.prop_recursive(3, 16, 4, |inner| {
        let items = object(inner);
        (prop::sample::select(vec!["object", "dict", "template_list"]), items, extras()).prop_map(
            |(name, items, extras)| {
                let mut item = Map::new();
                item.extend(extras.into_iter().map(|(key, value)| (key.to_owned(), value)));
                item.insert("type".to_owned(), json!(name));
                item.insert("template_schema".to_owned(), items.clone());
                item.insert(
                    "templates".to_owned(),
                    json!({"t": {"items": items}, "u": {"items": {}}}),
                );
                item.insert("items".to_owned(), items);
                Value::Object(item)
            },
        )
    })
}

/// Forms that are taken: what an error points at is taken out, until there is no error.
fn taken() -> impl Strategy<Value = SettingsForm> {
    object(item()).prop_map(|mut form| {
        loop {
            match SettingsForm::parse(&form.to_string()) {
                Ok(form) => return form,
                Err(error) => take_out(&mut form, &error.pointer),
            }
        }
    })
}

fn take_out(form: &mut Value, pointer: &str) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    form.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(&key).unwrap();
}

fn saved() -> impl Strategy<Value = Value> {
    let entry = object(json()).prop_map(|mut entry| {
        entry["__template_key"] = json!("t");
        json!([entry])
    });
    let member = prop_oneof![3 => scalar(), 2 => json(), 2 => entry];
    prop_oneof![9 => object(member), 1 => json()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn reading_any_text_ends_in_a_form_or_an_error(text in "\\PC{0,60}") {
        let _any_outcome = SettingsForm::parse(&text).is_ok();
    }

    #[test]
    fn reading_any_json_ends_in_a_form_or_an_error(value in json()) {
        let _any_outcome = SettingsForm::parse(&value.to_string()).is_ok();
    }

    #[test]
    fn reading_any_item_ends_in_a_form_or_an_error(item in item()) {
        if let Err(error) = SettingsForm::parse(&json!({"a": item}).to_string()) {
            prop_assert!(error.pointer.starts_with("/a"), "{}", error);
        }
    }

    #[test]
    fn the_defaults_of_any_form_fit_its_schema(form in taken()) {
        prop_assert_eq!(problems(&form, &form.defaults()), Vec::<String>::new());
        prop_assert_eq!(form.complete(&json!({})), form.defaults());
    }

    #[test]
    fn any_settings_brought_to_any_form_fit_it_and_stay(
        form in taken(), previous in prop::option::of(taken()), saved in saved(),
    ) {
        let migration = form.migrate(&saved, previous.as_ref());
        prop_assert_eq!(problems(&form, &migration.value), Vec::<String>::new());
        let complete = form.complete(&migration.value);
        prop_assert_eq!(problems(&form, &complete), Vec::<String>::new());
        let again = form.migrate(&migration.value, Some(&form));
        prop_assert_eq!(&again.value, &migration.value);
        let unused = |change: &Change| matches!(change, Change::Unused { .. });
        prop_assert!(again.changes.iter().all(unused), "{:?}", again.changes);
        let known = saved.as_object().cloned().unwrap_or_default();
        for (key, value) in &known {
            let gone = migration.value.get(key) != Some(value);
            prop_assert!(!gone || !migration.changes.is_empty(), "{} went in silence", key);
        }
    }

    #[test]
    fn settings_that_fit_are_left_alone(form in taken(), saved in saved()) {
        if problems(&form, &saved).is_empty() {
            let migration = form.migrate(&saved, Some(&form));
            let renamed = |change: &Change| matches!(change, Change::Renamed { .. });
            prop_assert!(migration.value == saved || migration.changes.iter().any(renamed));
        }
    }
}
