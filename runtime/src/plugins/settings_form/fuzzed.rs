//! What `fuzz/` calls. Compiled by cargo-fuzz alone; panics when something is not as it must be.

use jsonschema::validator_for;
use serde_json::{Value, json};

use super::{Change, SettingsForm};

/// A form, settings, and the form by which they were saved, with a NUL between each: whatever is
/// taken as a form makes a schema that takes its defaults and all migrated settings.
pub fn forms(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut parts = text.split('\0');
    let form = match SettingsForm::parse(parts.next().unwrap_or_default()) {
        Ok(form) => form,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let saved = parts.next().and_then(|text| serde_json::from_str(text).ok());
    let saved = saved.unwrap_or_else(|| json!({}));
    let previous = parts.next().and_then(|text| SettingsForm::parse(text).ok());
    let schema = form.schema();
    let Ok(schema) = validator_for(&schema) else { panic!("the schema is broken: {schema}") };
    let takes = |value: &Value| {
        let problem = schema.iter_errors(value).next().map(|error| error.to_string());
        assert_eq!(problem, None, "{value}");
    };
    takes(&form.defaults());
    let migrated = form.migrate(&saved, previous.as_ref());
    takes(&migrated.value);
    takes(&form.complete(&migrated.value));
    let again = form.migrate(&migrated.value, Some(&form));
    assert_eq!(again.value, migrated.value);
    assert!(again.changes.iter().all(|change| matches!(change, Change::Unused { .. })));
    if schema.is_valid(&saved) {
        let kept = form.migrate(&saved, Some(&form));
        let renamed = |change: &Change| matches!(change, Change::Renamed { .. });
        assert!(kept.value == saved || kept.changes.iter().any(renamed));
    }
    drop(form.complete(&saved));
}
