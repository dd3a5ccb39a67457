//! `docs/configuration.md` is made from the settings themselves.

use std::{fmt::Write as _, fs, path::Path};

use firstlight_core::settings::{Effective, Overrides, Settings};
use serde_json::Value;

const HEAD: &str = "\
# Settings of the process

*Made from the code by `cargo xtask test --update`; edit the comments there.*

A setting comes from its default, then from `firstlight.toml` (the one in the working directory, or
the one that `--config` or `FIRSTLIGHT_CONFIG` names), then from its variable, then from a flag; the
last one wins. They are read once, when the process starts. `firstlight config show` prints what is
in force and where it came from. A key of the file that nothing reads is refused.

In the file `log.format` is the key `format` of the table `[log]`. A length of time is written `90s`,
`5m` or `1h 30m`. In a variable the members of a list are separated by commas.

| setting | variable | default | meaning |
|---|---|---|---|
";

#[test]
fn every_setting_is_on_the_page_with_its_variable_default_and_meaning() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    let expected = page_text();
    if std::env::var_os("FIRSTLIGHT_UPDATE").is_some() {
        fs::write(&page, &expected).unwrap();
    }
    let found = fs::read_to_string(&page).unwrap_or_default();
    assert_eq!(found, expected, "docs/configuration.md is stale: cargo xtask test --update");
}

fn page_text() -> String {
    let schema = serde_json::to_value(schemars::schema_for!(Settings)).unwrap();
    let settings =
        Effective::from_layers(&Overrides::default(), [], Path::new("does-not-exist.toml"));
    let mut page = HEAD.to_owned();
    for row in settings.unwrap().view() {
        let meaning = meaning(&schema, &row.key);
        let default = match &row.value {
            Value::Null => String::new(),
            Value::String(text) => format!("`{text}`"),
            other => format!("`{other}`"),
        };
        writeln!(page, "| `{}` | `{}` | {default} | {meaning} |", row.key, row.variable).unwrap();
    }
    page
}

/// The comment on the field that the dotted name leads to.
fn meaning(schema: &Value, key: &str) -> String {
    let mut at = schema;
    let mut description = None;
    for name in key.split('.') {
        let property = &at["properties"][name];
        description = property["description"].as_str();
        let reference = property["$ref"].as_str().or(property["allOf"][0]["$ref"].as_str());
        at = reference
            .and_then(|reference| schema.pointer(reference.trim_start_matches('#')))
            .unwrap_or(property);
    }
    let description = description.unwrap_or_else(|| panic!("{key} has no comment"));
    description.split_whitespace().collect::<Vec<_>>().join(" ")
}
