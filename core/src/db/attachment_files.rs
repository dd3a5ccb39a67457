//! The files of attachments: where they are, how they get there, what is left lying about.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::DbError;

/// Removes every file of a folder, where there is one.
pub(super) fn clear(folder: &Path) -> io::Result<()> {
    if folder.exists() {
        for file in fs::read_dir(folder)? {
            fs::remove_file(file?.path())?;
        }
    }
    Ok(())
}

/// The hashes of what is stored.
pub(super) fn stored(folder: &Path) -> io::Result<Vec<String>> {
    let mut hashes = Vec::new();
    if !folder.exists() {
        return Ok(hashes);
    }
    for group in fs::read_dir(folder)? {
        let group = group?.path();
        if group.ends_with("incoming") {
            continue;
        }
        for file in fs::read_dir(group)? {
            hashes.extend(file?.file_name().into_string());
        }
    }
    Ok(hashes)
}

/// Where the bytes of that hash are: by its first two digits, to keep folders small.
pub(super) fn place(folder: &Path, sha256: &str) -> PathBuf {
    folder.join(sha256.get(..2).unwrap_or("xx")).join(sha256)
}

/// A file under a name of its own, removed unless it has been given its place.
pub(super) struct Temporary {
    path: PathBuf,
}

impl Temporary {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn failed(&self, source: io::Error) -> DbError {
        DbError::from_io(self.path.clone(), source)
    }

    /// Moves the file to its place, durably, unless the same bytes are there already.
    pub(super) fn settle(self, target: &Path) -> Result<(), DbError> {
        let folder = target.parent().unwrap_or(Path::new("."));
        let settle = || {
            if target.exists() {
                return Ok(());
            }
            fs::create_dir_all(folder)?;
            fs::rename(&self.path, target)?;
            // A rename is durable once its folder is, and a new folder once its parent is.
            fs::File::open(folder)?.sync_all()?;
            folder.parent().map_or(Ok(()), |parent| fs::File::open(parent)?.sync_all())
        };
        settle().map_err(|source| DbError::from_io(target.to_owned(), source))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Usually it has been moved; what stays behind all the same is found by `sweep`.
        let _ = fs::remove_file(&self.path);
    }
}
