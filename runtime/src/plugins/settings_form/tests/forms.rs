//! Every type and every key of a form, in the schema.

use serde_json::{Value, json};

use super::support::{form, refuses, takes};
use crate::plugins::settings_form::{ItemType, SettingsForm};

/// The schema of one item that is alone in its form.
fn one(item: &Value) -> (SettingsForm, Value) {
    let form = form(&json!({ "a": item }));
    let schema = form.schema()["properties"]["a"].clone();
    (form, schema)
}

#[test]
fn every_type_has_its_default_and_takes_values_of_its_kind_only() {
    let rows = [
        (json!({"type": "string"}), json!(""), json!("x"), json!(1)),
        (json!({"type": "text"}), json!(""), json!("x\ny"), json!([])),
        (json!({"type": "int"}), json!(0), json!(-7), json!(1.5)),
        (json!({"type": "float"}), json!(0.0), json!(7), json!("7")),
        (json!({"type": "bool"}), json!(false), json!(true), json!("true")),
        (json!({"type": "list"}), json!([]), json!(["x", 1, true]), json!("x")),
        (json!({"type": "file"}), json!([]), json!(["a/b.txt"]), json!("a/b.txt")),
        (json!({"type": "object", "items": {}}), json!({}), json!({"x": 1}), json!([])),
        (json!({"type": "dict"}), json!({}), json!({"x": [1]}), json!("x")),
        (
            json!({"type": "template_list", "templates": {}}),
            json!([]),
            json!([{"__template_key": "gone"}]),
            json!({}),
        ),
    ];
    for (item, default, good, bad) in rows {
        let (form, schema) = one(&item);
        assert_eq!(form.defaults(), json!({"a": default}), "{item}");
        assert_eq!(schema["x-type"], item["type"]);
        takes(&form, &json!({ "a": good }));
        refuses(&form, &json!({ "a": bad }), "/a");
        refuses(&form, &json!({ "a": null }), "/a");
    }
    assert_eq!(ItemType::TemplateList.to_string(), "template_list");
}

#[test]
fn notes_travel_in_the_schema_and_the_form_is_kept_as_it_was() {
    let item = json!({
        "type": "string", "description": "Name", "hint": "As shown", "obvious_hint": true,
        "invisible": true, "readonly": true, "collapsed": true, "condition": {"b.c": 1},
        "labels": ["One"], "options": ["one"], "default": "one", "render_type": "checkbox",
        "slider": {"min": 0, "max": 1.5, "step": 0.1}, "editor_mode": true,
        "editor_language": "json", "editor_theme": "vs-light", "file_types": ["txt"],
        "_special": "select_provider", "name": "n", "later": {"anything": [1]},
    });
    let (form, schema) = one(&item);
    let expected = json!({
        "type": "string", "x-type": "string", "enum": ["one"], "default": "one", "title": "Name",
        "description": "As shown", "readOnly": true, "x-obvious-hint": true, "x-invisible": true,
        "x-collapsed": true, "x-condition": {"b.c": 1}, "x-labels": ["One"],
        "x-render-type": "checkbox", "x-slider": {"min": 0, "max": 1.5, "step": 0.1},
        "x-editor-mode": true, "x-editor-language": "json", "x-editor-theme": "vs-light",
        "x-file-types": ["txt"], "x-special": "select_provider", "x-name": "n",
    });
    assert_eq!(schema, expected);
    assert_eq!(form.metadata(), &json!({ "a": item }));
}

#[test]
fn the_order_of_the_form_is_in_the_schema() {
    let text = r#"{"z": {"type": "int"}, "a": {"type": "object", "items":
        {"y": {"type": "int"}, "b": {"type": "int"}}}}"#;
    let schema = SettingsForm::parse(text).unwrap().schema();
    assert_eq!(schema["x-order"], json!(["z", "a"]));
    assert_eq!(schema["properties"]["a"]["x-order"], json!(["y", "b"]));
}

#[test]
fn options_are_the_choices_and_none_is_one_as_long_as_the_default_is_empty() {
    let (form, _) = one(&json!({"type": "string", "options": ["x", "y"]}));
    takes(&form, &json!({"a": "x"}));
    takes(&form, &json!({"a": ""}));
    refuses(&form, &json!({"a": "z"}), "/a");
    let (form, _) = one(&json!({"type": "string", "options": ["x", "y"], "default": "y"}));
    refuses(&form, &json!({"a": ""}), "/a");
    let (form, _) = one(&json!({"type": "list", "options": ["x", 2]}));
    takes(&form, &json!({"a": ["x", 2]}));
    refuses(&form, &json!({"a": ["x", 3]}), "/a/1");
    let (form, _) = one(&json!({"type": "string", "options": []}));
    takes(&form, &json!({"a": "anything"}));
}

