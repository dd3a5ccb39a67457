//! Settings of an earlier version of a plugin.

use serde_json::{Value, json};

use super::support::{form, takes};
use crate::plugins::settings_form::{Change, Migration, SettingsForm};

/// Migrates from one form to another; the value fits, and a second time changes nothing.
#[track_caller]
fn migrate(from: &Value, to: &Value, saved: &Value) -> (Value, Vec<String>) {
    let Migration { value, changes } = run(&form(to), saved, Some(&form(from)));
    (value, changes.iter().map(ToString::to_string).collect())
}

#[track_caller]
fn run(form: &SettingsForm, saved: &Value, previous: Option<&SettingsForm>) -> Migration {
    let migration = form.migrate(saved, previous);
    takes(form, &migration.value);
    let again = form.migrate(&migration.value, Some(form));
    assert_eq!(again.value, migration.value);
    let unused = |change: &Change| matches!(change, Change::Unused { .. });
    assert!(again.changes.iter().all(unused), "{:?}", again.changes);
    migration
}

#[track_caller]
fn converts(to: &Value, old: &Value, new: &Value) {
    let migration = run(&form(&json!({ "a": to })), &json!({ "a": old }), None);
    assert_eq!(migration.value, json!({ "a": new }), "{old} to {to}");
    let [Change::Converted { .. }] = migration.changes.as_slice() else {
        panic!("{:?}", migration.changes)
    };
}

#[track_caller]
fn replaces(to: &Value, old: &Value) {
    let form = form(&json!({ "a": to }));
    let migration = run(&form, &json!({ "a": old }), None);
    assert_eq!(migration.value, form.defaults(), "{old} to {to}");
    let [Change::Replaced { old: kept, .. }] = migration.changes.as_slice() else {
        panic!("{:?}", migration.changes)
    };
    assert_eq!(kept.expose(), old);
}

#[test]
fn new_keys_are_told_and_not_filled_in() {
    let from = json!({"a": {"type": "int"}, "o": {"type": "object", "items": {}}});
    let to = json!({
        "a": {"type": "int"}, "b": {"type": "int", "default": 2},
        "o": {"type": "object", "items": {"c": {"type": "int"}}},
        "p": {"type": "object", "items": {"d": {"type": "int"}}},
    });
    for saved in [json!({"a": 1}), json!({"o": {}})] {
        let (value, changes) = migrate(&from, &to, &saved);
        assert_eq!(value, saved);
        assert_eq!(changes, ["/b: new", "/o/c: new", "/p: new"]);
    }
    let migration = run(&form(&to), &json!({"a": 1}), None);
    let added = ["/b: new", "/o: new", "/p: new"];
    let changes: Vec<String> = migration.changes.iter().map(ToString::to_string).collect();
    assert_eq!(changes, added);
}

#[test]
fn unknown_keys_are_kept_at_every_depth() {
    let from = json!({"gone": {"type": "int"}});
    let to = json!({"o": {"type": "object", "items": {"a": {"type": "int"}}}});
    let saved = json!({"gone": 1, "o": {"a": 1, "x/y": [1]}});
    let (value, changes) = migrate(&from, &to, &saved);
    assert_eq!(value, saved);
    assert_eq!(changes, ["/o/x~1y: not used any more, kept", "/gone: not used any more, kept",]);
}

#[test]
fn a_renamed_item_takes_its_value_along() {
    let from = json!({"old": {"type": "int"}});
    let to = json!({"new": {"type": "string", "renamed_from": "old"}});
    let (value, changes) = migrate(&from, &to, &json!({"old": 5}));
    assert_eq!(value, json!({"new": "5"}));
    let converted = "/new: the number became a value of type string";
    assert_eq!(changes, ["/old: moved to /new", converted]);
    let (value, changes) = migrate(&from, &to, &json!({}));
    assert_eq!((value, changes), (json!({}), vec![]));
    let (value, changes) = migrate(&from, &to, &json!({"old": 5, "new": "x"}));
    assert_eq!(value, json!({"old": 5, "new": "x"}));
    assert_eq!(changes, ["/old: not used any more, kept"]);
}

#[test]
fn what_loses_nothing_is_converted() {
    let types = |name: &str| json!({ "type": name });
    converts(&types("string"), &json!(1.5), &json!("1.5"));
    converts(&types("text"), &json!(true), &json!("true"));
    converts(&types("int"), &json!("-12"), &json!(-12));
    converts(&types("int"), &json!("18446744073709551615"), &json!(u64::MAX));
    converts(&types("float"), &json!("0.25"), &json!(0.25));
    converts(&types("float"), &json!("7"), &json!(7));
    converts(&types("list"), &json!("x"), &json!(["x"]));
    converts(&types("list"), &json!(2), &json!([2]));
    converts(&types("file"), &json!("a.txt"), &json!(["a.txt"]));
    let list = json!({"type": "template_list", "templates": {}});
    let entry = json!({"__template_key": "t"});
    let migration = run(&form(&json!({ "a": list })), &json!({ "a": entry }), None);
    assert_eq!(migration.value, json!({ "a": [entry] }));
    let whole = run(&form(&json!({"a": {"type": "float"}})), &json!({"a": 3}), None);
    assert_eq!((whole.value, whole.changes), (json!({"a": 3}), vec![]));
}

