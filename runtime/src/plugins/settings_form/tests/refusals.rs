//! Forms that are refused, and where.

use serde_json::{Value, json};

use crate::plugins::settings_form::{FormProblem, ItemType, SettingsForm};

#[track_caller]
fn refused(text: &str) -> (String, FormProblem) {
    let error = SettingsForm::parse(text).unwrap_err();
    assert!(error.to_string().starts_with(&error.pointer));
    (error.pointer, error.problem)
}

#[track_caller]
fn check(form: &Value, pointer: &str, problem: FormProblem) {
    assert_eq!(refused(&form.to_string()), (pointer.to_owned(), problem), "{form}");
}

/// One item that is alone in its form.
#[track_caller]
fn item(item: &Value, pointer: &str, problem: FormProblem) {
    check(&json!({ "a": item }), pointer, problem);
}

const fn kind(expected: &'static str) -> FormProblem {
    FormProblem::WrongKind { expected }
}

#[test]
fn what_is_no_object_of_items_is_refused() {
    check(&json!([]), "", kind("an object"));
    check(&json!({"a~/": 1}), "/a~0~1", kind("an object with a `type`"));
    item(&json!({}), "/a", FormProblem::Missing { key: "type" });
    item(&json!({"type": 1}), "/a/type", kind("a text"));
    let given = "Int".to_owned();
    item(&json!({"type": "Int"}), "/a/type", FormProblem::UnknownType { given });
    let given = "x".repeat(40);
    item(&json!({"type": "x".repeat(99)}), "/a/type", FormProblem::UnknownType { given });
    for text in ["", "{", "{} {}", r#"{"a": {"type": "int"}, "a": {"type": "int"}}"#] {
        assert!(matches!(refused(text), (_, FormProblem::NotJson { .. })), "{text}");
    }
}

#[test]
fn keys_of_the_wrong_kind_are_refused_at_their_place() {
    for (key, expected) in [
        ("description", "a text"),
        ("hint", "a text"),
        ("name", "a text"),
        ("render_type", "a text"),
        ("editor_language", "a text"),
        ("editor_theme", "a text"),
        ("_special", "a text"),
        ("pattern", "a text"),
        ("renamed_from", "a text"),
        ("obvious_hint", "true or false"),
        ("invisible", "true or false"),
        ("readonly", "true or false"),
        ("collapsed", "true or false"),
        ("editor_mode", "true or false"),
        ("secret", "true or false"),
        ("condition", "an object"),
        ("labels", "a list of texts"),
        ("file_types", "a list of texts"),
        ("slider", "an object with the numbers min, max and step"),
        ("options", "a list"),
        ("min", "a whole number that is not negative"),
        ("max", "a whole number that is not negative"),
    ] {
        item(&json!({"type": "string", key: 1.5}), &format!("/a/{key}"), kind(expected));
    }
    let slider = json!({"min": "0"});
    let expected = "an object with the numbers min, max and step";
    item(&json!({"type": "int", "slider": slider}), "/a/slider", kind(expected));
    item(&json!({"type": "int", "min": 1.5}), "/a/min", kind("a whole number"));
    item(&json!({"type": "float", "max": "1"}), "/a/max", kind("a number"));
    let options = json!({"type": "string", "options": [1]});
    item(&options, "/a/options", kind("a list of texts"));
    let options = json!({"type": "list", "options": [[]]});
    item(&options, "/a/options", kind("a list of texts, numbers and switches"));
}

