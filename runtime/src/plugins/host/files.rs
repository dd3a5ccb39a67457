//! The folder of a plugin, below `plugin_data/` of the data folder.
//!
//! It is opened as a capability: whatever a path says, nothing outside of the folder is reached,
//! links included.

use std::io::{self, Read as _, Write as _};
use std::path::{Component, Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use firstlight_plugins_api::HostError;
use uuid::Uuid;

/// The largest file, what all may have together, and how many there may be.
const FILE_LIMIT: u64 = 16 << 20;
const SPACE_LIMIT: u64 = 256 << 20;
const MOST: usize = 10_000;
/// The longest path, in bytes, and how deep it may lead.
const PATH_LIMIT: usize = 512;
const DEPTH_LIMIT: usize = 16;
/// Files that are being written; never listed.
const UNFINISHED: &str = ".unfinished-";

/// The folder of one plugin. It is made when something is first written.
#[derive(Clone)]
pub(in crate::plugins) struct Files {
    folder: PathBuf,
}

impl Files {
    pub(in crate::plugins) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(super) async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, HostError> {
        let path = checked(path)?;
        self.run(move |folder| {
            let Some(folder) = open(folder)? else { return Ok(None) };
            let file = match folder.open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(failed(&error)),
            };
            let mut content = Vec::new();
            file.take(FILE_LIMIT + 1).read_to_end(&mut content).map_err(|e| failed(&e))?;
            if content.len() as u64 > FILE_LIMIT {
                return Err(HostError::limit("a file", FILE_LIMIT));
            }
            Ok(Some(content))
        })
        .await
    }

    pub(super) async fn write(&self, path: &str, content: Vec<u8>) -> Result<(), HostError> {
        let path = checked(path)?;
        if content.len() as u64 > FILE_LIMIT {
            return Err(HostError::limit("a file", FILE_LIMIT));
        }
        self.run(move |folder| {
            std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
            let Some(folder) = open(folder)? else { return Err(HostError::NotReady) };
            check_space(&folder, &path, content.len() as u64)?;
            if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
                folder.create_dir_all(above).map_err(|error| failed(&error))?;
            }
            let unfinished = format!("{UNFINISHED}{}", Uuid::new_v4());
            let written = write_whole(&folder, &unfinished, &path, &content);
            if written.is_err() {
                // Nothing is left of a file that could not be written.
                let _ = folder.remove_file(&unfinished);
            }
            written.map_err(|error| failed(&error))
        })
        .await
    }

    pub(super) async fn list(&self, below: &str) -> Result<Vec<String>, HostError> {
        let below = if below.is_empty() { PathBuf::new() } else { checked(below)? };
        self.run(move |folder| {
            let Some(folder) = open(folder)? else { return Ok(Vec::new()) };
            let files = walk(&folder).map_err(|error| failed(&error))?.into_iter();
            let mut paths: Vec<String> = files
                .filter(|(path, _)| path.starts_with(&below))
                .filter_map(|(path, _)| path.to_str().map(str::to_owned))
                .collect();
            paths.sort();
            Ok(paths)
        })
        .await
    }

    pub(super) async fn remove(&self, path: &str) -> Result<bool, HostError> {
        let path = checked(path)?;
        self.run(move |folder| {
            let Some(folder) = open(folder)? else { return Ok(false) };
            match folder.remove_file(&path) {
                Ok(()) => Ok(true),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
                Err(error) => Err(failed(&error)),
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> Result<T, HostError> + Send + 'static,
    ) -> Result<T, HostError> {
        let folder = self.folder.clone();
        let done = tokio::task::spawn_blocking(move || work(&folder)).await;
        done.unwrap_or_else(|error| Err(HostError::Failed(error.to_string())))
    }
}

/// A path below the folder: plain names with `/` between them.
fn checked(path: &str) -> Result<PathBuf, HostError> {
    let plain = Path::new(path);
    let names = plain.components().all(|part| matches!(part, Component::Normal(_)));
    let fits = !path.is_empty()
        && path.len() <= PATH_LIMIT
        && names
        && plain.components().count() <= DEPTH_LIMIT
        && !path.contains(['\\', '\0'])
        && !path.ends_with('/')
        && plain.file_name().is_some_and(|name| !name.to_string_lossy().starts_with(UNFINISHED));
    fits.then(|| plain.to_owned()).ok_or_else(|| HostError::unknown("path", path))
}

fn open(folder: &Path) -> Result<Option<Dir>, HostError> {
    match Dir::open_ambient_dir(folder, ambient_authority()) {
        Ok(folder) => Ok(Some(folder)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(&error)),
    }
}

fn check_space(folder: &Dir, path: &Path, added: u64) -> Result<(), HostError> {
    let files = walk(folder).map_err(|error| failed(&error))?;
    let others = files.iter().filter(|(other, _)| other != path);
    let (count, used) = others.fold((0, 0), |(count, used), (_, size)| (count + 1, used + size));
    if count >= MOST {
        return Err(HostError::limit("files of a plugin", MOST as u64));
    }
    if used + added > SPACE_LIMIT {
        return Err(HostError::limit("the files of a plugin", SPACE_LIMIT));
    }
    Ok(())
}

fn write_whole(folder: &Dir, unfinished: &str, path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = folder.open_with(unfinished, OpenOptions::new().write(true).create_new(true))?;
    file.write_all(content)?;
    file.sync_all()?;
    folder.rename(unfinished, folder, path)
}

/// All files with their sizes. Links are not followed.
fn walk(folder: &Dir) -> io::Result<Vec<(PathBuf, u64)>> {
    let (mut found, mut open) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(below) = open.pop() {
        let here = if below.as_os_str().is_empty() {
            folder.try_clone()?
        } else {
            folder.open_dir(&below)?
        };
        for entry in here.entries()? {
            let entry = entry?;
            let (path, kind) = (below.join(entry.file_name()), entry.file_type()?);
            if kind.is_dir() && path.components().count() < DEPTH_LIMIT {
                open.push(path);
            } else if kind.is_file() && !entry.file_name().to_string_lossy().starts_with(UNFINISHED)
            {
                found.push((path, entry.metadata()?.len()));
            }
        }
    }
    Ok(found)
}

/// Without a path: where the data folder is is no business of a plugin.
fn failed(error: &io::Error) -> HostError {
    HostError::Failed(format!("the file cannot be used: {}", error.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_written_is_read_listed_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::new(folder.path().join("plugin"));
        assert_eq!(files.read("a.txt").await, Ok(None));
        assert_eq!(files.list("").await, Ok(Vec::new()));
        files.write("b/c.txt", b"1".to_vec()).await.unwrap();
        files.write("a.txt", b"2".to_vec()).await.unwrap();
        files.write("a.txt", b"3".to_vec()).await.unwrap();
        assert_eq!(files.list("").await.unwrap(), ["a.txt", "b/c.txt"]);
        assert_eq!(files.list("b").await.unwrap(), ["b/c.txt"]);
        assert_eq!(files.read("a.txt").await.unwrap().unwrap(), b"3");
        assert!(files.remove("a.txt").await.unwrap());
        assert!(!files.remove("a.txt").await.unwrap());
    }

    #[tokio::test]
    async fn nothing_outside_of_the_folder_is_reached() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), "s").unwrap();
        let own = folder.path().join("plugin");
        std::fs::create_dir(&own).unwrap();
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(folder.path().join("secret"), own.join("link")).unwrap();
            std::os::unix::fs::symlink(folder.path(), own.join("up")).unwrap();
        }
        let files = Files::new(own);
        for path in
            ["../secret", "/etc/passwd", "a/../../secret", "", ".", "a\\b", "link", "up/secret"]
        {
            let read = files.read(path).await;
            assert!(read.is_err(), "{path}: {read:?}");
        }
        assert!(files.write("up/x", Vec::new()).await.is_err());
        assert!(files.write("a/", Vec::new()).await.is_err());
        assert!(files.list("").await.unwrap().is_empty());
        let error = files.read("link").await.unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}