#[test]
fn what_would_lose_something_is_replaced_and_kept_in_the_record() {
    let types = |name: &str| json!({ "type": name });
    replaces(&types("int"), &json!(1.5));
    replaces(&types("int"), &json!("007"));
    replaces(&types("int"), &json!("twelve"));
    replaces(&types("int"), &json!("123456789012345678901234567890"));
    replaces(&types("float"), &json!("0.12345678901234567890"));
    replaces(&types("int"), &json!(true));
    replaces(&types("bool"), &json!("true"));
    replaces(&types("bool"), &json!(null));
    replaces(&types("string"), &json!(["x"]));
    replaces(&types("list"), &json!({}));
    replaces(&types("file"), &json!("/etc/passwd"));
    replaces(&types("dict"), &json!([]));
    replaces(&json!({"type": "object", "items": {"a": {"type": "int"}}}), &json!(1));
    replaces(&json!({"type": "string", "options": ["x"], "default": "x"}), &json!("y"));
    replaces(&json!({"type": "int", "max": 3}), &json!("4"));
    replaces(&json!({"type": "template_list", "templates": {}}), &json!({}));
    let few = json!({"type": "template_list", "templates": {}, "max": 1});
    replaces(&few, &json!([{"__template_key": "a"}, 1, {"__template_key": "b"}]));
}

#[test]
fn settings_that_are_no_object_start_anew() {
    let migration = run(&form(&json!({"a": {"type": "int"}})), &json!([1]), None);
    assert_eq!(migration.value, json!({}));
    assert_eq!(
        migration.changes[0].to_string(),
        ": the array does not fit any more; the default stands there"
    );
}

#[test]
fn entries_are_brought_to_their_template_and_dicts_keep_their_keys() {
    let list = |items: Value| {
        json!({"l": {"type": "template_list", "templates": {
            "t": {"items": items}, "same": {"items": {}},
        }}})
    };
    let from = list(json!({"old": {"type": "int"}}));
    let to = list(json!({
        "n": {"type": "string", "renamed_from": "old"}, "more": {"type": "int"},
        "o": {"type": "object", "items": {"more": {"type": "int"}}},
    }));
    let saved = json!({"l": [
        1, {"__template_key": "t", "old": 2, "x": 3, "o": {"y": 4}}, {"__template_key": "gone", "y": 1},
    ]});
    let (value, changes) = migrate(&from, &to, &saved);
    assert_eq!(
        value,
        json!({"l": [
            {"__template_key": "t", "n": "2", "x": 3, "o": {"y": 4}}, {"__template_key": "gone", "y": 1},
        ]})
    );
    assert_eq!(
        changes,
        [
            "/l/0: the number fits no template; it was taken out",
            "/l/0/old: moved to /l/0/n",
            "/l/0/n: the number became a value of type string",
            "/l/0/o/y: not used any more, kept",
            "/l/0/x: not used any more, kept",
            "/l/1: not used any more, kept",
        ]
    );
    let dict = json!({"d": {"type": "dict", "template_schema": {"n": {"type": "int"}}}});
    let (value, changes) = migrate(&json!({}), &dict, &json!({"d": {"n": "1", "free": null}}));
    assert_eq!(value, json!({"d": {"n": 1, "free": null}}));
    assert_eq!(changes, ["/d/n: the string became a value of type int"]);
}

#[test]
fn no_secret_is_shown_by_a_change_or_by_a_form_that_forgot_it() {
    let secret = json!({"k": {"type": "string", "secret": true}});
    let open = json!({"k": {"type": "string"}});
    let number = json!({"k": {"type": "int"}});
    let saved = json!({"k": "hush-hush-hush"});
    for (from, to) in [(Some(&secret), &open), (Some(&secret), &number), (None, &number)] {
        let migration = run(&form(to), &saved, from.map(form).as_ref());
        assert_eq!(migration.value, form(to).defaults());
        let [change @ Change::Replaced { old, .. }] = migration.changes.as_slice() else {
            panic!("{:?}", migration.changes)
        };
        let shown = format!("{change} {change:?} {} {}", json!(change), old.masked());
        assert!(!shown.contains("hush"), "{shown}");
        assert_eq!(old.expose(), "hush-hush-hush");
    }
    let migration = run(&form(&number), &saved, Some(&form(&open)));
    assert!(json!(migration.changes).to_string().contains("hush"));
    let empty = run(&form(&open), &json!({"k": ""}), Some(&form(&secret)));
    assert_eq!((empty.value, empty.changes), (json!({"k": ""}), vec![]));
}

#[test]
fn secrets_inside_an_object_do_not_come_out_either() {
    let secret = json!({"k": {"type": "string", "secret": true}});
    let from = json!({"o": {"type": "object", "items": secret}});
    let saved = json!({"o": {"k": "hush"}});
    let dict = json!({"o": {"type": "dict"}});
    let migration = run(&form(&dict), &saved, Some(&form(&from)));
    assert_eq!(migration.value, json!({"o": {}}));
    assert!(!format!("{:?}", migration.changes).contains("hush"));
    let without = json!({"o": {"type": "object", "items": {}}});
    let migration = run(&form(&without), &saved, Some(&form(&from)));
    assert_eq!(migration.value, saved);
    let told = Change::Unused { pointer: "/o/k".to_owned(), secret: true };
    assert_eq!(migration.changes, [told]);
    let same = run(&form(&from), &saved, Some(&form(&from)));
    assert_eq!((same.value, same.changes), (saved, vec![]));
}
