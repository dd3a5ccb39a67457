//! Which handlers take which lines.

use std::cell::RefCell;

use super::*;
use crate::{Argument, Filter, Permission, Role};

fn facts(text: &str) -> Facts<'_> {
    Facts {
        text,
        kind: MessageKind::Group,
        platform_type: "test",
        role: Role::Member,
        addressed: true,
        only_addressed: text.is_empty(),
        shared: true,
    }
}

fn index(handlers: Vec<(&str, Handler)>) -> Index {
    Index::new(handlers.into_iter().map(|(plugin, handler)| (Arc::from(plugin), handler, true)))
}

fn ask(index: &Index, facts: Facts<'_>, strict: bool) -> Found {
    let line = Line::text(facts.text);
    index.find(&Question {
        facts,
        line: Some(&line),
        strict,
        allowed: &|entry| &*entry.plugin != "off",
        custom: &|_, name| name == "yes",
    })
}

/// What was found, in words.
fn shown(found: Found) -> String {
    match found {
        Found::Handlers(hits) => {
            let names =
                hits.iter().map(|hit| format!("{}/{}", hit.entry.plugin, hit.entry.handler.name));
            names.collect::<Vec<_>>().join(" ")
        }
        Found::Denied(entry) => format!("denied {}", entry.path),
        Found::Misused(entry, error) => format!("misused {}: {error}", entry.path),
        Found::Group(entry, below) => format!("group {} of {}", entry.path, below.len()),
    }
}

fn check(index: &Index, text: &str, expected: &str) {
    assert_eq!(shown(ask(index, facts(text), true)), expected, "{text}");
}

#[test]
fn a_command_is_found_by_word_alias_and_group_in_any_case() {
    let index = index(vec![
        ("p", Handler::command("roll").alias("r").argument(Argument::int("n").optional())),
        ("p", Handler::group("todo").alias("t")),
        ("p", Handler::command("add").within("todo").argument(Argument::rest("what"))),
        ("p", Handler::group("list").within("todo")),
        ("p", Handler::command("all").within("todo.list")),
    ]);
    check(&index, "roll 3", "p/roll");
    check(&index, "R", "p/roll");
    check(&index, "roll x", "misused roll: n cannot be \"x\"");
    check(&index, "rolling", "");
    check(&index, "\"roll\"", "");
    check(&index, "t add milk", "p/todo.add");
    check(&index, "todo list all", "p/todo.list.all");
    check(&index, "todo list", "group todo list of 1");
    check(&index, "todo fly", "group todo of 3");
    check(&index, "todo add", "misused todo add: what is missing");
}

#[test]
fn a_line_that_was_not_written_as_a_command_is_one_only_when_it_fits() {
    let index = index(vec![
        ("p", Handler::command("stop")),
        ("p", Handler::group("todo")),
        ("p", Handler::command("add").within("todo")),
    ]);
    let lenient = |text| shown(ask(&index, facts(text), false));
    assert_eq!(lenient("stop"), "p/stop");
    assert_eq!(lenient("stop doing that"), "");
    assert_eq!(lenient("todo is a word"), "");
    assert_eq!(lenient("todo add"), "p/todo.add");
}

#[test]
fn who_may_not_use_a_command_is_denied_and_not_told_how_it_is_used() {
    let index = index(vec![
        (
            "p",
            Handler::command("kick").permission(Permission::Admin).argument(Argument::text("who")),
        ),
        ("p", Handler::command("hush").permission(Permission::Admin).silent()),
        ("p", Handler::command("reset").permission(Permission::Owner)),
    ]);
    check(&index, "kick", "denied kick");
    check(&index, "hush", "");
    check(&index, "reset", "denied reset");
    let own = Facts { shared: false, ..facts("reset") };
    assert_eq!(shown(ask(&index, own, true)), "p/reset");
    let admin = Facts { role: Role::Admin, ..facts("kick ann") };
    assert_eq!(shown(ask(&index, admin, true)), "p/kick");
}

