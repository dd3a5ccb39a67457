//! Defaults, and settings as the plugin sees them.

use serde_json::json;

use super::support::{form, takes};

#[test]
fn what_is_missing_or_null_is_filled_in_at_every_depth() {
    let form = form(&json!({
        "n": {"type": "int", "default": 3},
        "o": {"type": "object", "items": {
            "s": {"type": "string", "default": "x"},
            "deep": {"type": "object", "items": {"b": {"type": "bool", "default": true}}},
        }},
    }));
    let defaults = json!({"n": 3, "o": {"s": "x", "deep": {"b": true}}});
    assert_eq!(form.defaults(), defaults);
    assert_eq!(form.complete(&json!({})), defaults);
    assert_eq!(form.complete(&json!("nonsense")), defaults);
    assert_eq!(form.complete(&json!({"n": null, "o": 1})), defaults);
    let saved = json!({"n": 0, "o": {"s": "", "deep": {"other": 1}}, "other": [1]});
    let expected = json!({"n": 0, "o": {"s": "", "deep": {"b": true, "other": 1}}, "other": [1]});
    assert_eq!(form.complete(&saved), expected);
}

#[test]
fn the_default_of_an_object_is_that_of_its_items() {
    let form = form(&json!({"o": {
        "type": "object",
        "items": {
            "a": {"type": "int", "default": 1},
            "b": {"type": "int", "default": 2},
            "p": {"type": "object", "items": {"c": {"type": "int"}}},
        },
        "default": {"a": 7, "p": {"c": 8}, "unknown": 9},
    }}));
    assert_eq!(form.defaults(), json!({"o": {"a": 7, "b": 2, "p": {"c": 8}}}));
    assert_eq!(
        form.complete(&json!({"o": {"b": 0}})),
        json!({"o": {"a": 7, "b": 0, "p": {"c": 8}}})
    );
    assert_eq!(form.schema()["properties"]["o"]["properties"]["a"]["default"], 7);
    takes(&form, &form.defaults());
}

#[test]
fn dicts_are_as_they_are_and_entries_are_filled_in_by_their_template() {
    let items = json!({"n": {"type": "int", "default": 5}});
    let form = form(&json!({
        "d": {"type": "dict", "template_schema": items, "default": {"x": 1}},
        "l": {"type": "template_list", "templates": {"t": {"items": items}},
              "default": [{"__template_key": "t"}]},
    }));
    let expected = json!({"d": {"x": 1}, "l": [{"__template_key": "t", "n": 5}]});
    assert_eq!(form.defaults(), expected);
    let saved = json!({"d": {}, "l": [{"__template_key": "t"}, {"__template_key": "u"}, 1]});
    let expected =
        json!({"d": {}, "l": [{"__template_key": "t", "n": 5}, {"__template_key": "u"}, 1]});
    assert_eq!(form.complete(&saved), expected);
}

#[test]
fn what_is_filled_into_entries_is_bounded() {
    let items = json!({"t": {"type": "text", "default": "x".repeat(100_000)}});
    let list = json!({"type": "template_list", "templates": {"t": {"items": items}}});
    let form = form(&json!({ "l": list }));
    let complete = form.complete(&json!({"l": vec![json!({"__template_key": "t"}); 200]}));
    assert_eq!(complete["l"][100]["t"].as_str().map(str::len), Some(100_000));
    assert_eq!(complete["l"][199], json!({"__template_key": "t"}));
    let unfit = vec![json!({"__template_key": "t", "t": null}); 200];
    let migration = form.migrate(&json!({ "l": unfit }), None);
    assert_eq!(migration.changes.len(), 200);
    assert_eq!(migration.value["l"][199], json!({"__template_key": "t"}));
    takes(&form, &migration.value);
}

#[test]
fn whole_numbers_reach_the_plugin_as_such() {
    let form = form(&json!({
        "i": {"type": "int", "default": 2.0}, "f": {"type": "float"},
    }));
    assert_eq!(form.defaults()["i"].to_string(), "2");
    let seen = form.complete(&json!({"i": -3.0, "f": 3.0}));
    assert_eq!((seen["i"].to_string(), seen["f"].to_string()), ("-3".into(), "3.0".into()));
    assert_eq!(form.complete(&json!({"i": 1e300}))["i"], json!(1e300));
}

#[test]
fn a_null_default_is_none() {
    let form = form(&json!({"a": {"type": "list", "default": null}}));
    assert_eq!(form.defaults(), json!({"a": []}));
}
