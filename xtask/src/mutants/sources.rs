//! A copy of the working tree that can be broken without harm, and the patching itself.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};

use crate::workspace::Workspace;

/// What is done with a patch.
#[derive(Clone, Copy)]
pub(crate) enum Direction {
    /// Only whether it would apply.
    Check,
    Forward,
    Back,
}

/// Copies the tracked and the new files of the working tree, as they are now, into a folder of the
/// target folder. The folder stays the same from run to run and unchanged files are not touched,
/// so that cargo rebuilds only what is different.
pub(crate) fn copy(workspace: &Workspace) -> Result<PathBuf> {
    let copy = workspace.target.join("mutants").join("sources");
    let wanted = listing(&workspace.root)?;
    for name in &wanted {
        let fresh = fs::read(workspace.root.join(name))?;
        let path = copy.join(name);
        if fs::read(&path).is_ok_and(|old| old == fresh) {
            continue;
        }
        fs::create_dir_all(path.parent().context("a file without a folder")?)?;
        fs::write(&path, fresh)?;
    }
    remove_strangers(&copy, &copy, &wanted)?;
    Ok(copy)
}

/// Applies a patch to the copy, or takes it back. Answers an error that says that it does not apply.
pub(crate) fn apply(root: &Path, patch: &Path, direction: Direction) -> Result<()> {
    let mut git = Command::new("git");
    git.current_dir(root).args(["apply", "--whitespace=nowarn"]);
    match direction {
        Direction::Check => git.arg("--check"),
        Direction::Forward => &mut git,
        Direction::Back => git.arg("--reverse"),
    };
    // Inside a repository git would take the paths as those of the repository, and skip them.
    let ceiling = root.parent().unwrap_or(root);
    let output = git.arg(patch).env("GIT_CEILING_DIRECTORIES", ceiling).output()?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        bail!("{} no longer applies to the sources:\n{}", patch.display(), text.trim());
    }
    Ok(())
}

fn listing(root: &Path) -> Result<Vec<PathBuf>> {
    let output = Command::new("git")
        .current_dir(root)
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output()
        .context("the list of source files comes from git")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout)?;
    let names = names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from);
    // A file that was deleted but not yet committed is still listed.
    Ok(names.filter(|name| root.join(name).is_file()).collect())
}

fn remove_strangers(folder: &Path, copy: &Path, wanted: &[PathBuf]) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_strangers(&path, copy, wanted)?;
        } else if !wanted.iter().any(|name| copy.join(name) == path) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