#[test]
fn what_a_type_needs_must_be_there() {
    item(&json!({"type": "object"}), "/a", FormProblem::Missing { key: "items" });
    item(&json!({"type": "object", "items": []}), "/a/items", kind("an object"));
    item(&json!({"type": "template_list"}), "/a", FormProblem::Missing { key: "templates" });
    item(&json!({"type": "dict", "template_schema": 1}), "/a/template_schema", kind("an object"));
    let list = |templates: Value| json!({"type": "template_list", "templates": templates});
    item(&list(json!(1)), "/a/templates", kind("an object"));
    item(&list(json!({"t": 1})), "/a/templates/t", kind("an object with `items`"));
    item(&list(json!({"t": {}})), "/a/templates/t", FormProblem::Missing { key: "items" });
    item(&list(json!({"t": {"items": {}, "hint": 1}})), "/a/templates/t/hint", kind("a text"));
    let reserved = FormProblem::Reserved { key: "__template_key" };
    let items = json!({"__template_key": {"type": "string"}});
    item(&list(json!({"t": {"items": items}})), "/a/templates/t/items", reserved.clone());
    let items = json!({"x": {"type": "string", "renamed_from": "__template_key"}});
    item(&list(json!({"t": {"items": items}})), "/a/templates/t/items", reserved);
}

#[test]
fn our_own_keys_are_refused_where_they_would_do_nothing() {
    let misplaced = |key, kind| FormProblem::Misplaced { key, kind };
    item(&json!({"type": "bool", "min": 1}), "/a/min", misplaced("min", ItemType::Bool));
    item(&json!({"type": "dict", "max": 1}), "/a/max", misplaced("max", ItemType::Dict));
    let list = json!({"type": "list", "pattern": "x"});
    item(&list, "/a/pattern", misplaced("pattern", ItemType::List));
    for kind in ["text", "list", "int", "dict"] {
        let problem = misplaced("secret", kind.parse().unwrap());
        item(&json!({"type": kind, "secret": true}), "/a/secret", problem);
    }
}

#[test]
fn a_secret_must_be_where_it_is_masked_and_followed() {
    let secret = json!({"k": {"type": "string", "secret": true}});
    let in_object = json!({"a": {"type": "object", "items": secret}});
    assert!(SettingsForm::parse(&in_object.to_string()).is_ok());
    let dict = json!({"type": "dict", "template_schema": secret});
    item(&dict, "/a/template_schema/k/secret", FormProblem::SecretInside);
    let deep = json!({"t": {"items": {"o": {"type": "object", "items": secret}}}});
    let list = json!({"type": "template_list", "templates": deep});
    item(&list, "/a/templates/t/items/o/items/k/secret", FormProblem::SecretInside);
    let open = json!({"type": "dict", "template_schema": {"k": {"type": "int", "secret": false}}});
    assert!(SettingsForm::parse(&json!({ "a": open }).to_string()).is_ok());
}

#[test]
fn a_form_gives_no_secret_away() {
    let with_default = json!({"type": "string", "secret": true, "default": "hush"});
    item(&with_default, "/a/default", FormProblem::SecretDefault);
    let options = json!({"type": "string", "secret": true, "options": ["hush"]});
    item(&options, "/a/options", FormProblem::SecretOptions);
    let key = json!({"k": {"type": "string", "secret": true, "default": ""}});
    let object = json!({"type": "object", "items": key, "default": {"k": "hush"}});
    item(&object, "/a/default", FormProblem::SecretDefault);
}

#[test]
fn a_default_that_its_item_would_refuse_is_refused() {
    let renamed = json!({"new": {"type": "int", "renamed_from": "old"}});
    let objects = json!({"b": {"type": "int", "max": 3}});
    for bad in [
        json!({"type": "string", "default": 1}),
        json!({"type": "string", "options": ["x"], "default": "y"}),
        json!({"type": "string", "pattern": "^x", "default": "y"}),
        json!({"type": "int", "default": 1.5}),
        json!({"type": "int", "max": 3, "default": 4}),
        json!({"type": "float", "default": "1"}),
        json!({"type": "bool", "default": 0}),
        json!({"type": "list", "default": "x"}),
        json!({"type": "list", "default": [[]]}),
        json!({"type": "list", "options": ["x"], "default": ["y"]}),
        json!({"type": "file", "default": ["../x"]}),
        json!({"type": "object", "items": objects, "default": {"b": 4}}),
        json!({"type": "dict", "template_schema": objects, "default": {"b": 4}}),
        json!({"type": "template_list", "templates": {}, "default": [{}]}),
        json!({"type": "dict", "template_schema": renamed, "default": {"old": 4}}),
        json!({"type": "object", "items": renamed, "default": {"old": 4}}),
        json!({"type": "template_list", "templates": {"t": {"items": renamed}},
               "default": [{"__template_key": "t", "old": 4}]}),
    ] {
        let (pointer, problem) = refused(&json!({ "a": bad }).to_string());
        assert_eq!(pointer, "/a/default", "{bad}");
        assert!(matches!(problem, FormProblem::Default { .. }), "{bad}");
    }
    item(&json!({"type": "int", "min": 3, "max": 2}), "/a", FormProblem::Bounds);
}

