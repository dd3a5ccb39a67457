//! `firstlight config show`.

use std::path::Path;

use firstlight_core::settings::{Effective, SettingView};
use serde::Serialize;
use serde_json::Value;

use crate::exit::{Exit, Problem};
use crate::terminal;

/// Names of settings that hold secrets. None does today; one that is added must not leak.
const SECRET: [&str; 4] = ["secret", "password", "token", "key_file_password"];

#[derive(Serialize)]
struct Shown<'a> {
    file: Option<&'a Path>,
    settings: Vec<SettingView>,
    unused_variables: &'a [String],
}

/// Prints the settings in force with their origins.
pub(crate) fn show(effective: &Effective, json: bool) -> Result<Exit, Problem> {
    let settings: Vec<SettingView> = effective.view().into_iter().map(masked).collect();
    if json {
        let file = effective.file.as_deref();
        let shown = Shown { file, settings, unused_variables: &effective.unused_variables };
        terminal::json(&shown)?;
        return Ok(Exit::Success);
    }
    let keys = settings.iter().map(|setting| setting.key.len()).max().unwrap_or_default();
    let values: Vec<String> = settings.iter().map(|setting| plain(&setting.value)).collect();
    let wide = values.iter().map(|value| value.chars().count()).max().unwrap_or_default();
    for (setting, value) in settings.iter().zip(&values) {
        terminal::line(format!("{:keys$}  {value:wide$}  {}", setting.key, setting.origin))?;
    }
    for variable in &effective.unused_variables {
        terminal::complain(format!("warning: {variable} is not a setting: check its spelling"));
    }
    Ok(Exit::Success)
}

fn masked(mut setting: SettingView) -> SettingView {
    let name = setting.key.rsplit('.').next().unwrap_or_default();
    let is_reference = setting
        .value
        .as_str()
        .is_some_and(|text| text.starts_with("env:") || text.starts_with("file:"));
    if SECRET.iter().any(|secret| name.ends_with(secret))
        && !setting.value.is_null()
        && !is_reference
    {
        setting.value = Value::from("***");
    }
    // An address may carry a name and a password.
    if let Some(address) = setting.value.as_str().and_then(without_credentials) {
        setting.value = Value::from(address);
    }
    setting
}

fn without_credentials(text: &str) -> Option<String> {
    let mut address = url::Url::parse(text).ok()?;
    address.password()?;
    address.set_password(Some("***")).ok()?;
    Some(address.into())
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use firstlight_core::settings::{Origin, SettingView};
    use serde_json::json;

    use super::masked;

    #[test]
    fn secrets_are_masked_and_references_are_not() {
        let check = |key: &str, value: &str, expected: &str| {
            let setting = SettingView {
                key: key.to_owned(),
                value: json!(value),
                variable: String::new(),
                origin: Origin::Default,
            };
            assert_eq!(masked(setting).value, json!(expected), "{key}");
        };
        check("tls.password", "hunter2", "***");
        check("tls.password", "env:TLS_PASSWORD", "env:TLS_PASSWORD");
        check("listen", "127.0.0.1:1", "127.0.0.1:1");
        check("proxy", "http://ada:pw@proxy:8080/", "http://ada:***@proxy:8080/");
    }
}
