//! What logs and temporary files take on the disk, and how to get it back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use actix_web::web::Data;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::http::{Answer, ApiError, Code, Json, Reply, RuntimeLease};

/// How deep folders are looked into.
const DEPTH: usize = 16;

/// What is used.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Storage {
    logs: Folder,
    cache: Folder,
    total_bytes: u64,
}

/// One folder.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Folder {
    size_bytes: u64,
    file_count: u64,
    path: String,
    exists: bool,
}

/// What to clean.
#[derive(Deserialize, JsonSchema)]
pub struct Wanted {
    /// `logs`, `cache` or `all`, which is the default.
    #[serde(default)]
    target: Option<String>,
}

/// What was cleaned.
#[derive(Serialize, JsonSchema)]
pub struct Cleaned {
    target: String,
    results: BTreeMap<&'static str, Counters>,
    #[serde(flatten)]
    sum: Counters,
    status: Storage,
}

/// How much of it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counters {
    removed_bytes: u64,
    processed_files: u64,
    deleted_files: u64,
    truncated_files: u64,
    failed_files: u64,
}

/// `GET /api/stat/storage`
pub async fn read(app: Data<App>, _lease: RuntimeLease) -> Answer<Storage> {
    let data = app.settings.data_dir.clone();
    blocking(move || Storage::of(&data)).await.map(Reply::data)
}

/// `POST /api/stat/storage/cleanup`
pub async fn clean(
    app: Data<App>,
    _lease: RuntimeLease,
    Json(wanted): Json<Wanted>,
) -> Answer<Cleaned> {
    let target = wanted.target.unwrap_or_else(|| "all".to_owned());
    let names: &[&'static str] = match target.as_str() {
        "logs" => &["logs"],
        "cache" => &["cache"],
        "all" => &["logs", "cache"],
        _ => return Err(ApiError::with(Code::Invalid, "target must be logs, cache or all.")),
    };
    let data = app.settings.data_dir.clone();
    blocking(move || {
        let mut results = BTreeMap::new();
        let mut sum = Counters::default();
        for name in names {
            let counters = clean_folder(&folder(&data, name), *name == "logs");
            sum.add(counters);
            results.insert(*name, counters);
        }
        Cleaned { target, results, sum, status: Storage::of(&data) }
    })
    .await
    .map(Reply::data)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)
}

fn folder(data: &Path, name: &str) -> PathBuf {
    data.join(if name == "cache" { "temp" } else { "logs" })
}

impl Storage {
    fn of(data: &Path) -> Self {
        let logs = Folder::of(&folder(data, "logs"));
        let cache = Folder::of(&folder(data, "cache"));
        Self { total_bytes: logs.size_bytes + cache.size_bytes, logs, cache }
    }
}

impl Folder {
    fn of(path: &Path) -> Self {
        let files = files(path);
        Self {
            size_bytes: files.iter().map(|(_, size)| size).sum(),
            file_count: files.len() as u64,
            path: path.display().to_string(),
            exists: path.is_dir(),
        }
    }
}

impl Counters {
    fn add(&mut self, other: Self) {
        self.removed_bytes += other.removed_bytes;
        self.processed_files += other.processed_files;
        self.deleted_files += other.deleted_files;
        self.truncated_files += other.truncated_files;
        self.failed_files += other.failed_files;
    }
}

/// Deletes every file; the logs that are being written are emptied in place, else their writer
/// would go on into a file that nobody sees.
fn clean_folder(path: &Path, is_logs: bool) -> Counters {
    let mut counters = Counters::default();
    for (file, size) in files(path) {
        counters.processed_files += 1;
        let active = is_logs && file.extension().is_some_and(|extension| extension == "log");
        let done = if active {
            fs::OpenOptions::new().write(true).truncate(true).open(&file).map(drop)
        } else {
            fs::remove_file(&file)
        };
        match done {
            Ok(()) if active => counters.truncated_files += 1,
            Ok(()) => counters.deleted_files += 1,
            Err(error) => {
                tracing::warn!(file = %file.display(), %error, "a file could not be cleaned");
                counters.failed_files += 1;
                continue;
            }
        }
        counters.removed_bytes += size;
    }
    counters
}

/// The files of a folder and of those in it. Links are not followed: they lead out of it.
fn files(path: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    let mut waiting = vec![(path.to_owned(), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let Ok(about) = entry.path().symlink_metadata() else { continue };
            if about.is_dir() && depth < DEPTH {
                waiting.push((entry.path(), depth + 1));
            } else if about.is_file() {
                found.push((entry.path(), about.len()));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn active_logs_are_emptied_and_the_rest_is_deleted() {
        let data = tempfile::tempdir().unwrap();
        let logs = data.path().join("logs");
        fs::create_dir_all(logs.join("old")).unwrap();
        fs::write(logs.join("firstlight.log"), "12345").unwrap();
        fs::write(logs.join("old/firstlight.log.1"), "123").unwrap();
        let counters = clean_folder(&logs, true);
        let expected = Counters {
            removed_bytes: 8,
            processed_files: 2,
            deleted_files: 1,
            truncated_files: 1,
            failed_files: 0,
        };
        assert_eq!(counters, expected);
        let left = Storage::of(data.path());
        assert_eq!((left.logs.file_count, left.total_bytes, left.cache.exists), (1, 0, false));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed_out_of_the_folder() {
        let data = tempfile::tempdir().unwrap();
        let precious = data.path().join("precious");
        fs::write(&precious, "keep").unwrap();
        let temp = data.path().join("temp");
        fs::create_dir(&temp).unwrap();
        std::os::unix::fs::symlink(&precious, temp.join("link")).unwrap();
        clean_folder(&temp, false);
        assert_eq!(fs::read_to_string(&precious).unwrap(), "keep");
    }
}
