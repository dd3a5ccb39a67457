//! `firstlight check`: would a start work? Nothing is started and nothing is changed.

use std::path::Path;

use firstlight_core::db::inspect;
use firstlight_core::settings::{Effective, Settings, SettingsError};

use super::dispatch::wrong_settings;
use super::documents;
use super::findings::{Finding, report};
use crate::exit::{Exit, Problem};
use crate::logs::Logging;
use crate::problems;

/// Runs the check.
pub(super) async fn run(
    loaded: Result<Effective, SettingsError>,
    json: bool,
) -> Result<Exit, Problem> {
    let findings = match loaded {
        Ok(effective) => {
            let mut findings = settings(&effective);
            findings.extend(database(&effective.settings).await);
            findings
        }
        Err(error) => vec![Finding::error("settings", &wrong_settings(&error))],
    };
    report(&findings, json)
}

/// What the settings say beyond being readable.
pub(super) fn settings(effective: &Effective) -> Vec<Finding> {
    let file = effective.file.as_deref().map(Path::display);
    let source = file.map_or("no settings file".to_owned(), |file| file.to_string());
    let mut findings = vec![Finding::ok("settings", format!("readable ({source})"))];
    for variable in &effective.unused_variables {
        findings.push(Finding::warning(
            "settings",
            format!("{variable} is not a setting"),
            "check its spelling; `firstlight config show --json` names every variable",
        ));
    }
    if let Err(problem) = Logging::filter(&effective.settings.log.level) {
        findings.push(Finding::error("settings", &problem));
    }
    findings
}

/// What can be said of the database and the documents in it from outside.
pub(super) async fn database(settings: &Settings) -> Vec<Finding> {
    const SUBJECT: &str = "database";
    let path = settings.database_path();
    let shown = path.display();
    let found = match inspect(&path).await {
        Ok(Some(found)) => found,
        Ok(None) => {
            return vec![Finding::ok(SUBJECT, format!("{shown} will be made by the first start"))];
        }
        Err(error) => return vec![Finding::error(SUBJECT, &problems::database(&error))],
    };
    let (schema, known) = (found.schema, found.known);
    if !found.damage.is_empty() {
        let what = format!("{shown} is damaged: {}", found.damage.join("; "));
        let advice = "restore the database from a backup";
        return vec![Finding::error(SUBJECT, &Problem::new(Exit::Database, what, advice))];
    }
    if schema != known {
        let text = format!("{shown} is sound; the next start takes schema {schema} to {known}");
        // Reading the documents would be that start.
        return vec![Finding::ok(SUBJECT, text)];
    }
    let mut findings = vec![Finding::ok(SUBJECT, format!("{shown} is sound, schema {schema}"))];
    findings.extend(documents::examine(settings).await);
    findings
}
