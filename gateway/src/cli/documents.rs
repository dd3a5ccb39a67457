//! The configuration documents, as `check` and `doctor` see them.

use std::path::Path;

use firstlight_core::config::{ConfigSnapshot, ConfigStore, Secret};
use firstlight_core::db::Database;
use firstlight_core::settings::Settings;
use serde_json::Value;

use super::findings::Finding;
use crate::exit::Problem;
use crate::problems;

const SUBJECT: &str = "configuration";

/// Looks at the documents of a database whose schema is up to date.
pub(super) async fn examine(settings: &Settings) -> Vec<Finding> {
    match read(settings).await {
        Ok(findings) => findings,
        Err(problem) => vec![Finding::error(SUBJECT, &problem)],
    }
}

async fn read(settings: &Settings) -> Result<Vec<Finding>, Problem> {
    let path = settings.database_path();
    let database = Database::open(&path).await.map_err(|error| problems::database(&error))?;
    let opened = ConfigStore::open(database.clone()).await;
    let findings = opened
        .map(|store| look(&store.snapshot(), &settings.data_dir))
        .map_err(|error| problems::configuration(&error));
    database.close().await;
    findings
}

fn look(snapshot: &ConfigSnapshot, folder: &Path) -> Vec<Finding> {
    let mut findings: Vec<Finding> = snapshot
        .unusable()
        .iter()
        .map(|error| Finding::error(SUBJECT, &problems::configuration(error)))
        .collect();
    for document in snapshot.documents() {
        let mut texts = Vec::new();
        collect(&document.value, "", &mut texts);
        findings.extend(texts.into_iter().filter_map(|(place, text)| {
            let error = Secret::from(text.to_owned()).resolve(folder).err()?;
            let found = format!("{}{place}: {error}", document.id);
            let advice = "provide it to the process that runs the gateway, or change the reference";
            Some(Finding::warning("secret", found, advice))
        }));
    }
    if findings.is_empty() {
        let count = snapshot.documents().count();
        findings.push(Finding::ok(SUBJECT, format!("{count} documents, all usable")));
    }
    findings
}

/// Every text in a document with its place. Plain texts resolve to themselves; only a reference
/// can fail.
fn collect<'a>(value: &'a Value, place: &str, texts: &mut Vec<(String, &'a str)>) {
    match value {
        Value::String(text) => texts.push((place.to_owned(), text)),
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                collect(value, &format!("{place}/{index}"), texts);
            }
        }
        Value::Object(members) => {
            for (name, value) in members {
                collect(value, &format!("{place}/{name}"), texts);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
