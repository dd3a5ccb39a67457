//! One process per data folder.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

const FILE: &str = "firstlight.lock";
/// What another process may have written is not trusted to be short.
const MAX_HOLDER: u64 = 4096;

/// Holds the data folder for this process; let go when dropped, or when the process dies.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
    path: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Holder {
    pid: u32,
    name: String,
}

/// Why the data folder could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error(
        "the data folder {} is in use by {}; stop that process or choose another folder with --data-dir",
        folder.display(),
        holder(name.as_deref(), *pid)
    )]
    Held {
        /// The folder.
        folder: PathBuf,
        /// The other process, where it can be read.
        pid: Option<u32>,
        /// What the other process calls itself.
        name: Option<String>,
    },
    /// The folder or its lock file cannot be made or opened.
    #[error("cannot use the data folder {}", folder.display())]
    Unusable {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

fn holder(name: Option<&str>, pid: Option<u32>) -> String {
    match (name, pid) {
        (Some(name), Some(pid)) => format!("{name} (pid {pid})"),
        _ => "another process".to_owned(),
    }
}

impl DataLock {
    /// Makes the folder if needed and takes it. `name` is what a refused process gets to read.
    pub fn acquire(folder: &Path, name: &str) -> Result<Self, LockError> {
        let unusable = |source| LockError::Unusable { folder: folder.to_owned(), source };
        create_private(folder).map_err(unusable)?;
        let path = folder.join(FILE);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Self::held(folder, &file)),
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        write_holder(&mut file, name).map_err(unusable)?;
        Ok(Self { _file: file, path })
    }

    /// The lock file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn held(folder: &Path, file: &File) -> LockError {
        let mut text = String::new();
        let holder: Option<Holder> = match file.take(MAX_HOLDER).read_to_string(&mut text) {
            Ok(_) => serde_json::from_str(&text).ok(),
            // Some systems let nobody read a locked file.
            Err(_) => None,
        };
        LockError::Held {
            folder: folder.to_owned(),
            pid: holder.as_ref().map(|holder| holder.pid),
            name: holder.map(|holder| holder.name),
        }
    }
}

fn write_holder(file: &mut File, name: &str) -> std::io::Result<()> {
    let holder = Holder { pid: std::process::id(), name: name.to_owned() };
    file.set_len(0)?;
    file.rewind()?;
    serde_json::to_writer(&mut *file, &holder)?;
    file.flush()
}

/// The folder will hold secrets, so only its owner may look inside.
fn create_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_refused_by_name_and_pid() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("a/b");
        let first = DataLock::acquire(&data, "firstlight run").unwrap();
        let refused = DataLock::acquire(&data, "firstlight check").unwrap_err();
        let expected = format!("firstlight run (pid {})", std::process::id());
        assert!(refused.to_string().contains(&expected), "{refused}");
        drop(first);
        DataLock::acquire(&data, "firstlight check").unwrap();
    }

    #[test]
    fn a_lock_file_with_nonsense_in_it_is_no_obstacle() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "nonsense".repeat(10_000)).unwrap();
        let lock = DataLock::acquire(folder.path(), "firstlight run").unwrap();
        let text = std::fs::read_to_string(lock.path()).unwrap();
        assert_eq!(serde_json::from_str::<Holder>(&text).unwrap().pid, std::process::id());
    }

    #[test]
    fn a_folder_that_cannot_be_made_says_which() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let refused = DataLock::acquire(&file.join("data"), "firstlight run").unwrap_err();
        assert!(refused.to_string().contains("file/data"), "{refused}");
    }

    #[cfg(unix)]
    #[test]
    fn a_new_data_folder_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let _lock = DataLock::acquire(&data, "firstlight run").unwrap();
        let mode = std::fs::metadata(&data).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
