//! Test: what the compiler and clippy cannot check about files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::workspace::Workspace;

/// From here on a file is mentioned.
const LONG: usize = 300;
/// Over this a file is refused, its tests included.
const TOO_LONG: usize = 500;

struct Source {
    name: String,
    text: String,
}

impl Source {
    /// The lines in front of the file's own test module.
    fn lines_without_tests(&self) -> usize {
        let tests = self.text.find("#[cfg(test)]\nmod tests {");
        self.text.get(..tests.unwrap_or(self.text.len())).unwrap_or_default().lines().count()
    }

    /// A plugin of the examples is one file where it can be.
    fn is_map(&self) -> bool {
        !self.name.starts_with("plugins-api/examples/") && self.is_module()
    }

    fn is_module(&self) -> bool {
        self.name.ends_with("/mod.rs") || self.name.ends_with("/lib.rs")
    }
}

/// Every `.rs` file of every package, named from the workspace's folder.
fn sources() -> Vec<Source> {
    let root = Workspace::locate().unwrap().root;
    let mut paths = Vec::new();
    for package in ["core", "gateway", "plugins-api", "runtime", "tests", "xtask"] {
        collect(&root.join(package), &mut paths);
    }
    assert!(paths.len() > 6, "the sources were not found");
    paths
        .into_iter()
        .map(|path| Source {
            name: path.strip_prefix(&root).unwrap().display().to_string(),
            text: fs::read_to_string(&path).unwrap(),
        })
        .collect()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("node_modules") {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn refuse(problem: &str, offenders: &[String]) {
    assert!(offenders.is_empty(), "{problem}:\n  {}", offenders.join("\n  "));
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<String> = sources()
        .into_iter()
        .filter(|source| !source.text.starts_with("//!"))
        .map(|source| source.name)
        .collect();
    refuse("the first line must be a `//!` comment", &silent);
}

#[test]
fn no_file_is_too_long() {
    let mut refused = Vec::new();
    for source in sources() {
        let (all, code) = (source.text.lines().count(), source.lines_without_tests());
        if all > TOO_LONG {
            refused.push(format!("{}: {all} lines", source.name));
        } else if code > LONG {
            println!("warning: {}: {code} lines without tests, aim at {LONG}", source.name);
        }
    }
    refuse(&format!("over {TOO_LONG} lines; split by topic"), &refused);
}

#[test]
fn maps_of_modules_hold_no_logic() {
    let items = ["fn ", "async fn ", "struct ", "enum ", "trait ", "impl", "const ", "static "];
    let mut refused = Vec::new();
    for source in sources().into_iter().filter(Source::is_map) {
        for (number, line) in source.text.lines().enumerate() {
            let item = line.trim_start_matches("pub(crate) ").trim_start_matches("pub ");
            if items.iter().any(|start| item.starts_with(start)) {
                refused.push(format!("{}:{}: {line}", source.name, number + 1));
            }
        }
    }
    refuse("lib.rs and mod.rs hold prose, `mod` and `pub use` only", &refused);
}

#[test]
fn nothing_is_left_for_later_in_a_comment() {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")];
    let mut refused = Vec::new();
    for source in sources() {
        for (number, line) in source.text.lines().enumerate() {
            if marks.iter().any(|mark| line.contains(mark)) {
                refused.push(format!("{}:{}: {}", source.name, number + 1, line.trim()));
            }
        }
    }
    refuse("do it now or open an issue", &refused);
}
