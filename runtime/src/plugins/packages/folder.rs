//! A folder of the operator's, copied. Links are not followed, also not when they are made while
//! the copy runs.

use std::io;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirEntry, Metadata};

use super::intake::{Destination, Intake, IntakeError, Mode, OnDisk};
use super::paths::{PackagePath, PathProblem};

/// What is there and belongs to no package: in a folder that its author works in, and in a clone,
/// whose author said what belongs to it.
pub(super) const NOT_OF_A_WORKPLACE: &[&str] = &[".git", "target", "node_modules", "__pycache__"];
pub(super) const NOT_OF_A_CLONE: &[&str] = &[".git"];

/// Copies what is in `from` into a folder that is there and empty, without folders of these names.
pub(super) fn copy(from: &Path, into: &Path, skipped: &[&str]) -> Result<(), IntakeError> {
    walk(from, OnDisk(into.to_owned()), skipped)
}

/// Reads what is in `from` as a copy does, and refuses what it would refuse.
pub(super) fn examine(from: &Path, skipped: &[&str]) -> Result<(), IntakeError> {
    walk(from, Nowhere, skipped)
}

/// What is put here is gone.
struct Nowhere;

impl Destination for Nowhere {
    type File = io::Sink;

    fn folder(&mut self, _path: &str) -> io::Result<()> {
        Ok(())
    }

    fn file(&mut self, _path: &PackagePath, _mode: Mode) -> io::Result<io::Sink> {
        Ok(io::sink())
    }
}

fn walk<D: Destination>(from: &Path, into: D, skipped: &[&str]) -> Result<(), IntakeError> {
    let read = |source| IntakeError::Read { path: from.display().to_string(), source };
    // All is opened below this handle, which no link leads out of.
    let root = Dir::open_ambient_dir(from, ambient_authority()).map_err(read)?;
    let mut intake = Intake::new(into);
    let mut folders = vec![(None, root)];
    while let Some((path, folder)) = folders.pop() {
        for entry in folder.entries().map_err(read)? {
            let entry = entry.map_err(read)?;
            if !is_skipped(&entry, skipped).map_err(read)? {
                folders.extend(copy_entry(&mut intake, path.as_ref(), &folder, &entry)?);
            }
        }
    }
    Ok(())
}

fn is_skipped(entry: &DirEntry, skipped: &[&str]) -> io::Result<bool> {
    let named = entry.file_name().to_str().is_some_and(|name| skipped.contains(&name));
    // In a worktree `.git` is a file.
    Ok(named && !entry.file_type()?.is_symlink())
}

/// Copies a file, or answers the folder that is to be copied next.
fn copy_entry<D: Destination>(
    intake: &mut Intake<D>,
    parent: Option<&PackagePath>,
    folder: &Dir,
    entry: &DirEntry,
) -> Result<Option<(Option<PackagePath>, Dir)>, IntakeError> {
    let name = entry.file_name();
    let path = path_of(parent, &name.to_string_lossy())?;
    let read = |source: io::Error| IntakeError::Read { path: path.to_string(), source };
    let metadata = folder.symlink_metadata(&name).map_err(read)?;
    let kind = metadata.file_type();
    if kind.is_symlink() {
        return Err(IntakeError::Link { path: path.to_string() });
    }
    if kind.is_dir() {
        intake.folder(&path)?;
        let opened = folder.open_dir(&name).map_err(read)?;
        return Ok(Some((Some(path), opened)));
    }
    if !kind.is_file() {
        return Err(IntakeError::Special { path: path.to_string() });
    }
    let mut file = folder.open(&name).map_err(read)?;
    intake.file(&path, mode_of(&metadata), None, &mut file)?;
    Ok(None)
}

fn path_of(parent: Option<&PackagePath>, name: &str) -> Result<PackagePath, IntakeError> {
    let parsed = match parent {
        _ if name.contains(char::REPLACEMENT_CHARACTER) => Err(PathProblem::Control),
        Some(parent) => parent.child(name),
        None => PackagePath::parse(name),
    };
    parsed.map_err(|problem| IntakeError::Path { path: name.to_owned(), problem })
}

#[cfg(unix)]
fn mode_of(metadata: &Metadata) -> Mode {
    use cap_std::fs::MetadataExt as _;
    Mode::of(metadata.mode())
}

#[cfg(not(unix))]
fn mode_of(_metadata: &Metadata) -> Mode {
    Mode::Plain
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn copied(fill: impl FnOnce(&Path)) -> Result<tempfile::TempDir, IntakeError> {
        let (from, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fill(from.path());
        copy(from.path(), into.path(), NOT_OF_A_WORKPLACE).map(|()| into)
    }

    #[test]
    fn a_folder_is_copied_without_what_belongs_to_no_package() {
        let into = copied(|from| {
            fs::create_dir_all(from.join("pages/map")).unwrap();
            fs::write(from.join("pages/map/index.html"), "map").unwrap();
            for skipped in NOT_OF_A_WORKPLACE {
                fs::create_dir(from.join(skipped)).unwrap();
                fs::write(from.join(skipped).join("x"), "x").unwrap();
            }
            fs::write(from.join("plugin.toml"), "").unwrap();
        });
        let into = into.unwrap();
        assert_eq!(fs::read_to_string(into.path().join("pages/map/index.html")).unwrap(), "map");
        assert_eq!(fs::read_dir(into.path()).unwrap().count(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn links_and_special_files_are_refused() {
        use std::os::unix::fs::symlink;
        use std::os::unix::net::UnixListener;

        let linked = copied(|from| symlink("/etc/passwd", from.join("secrets")).unwrap());
        assert!(matches!(linked, Err(IntakeError::Link { path }) if path == "secrets"));
        let looked_at = tempfile::tempdir().unwrap();
        symlink("/etc/passwd", looked_at.path().join("secrets")).unwrap();
        let refused = examine(looked_at.path(), NOT_OF_A_WORKPLACE);
        assert!(matches!(refused, Err(IntakeError::Link { path }) if path == "secrets"));
        let folder = copied(|from| {
            fs::create_dir(from.join("a")).unwrap();
            symlink("/etc", from.join("a/etc")).unwrap();
        });
        assert!(matches!(folder, Err(IntakeError::Link { path }) if path == "a/etc"));
        let socket = copied(|from| drop(UnixListener::bind(from.join("socket")).unwrap()));
        assert!(matches!(socket, Err(IntakeError::Special { path }) if path == "socket"));
    }

    #[cfg(unix)]
    #[test]
    fn only_that_a_file_may_be_run_is_kept_of_its_permissions() {
        use std::os::unix::fs::PermissionsExt as _;

        let into = copied(|from| {
            for (name, mode) in [("run", 0o4711), ("data", 0o600)] {
                fs::write(from.join(name), name).unwrap();
                fs::set_permissions(from.join(name), fs::Permissions::from_mode(mode)).unwrap();
            }
        });
        let into = into.unwrap();
        let mode = |name| fs::metadata(into.path().join(name)).unwrap().permissions().mode();
        // What the process's mask takes away is its own affair.
        assert_eq!(mode("run") & 0o7100, 0o100);
        assert_eq!(mode("data") & 0o7111, 0);
    }
}