#[test]
fn bounds_are_of_the_value_the_length_or_the_number_of_elements() {
    let (form, schema) = one(&json!({"type": "int", "min": 2, "max": 4}));
    assert_eq!((&schema["minimum"], &schema["default"]), (&json!(2), &json!(2)));
    takes(&form, &json!({"a": 4}));
    refuses(&form, &json!({"a": 5}), "/a");
    let (form, schema) = one(&json!({"type": "float", "max": -0.5}));
    assert_eq!(schema["default"], json!(-0.5));
    refuses(&form, &json!({"a": 0}), "/a");
    for kind in ["string", "text"] {
        let (form, _) = one(&json!({"type": kind, "min": 2, "max": 3, "default": "ab"}));
        takes(&form, &json!({"a": "äöü"}));
        refuses(&form, &json!({"a": "a"}), "/a");
        refuses(&form, &json!({"a": "abcd"}), "/a");
        refuses(&form, &json!({"a": ""}), "/a");
    }
    for kind in ["list", "file"] {
        let (form, _) = one(&json!({"type": kind, "min": 2, "max": 2, "default": ["x", "y"]}));
        takes(&form, &json!({"a": ["x", "y"]}));
        refuses(&form, &json!({"a": ["x"]}), "/a");
        refuses(&form, &json!({"a": []}), "/a");
    }
}

#[test]
fn what_is_empty_by_default_may_be_left_empty() {
    let (form, _) = one(&json!({"type": "string", "min": 2, "pattern": "^x"}));
    takes(&form, &json!({"a": ""}));
    takes(&form, &json!({"a": "xy"}));
    refuses(&form, &json!({"a": "x"}), "/a");
    let (form, _) = one(&json!({"type": "list", "min": 2}));
    takes(&form, &json!({"a": []}));
    refuses(&form, &json!({"a": ["x"]}), "/a");
}

#[test]
fn a_pattern_is_searched_for_as_ecmascript_does() {
    let (form, _) = one(&json!({"type": "text", "pattern": r"^\d+$", "default": "1"}));
    takes(&form, &json!({"a": "12"}));
    refuses(&form, &json!({"a": "12x"}), "/a");
    refuses(&form, &json!({"a": "١"}), "/a");
}

#[test]
fn a_secret_is_marked_and_may_be_a_reference_whatever_its_rules() {
    let (form, schema) =
        one(&json!({"type": "string", "secret": true, "pattern": "^sk-", "min": 9}));
    assert_eq!(schema["x-secret"], json!(true));
    for good in ["sk-123456", "", "env:KEY", "file:a\nb", "$KEY", "${KEY}"] {
        takes(&form, &json!({ "a": good }));
    }
    for bad in ["hunter222", "sk-1", "env:", "env:a b", "$4 a month", "file:", "${KEY"] {
        refuses(&form, &json!({ "a": bad }), "/a");
    }
}

#[test]
fn files_are_paths_within_the_folder_and_of_the_allowed_types() {
    let (form, _) = one(&json!({"type": "file"}));
    takes(&form, &json!({"a": ["a.b/..c.txt", "x"]}));
    let bad =
        ["", "/etc/passwd", "../x", "a/../b", "a/..", r"a\..\b", r"C:\x", "c:x", r"\x", "\u{0}"];
    for bad in bad {
        refuses(&form, &json!({ "a": [bad] }), "/a/0");
    }
    let types = ["pdf", ".Tar.gz", "*.c++"];
    let (form, _) = one(&json!({"type": "file", "file_types": types}));
    takes(&form, &json!({"a": ["x.PDF", "y.tar.GZ", "z.C++"]}));
    for bad in ["pdf", "x.pdf.exe", "x.ccc", "tarxgz"] {
        refuses(&form, &json!({ "a": [bad] }), "/a/0");
    }
}

#[test]
fn objects_check_their_items_and_take_other_keys() {
    let (form, _) = one(&json!({"type": "object", "items": {"b": {"type": "int"}}}));
    takes(&form, &json!({"a": {"b": 1, "other": null}, "other": "x"}));
    refuses(&form, &json!({"a": {"b": "x"}}), "/a/b");
}

#[test]
fn dicts_check_the_keys_of_their_templates_only() {
    let template = json!({"t": {"type": "float", "name": "T", "slider": {"min": 0, "max": 2}}});
    let (form, schema) = one(&json!({"type": "dict", "template_schema": template}));
    assert_eq!(schema["properties"]["t"]["x-name"], "T");
    takes(&form, &json!({"a": {"t": 1.5, "x": "free"}}));
    refuses(&form, &json!({"a": {"t": "warm"}}), "/a/t");
}

#[test]
fn entries_of_template_lists_are_checked_by_their_template() {
    let (form, schema) = one(&json!({"type": "template_list", "templates": {
        "b": {"name": "B", "hint": "h", "display_item": "n", "hide_hint_in_list": true,
              "items": {"n": {"type": "int"}}},
        "a": {"items": {"n": {"type": "string"}, "o": {"type": "object", "items": {}}}},
    }}));
    let then = &schema["items"]["allOf"][1]["then"];
    assert_eq!((&then["title"], &then["x-display-item"]), (&json!("B"), &json!("n")));
    takes(
        &form,
        &json!({"a": [
            {"__template_key": "b", "n": 1}, {"__template_key": "a", "n": "x", "extra": 1},
            {"__template_key": "later", "n": []},
        ]}),
    );
    refuses(&form, &json!({"a": [{"__template_key": "b", "n": "x"}]}), "/a/0/n");
    refuses(&form, &json!({"a": [{"__template_key": "a", "n": 1}]}), "/a/0/n");
    refuses(&form, &json!({"a": [{"n": 1}]}), "/a/0");
    refuses(&form, &json!({"a": [{"__template_key": 1}]}), "/a/0/__template_key");
    refuses(&form, &json!({"a": [1]}), "/a/0");
}

#[test]
fn the_mark_that_editors_of_windows_write_is_passed_over() {
    assert!(SettingsForm::parse("\u{feff}{}").is_ok());
}
