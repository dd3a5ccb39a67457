//! Test: documents that point somewhere point at something.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::workspace::Workspace;

/// The Markdown files of the root folder and of `docs`.
fn documents() -> Vec<PathBuf> {
    let root = Workspace::locate().unwrap().root;
    [root.clone(), root.join("docs"), root.join("docs/adr"), root.join("docs/plugins")]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect()
}

/// Where the links of a Markdown text lead, without anchors.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter_map(|link| link.split(['#', ' ']).next())
        .filter(|link| !link.is_empty() && !link.contains(':'))
}

#[test]
fn links_to_files_lead_to_files() {
    let mut broken = Vec::new();
    for document in documents() {
        let folder = document.parent().unwrap_or(Path::new("."));
        for link in links(&fs::read_to_string(&document).unwrap()) {
            if !folder.join(link).exists() {
                broken.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "links to nothing:\n  {}", broken.join("\n  "));
}

#[test]
fn decision_records_have_a_number_of_their_own() {
    let folder = Workspace::locate().unwrap().root.join("docs/adr");
    let mut numbers = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let number: u32 =
            name.get(..4).and_then(|digits| digits.parse().ok()).unwrap_or_else(|| {
                panic!("{name} does not start with four digits");
            });
        if let Some(other) = numbers.insert(number, name.clone()) {
            panic!("{name} and {other} have one number");
        }
    }
    assert!(!numbers.is_empty(), "docs/adr is empty");
}
