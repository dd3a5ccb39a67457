//! The tables of `plugin.toml` as they are written, and what is checked of each.

use std::collections::{BTreeMap, BTreeSet};

use firstlight_plugins_api::{Capabilities, Manifest, Version, VersionReq};
use serde::Deserialize;

use super::manifest::{Lane, ManifestProblem, PackagePage};
use super::paths::PackagePath;
use crate::plugins::budgets::{AskedBudgets, LaneKind};

/// How many words a command has at most, and how many bytes each.
const WORDS_LIMIT: usize = 32;
const WORD_LIMIT: usize = 1024;
/// How many entries each list has at most.
const LIST_LIMIT: usize = 100;
/// The longest texts, in characters: a line, and a paragraph.
const LINE_LIMIT: usize = 200;
const PARAGRAPH_LIMIT: usize = 4000;

/// The file as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) version: Version,
    #[serde(default)]
    pub(super) display_name: String,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default)]
    pub(super) author: String,
    #[serde(default)]
    pub(super) repository: String,
    pub(super) firstlight: Option<VersionReq>,
    #[serde(default)]
    pub(super) platforms: Vec<String>,
    pub(super) lane: LaneKind,
    pub(super) component: Option<ComponentTable>,
    pub(super) process: Option<ProcessTable>,
    #[serde(default)]
    pub(super) dependencies: BTreeMap<String, VersionReq>,
    #[serde(default)]
    pub(super) capabilities: Capabilities,
    #[serde(default)]
    pub(super) budgets: AskedBudgets,
    #[serde(default)]
    pub(super) pages: Vec<PageTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ComponentTable {
    #[serde(default = "component_file")]
    pub(super) file: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProcessTable {
    pub(super) command: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageTable {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) path: String,
}

fn component_file() -> String {
    "plugin.wasm".to_owned()
}

impl File {
    pub(super) fn check_texts(&self) -> Result<(), ManifestProblem> {
        check_text("display-name", &self.display_name, LINE_LIMIT)?;
        check_text("description", &self.description, PARAGRAPH_LIMIT)?;
        check_text("author", &self.author, LINE_LIMIT)?;
        check_text("repository", &self.repository, LINE_LIMIT)?;
        let web = |text: &str| text.starts_with("https://") || text.starts_with("http://");
        if !self.repository.is_empty() && !web(&self.repository) {
            return Err(value("repository", "is no web address"));
        }
        Ok(())
    }

    pub(super) fn check_lists(&self) -> Result<(), ManifestProblem> {
        let Capabilities { hosts, private_hosts, .. } = &self.capabilities;
        for (field, length) in [
            ("platforms", self.platforms.len()),
            ("dependencies", self.dependencies.len()),
            ("hosts", hosts.len()),
            ("private-hosts", private_hosts.len()),
            ("pages", self.pages.len()),
        ] {
            if length > LIST_LIMIT {
                return Err(value(field, format!("has more than {LIST_LIMIT} entries")));
            }
        }
        for platform in &self.platforms {
            check_word("platforms", platform)?;
        }
        for host in hosts {
            check_word("hosts", host)?;
        }
        for host in private_hosts {
            check_word("private-hosts", host)?;
        }
        Ok(())
    }
}

pub(super) fn lane(
    kind: LaneKind,
    component: Option<ComponentTable>,
    process: Option<ProcessTable>,
) -> Result<Lane, ManifestProblem> {
    match (kind, component, process) {
        (LaneKind::Component, table, None) => {
            let file = table.map_or_else(component_file, |table| table.file);
            Ok(Lane::Component { file: path("component.file", &file)? })
        }
        (LaneKind::Process, None, Some(table)) => {
            check_command(&table.command)?;
            Ok(Lane::Process { command: table.command })
        }
        (LaneKind::Component, _, Some(_)) => {
            Err(value("process", "is a table of the other lane, this is lane = \"component\""))
        }
        (LaneKind::Process, Some(_), _) => {
            Err(value("component", "is a table of the other lane, this is lane = \"process\""))
        }
        (LaneKind::Process, None, None) => {
            Err(value("process.command", "is missing: lane = \"process\" needs it"))
        }
    }
}

fn check_command(command: &[String]) -> Result<(), ManifestProblem> {
    let field = "process.command";
    let Some(program) = command.first().filter(|program| !program.trim().is_empty()) else {
        return Err(value(field, "names no program"));
    };
    if command.len() > WORDS_LIMIT {
        return Err(value(field, format!("has more than {WORDS_LIMIT} words")));
    }
    if command.iter().any(|word| word.len() > WORD_LIMIT || word.contains('\0')) {
        return Err(value(
            field,
            format!("has a word with NUL or of more than {WORD_LIMIT} bytes"),
        ));
    }
    // Without a separator it is looked for where the system looks for programs.
    if program.contains(['/', '\\']) {
        path(field, program)?;
    }
    Ok(())
}

pub(super) fn pages(tables: Vec<PageTable>) -> Result<Vec<PackagePage>, ManifestProblem> {
    let mut names = BTreeSet::new();
    let mut pages = Vec::with_capacity(tables.len());
    for table in tables {
        check_name(&table.name)?;
        check_text("pages.title", &table.title, LINE_LIMIT)?;
        if !names.insert(table.name.clone()) {
            return Err(value("pages.name", format!("{:?} is there twice", table.name)));
        }
        let path = path("pages.path", &table.path)?;
        pages.push(PackagePage { name: table.name, title: table.title, path });
    }
    Ok(pages)
}

/// All names have the form of a plugin's.
pub(super) fn check_name(name: &str) -> Result<(), ManifestProblem> {
    let anything = Version::new(0, 0, 0);
    Ok(Manifest::new(name, anything.clone()).check(&anything)?)
}

fn check_text(field: &'static str, text: &str, limit: usize) -> Result<(), ManifestProblem> {
    if text.chars().count() > limit {
        return Err(value(field, format!("has more than {limit} characters")));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        return Err(value(field, "has control characters"));
    }
    Ok(())
}

fn check_word(field: &'static str, word: &str) -> Result<(), ManifestProblem> {
    check_text(field, word, LINE_LIMIT)?;
    if word.is_empty() || word.contains(|c: char| c.is_whitespace() || matches!(c, '/' | '\\')) {
        return Err(value(field, format!("has the entry {word:?}, which is no such name")));
    }
    Ok(())
}

fn path(field: &'static str, text: &str) -> Result<PackagePath, ManifestProblem> {
    PackagePath::parse(text).map_err(|problem| ManifestProblem::Path {
        field,
        path: text.to_owned(),
        problem,
    })
}

pub(super) fn value(field: &'static str, reason: impl Into<String>) -> ManifestProblem {
    ManifestProblem::Value { field, reason: reason.into() }
}