#[test]
fn of_two_commands_that_are_called_the_same_one_runs_and_both_are_shown() {
    let index = index(vec![
        ("b", Handler::command("roll")),
        ("a", Handler::command("roll")),
        ("c", Handler::command("dice").alias("ROLL").priority(1)),
        ("off", Handler::command("roll").priority(9)),
    ]);
    check(&index, "roll", "c/dice");
    let conflicts = index.conflicts();
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0].path, "roll");
    let plugins: Vec<&str> = conflicts[0].handlers.iter().map(|(p, _)| p.as_str()).collect();
    assert_eq!(plugins, ["off", "c", "a", "b"]);
}

#[test]
fn groups_of_two_plugins_share_their_word() {
    let index = index(vec![
        ("a", Handler::group("todo")),
        ("a", Handler::command("add").within("todo")),
        ("b", Handler::group("todo")),
        ("b", Handler::command("drop").within("todo")),
    ]);
    check(&index, "todo drop", "b/todo.drop");
    check(&index, "todo add", "a/todo.add");
    check(&index, "todo", "group todo of 1");
}

#[test]
fn what_is_switched_off_is_not_found_and_a_group_takes_its_commands_along() {
    let handlers =
        [(Handler::group("todo"), false), (Handler::command("add").within("todo"), true)];
    let index = Index::new(handlers.map(|(handler, enabled)| (Arc::from("p"), handler, enabled)));
    check(&index, "todo add", "");
    assert!(!index.entries()[1].enabled);
}

#[test]
fn listeners_are_found_by_filter_in_order_of_priority() {
    let group = Filter::Kind(vec![MessageKind::Group]);
    let index = index(vec![
        ("p", Handler::message("all", Filter::Any)),
        ("p", Handler::message("private", !group.clone()).priority(5)),
        ("p", Handler::message("group", group.clone()).priority(5)),
        ("p", Handler::message("link", Filter::Regex("https?://".into())).priority(9)),
        ("p", Handler::message("number", Filter::Regex("^[0-9]+$".into()).and(group.clone()))),
        ("p", Handler::message("other", Filter::Platform(vec!["qq".into()]).or(Filter::Admin))),
        ("p", Handler::message("yes", Filter::Custom("yes".into()).and(group)).priority(-1)),
        ("p", Handler::message("no", Filter::Custom("no".into()))),
        ("p", Handler::message("bare", Filter::OnlyAddressed)),
        ("off", Handler::message("off", Filter::Any)),
    ]);
    check(&index, "see http://x", "p/link p/group p/all p/yes");
    check(&index, " 42 ", "p/group p/all p/number p/yes");
    check(&index, "", "p/group p/all p/bare p/yes");
    let private = Facts { kind: MessageKind::Private, ..facts("hi") };
    assert_eq!(shown(ask(&index, private, true)), "p/private p/all");
}

/// The ordinary message of a group costs no plugin code and no regular expression one by one.
#[test]
fn p7_a_plugin_is_asked_only_when_the_rest_of_its_filter_holds() {
    let filter = Filter::Custom("asked".into()).and(Filter::Regex("^!".into()));
    let index = index(vec![("p", Handler::message("m", filter))]);
    let asked = RefCell::new(0);
    let custom = |_: &str, _: &str| {
        *asked.borrow_mut() += 1;
        true
    };
    for text in ["hello", "!hello"] {
        let question = Question {
            facts: facts(text),
            line: None,
            strict: true,
            allowed: &|_| true,
            custom: &custom,
        };
        index.find(&question);
    }
    assert_eq!(*asked.borrow(), 1);
}

/// The ancestor ran patterns of users in an engine that takes exponential time, on any text.
#[test]
fn s13_a_hostile_text_costs_a_pattern_linear_time_and_no_more_than_its_part() {
    let index = index(vec![
        ("p", Handler::message("nested", Filter::Regex("^(a|a)*(a*)*$".into()))),
        ("p", Handler::message("end", Filter::Regex("END$".into()))),
    ]);
    let hostile = format!("{}b", "a".repeat(100_000));
    check(&index, &hostile, "p/nested");
    let long = format!("{}END", "é".repeat(20_000));
    check(&index, &long, "");
    check(&index, "the END", "p/end");
}
