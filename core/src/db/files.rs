//! The database's files: made for their owner only, found to be writable, or named if not.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

use super::{DbError, migrations};

/// What the writing connections have in common, besides waiting for the disk.
pub(super) const WRITING: [(&str, &str); 4] = [
    // After a burst the log shrinks again.
    ("journal_size_limit", "67108864"),
    // A page that is changed often is then copied to the file less often.
    ("wal_autocheckpoint", "8000"),
    ("cache_size", "-16384"),
    ("temp_store", "memory"),
];

/// What readers and the writer have in common.
pub(super) fn connect_options(path: &Path, busy_timeout: Duration) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(busy_timeout)
        .disable_statement_logging()
}

/// Makes the folder and an empty file that only its owner can read, since it will hold secrets.
pub(super) fn prepare(path: &Path) -> Result<PathBuf, DbError> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).to_owned();
    fs::create_dir_all(&folder).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            DbError::Folder { path: folder.clone(), source: Arc::new(source) }
        }
        _ => DbError::from_io(folder.clone(), source),
    })?;
    owner_only(path).map_err(|source| DbError::from_io(path.to_owned(), source))?;
    Ok(folder)
}

/// Opens the file for writing, to see that this is possible, and makes it when it is not there.
fn owner_only(path: &Path) -> io::Result<fs::File> {
    let mut open = fs::OpenOptions::new();
    open.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    open.open(path)
}

/// Whether there is nothing in the file yet.
pub(super) fn is_empty(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.len() == 0)
}

/// Makes a database with the whole schema, beside its place, and then moves it there.
///
/// Nothing waits for the disk but the end, which makes the first start several times faster; a
/// crash before the end leaves an empty file in the place, and this is done again.
pub(super) async fn create(path: &Path, folder: &Path) -> Result<(), DbError> {
    let unfinished = path.with_added_extension("new");
    remove(&unfinished);
    let made = build(&unfinished, path, folder).await;
    if made.is_err() {
        remove(&unfinished);
    }
    made
}

/// Removes a database that nobody uses, or what is there of it.
fn remove(path: &Path) {
    for beside in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(beside);
        // What cannot be removed is in the way of what follows, which says why.
        let _ = fs::remove_file(name);
    }
}

async fn build(unfinished: &Path, path: &Path, folder: &Path) -> Result<(), DbError> {
    let failed = |source| DbError::from_io(unfinished.to_owned(), source);
    owner_only(unfinished).map_err(failed)?;
    let mut connection = connect_options(unfinished, Duration::ZERO)
        .journal_mode(SqliteJournalMode::Memory)
        .synchronous(SqliteSynchronous::Off)
        .connect()
        .await
        .map_err(|error| opening(folder, error))?;
    migrations::migrate(&mut connection).await?;
    sqlx::raw_sql("PRAGMA journal_mode = WAL").execute(&mut connection).await?;
    connection.close().await?;
    fs::File::open(unfinished).and_then(|file| file.sync_all()).map_err(failed)?;
    fs::rename(unfinished, path).map_err(failed)?;
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

/// The file itself was writable a moment ago, so what cannot be made are the files beside it.
pub(super) fn opening(folder: &Path, error: sqlx::Error) -> DbError {
    const CANNOT_OPEN: &str = "14";
    let cannot_open = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|code| code == CANNOT_OPEN);
    if cannot_open && !writable(folder) {
        return DbError::ReadOnly(Arc::new(error));
    }
    error.into()
}

/// Permission bits do not tell (owner, mount, capabilities), so it is tried.
fn writable(folder: &Path) -> bool {
    let probe = folder.join(format!(".probe-{}", uuid::Uuid::new_v4()));
    let made = fs::File::create_new(&probe).is_ok();
    made && fs::remove_file(&probe).is_ok()
}
