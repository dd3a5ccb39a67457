//! A patch in `mutants/`: a header that says what it breaks and what has to notice, then the diff.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

/// One seeded bug.
pub(crate) struct Patch {
    /// The file's name without its ending.
    pub(crate) name: String,
    /// The file.
    pub(crate) path: PathBuf,
    /// What is wrong with the patched program, in a sentence.
    pub(crate) breaks: String,
    /// What has to notice.
    pub(crate) suite: Selection,
}

/// The tests of one binary: what cargo builds, and which of its tests run.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Selection {
    /// Arguments of `cargo test --no-run`.
    pub(crate) build: Vec<String>,
    /// What the names of the tests contain.
    pub(crate) tests: String,
}

/// All patches of a folder, by name; only those whose name contains one of `wanted`, if any is.
pub(crate) fn all(folder: &Path, wanted: &[String]) -> Result<Vec<Patch>> {
    let mut patches = Vec::new();
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let is_wanted = wanted.is_empty() || wanted.iter().any(|part| name.contains(part));
        if is_wanted && path.extension().is_some_and(|ending| ending == "patch") {
            let text = fs::read_to_string(&path)?;
            patches.push(parse(name, path, &text)?);
        }
    }
    patches.sort_by(|one, other| one.name.cmp(&other.name));
    ensure!(!patches.is_empty(), "no patch in {} is called so", folder.display());
    Ok(patches)
}

fn parse(name: String, path: PathBuf, text: &str) -> Result<Patch> {
    let header = text.split("\ndiff --git ").next().unwrap_or_default();
    let field = |key: &str| {
        let line = header.lines().find_map(|line| line.strip_prefix(key));
        let value = line.map(str::trim).filter(|value| !value.is_empty());
        value.map(ToOwned::to_owned).with_context(|| format!("{name} has no line {key:?}"))
    };
    let suite = Selection {
        build: field("Build:")?.split_whitespace().map(ToOwned::to_owned).collect(),
        tests: field("Tests:")?,
    };
    let breaks = field("Breaks:")?;
    Ok(Patch { name, path, breaks, suite })
}

#[cfg(test)]
mod tests {
    use super::{all, parse};
    use crate::{
        mutants::sources::{Direction, apply},
        workspace::Workspace,
    };

    #[test]
    fn a_header_names_what_breaks_and_what_notices() {
        let text = "Breaks: all of it.\nBuild: -p firstlight-core --lib\nTests: lifecycle\n\ndiff --git a/x b/x\n";
        let patch = parse("name".to_owned(), "name.patch".into(), text).unwrap();
        assert_eq!(patch.breaks, "all of it.");
        assert_eq!(patch.suite.build, ["-p", "firstlight-core", "--lib"]);
        assert_eq!(patch.suite.tests, "lifecycle");
        assert!(parse("name".to_owned(), "name.patch".into(), "Breaks: it.\n").is_err());
    }

    #[test]
    fn every_patch_applies_to_the_sources_as_they_are() {
        let workspace = Workspace::locate().unwrap();
        for patch in all(&workspace.root.join("mutants"), &[]).unwrap() {
            apply(&workspace.root, &patch.path, Direction::Check).unwrap();
        }
    }
}