#[test]
fn a_renamed_key_must_be_gone_and_be_taken_once() {
    let moved = |old: &str| json!({"type": "int", "renamed_from": old});
    check(
        &json!({"a": moved("b"), "b": {"type": "int"}}),
        "/a/renamed_from",
        FormProblem::Renaming,
    );
    check(&json!({"a": moved("a")}), "/a/renamed_from", FormProblem::Renaming);
    check(&json!({"a": moved("x"), "b": moved("x")}), "/b/renamed_from", FormProblem::Renaming);
}

#[test]
fn patterns_must_be_small_linear_and_few() {
    for bad in ["(", "(?=x)", r"(a)\1", r"\p{L}{9999}", "((a{99}){99}){99}"] {
        let form = json!({"a": {"type": "string", "pattern": bad}});
        let (pointer, problem) = refused(&form.to_string());
        assert_eq!(pointer, "/a/pattern", "{bad}");
        let FormProblem::Pattern { message } = problem else { panic!("{bad}: {problem}") };
        assert!(!message.is_empty() && !message.contains('\n'), "{message:?}");
    }
    let many: Value =
        (0..51).map(|n| (format!("{n:02}"), json!({"type": "string", "pattern": "x"}))).collect();
    check(&many, "/50", FormProblem::TooManyPatterns { limit: 50 });
}

#[test]
fn a_small_form_does_not_make_large_defaults() {
    let text = json!({"t": {"type": "text", "default": "x".repeat(100_000)}});
    let entries = vec![json!({"__template_key": "t"}); 20];
    let list = json!({"type": "template_list", "templates": {"t": {"items": text}}});
    let mut with_default = list.clone();
    with_default["default"] = json!(entries);
    item(&with_default, "/a", FormProblem::LargeDefaults { limit: 1024 * 1024 });
    let object = json!({"type": "object", "items": {"l": list}, "default": {"l": entries}});
    item(&object, "/a", FormProblem::LargeDefaults { limit: 1024 * 1024 });
}

#[test]
fn a_form_has_bounds() {
    let (_, problem) = refused(&" ".repeat(256 * 1024 + 1));
    assert_eq!(problem, FormProblem::TooLarge { limit: 256 * 1024 });
    let items = |count: usize| -> Value {
        (0..count).map(|n| (format!("{n:04}"), json!({"type": "bool"}))).collect()
    };
    assert!(SettingsForm::parse(&items(1_000).to_string()).is_ok());
    check(&items(1_001), "/1000", FormProblem::TooManyItems { limit: 1_000 });
    let nested = |depth: usize| {
        let innermost = json!({"a": {"type": "int"}});
        (1..depth).fold(innermost, |items, _| json!({"a": {"type": "object", "items": items}}))
    };
    assert!(SettingsForm::parse(&nested(8).to_string()).is_ok());
    let (pointer, problem) = refused(&nested(9).to_string());
    assert_eq!(problem, FormProblem::TooDeep { limit: 8 });
    assert_eq!(pointer, format!("/a{}", "/items/a".repeat(8)));
    let long = json!({ "k".repeat(257): {"type": "int"} });
    check(&long, "", FormProblem::LongKey { limit: 256 });
    let (_, problem) = refused(&"[".repeat(100_000));
    assert!(matches!(problem, FormProblem::NotJson { .. }));
}
