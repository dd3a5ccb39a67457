//! Opening: every way in which it can go wrong says what is wrong.

use std::fs;
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};

use crate::db::{Database, DbError, OpenOptions};

async fn raw(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
}

async fn refused(path: &Path) -> DbError {
    let options = OpenOptions { busy_timeout: Duration::from_millis(20), ..OpenOptions::default() };
    match Database::open_with(path, options).await {
        Ok(_) => panic!("it opened"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn what_was_written_is_there_after_a_close() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deeper").join("firstlight.db");
    let database = Database::open(&path).await.unwrap();
    database.preferences().store("global", "global", "a", 1.into()).await.unwrap();
    database.close().await;
    let database = Database::open(&path).await.unwrap();
    let value = database.preferences().load("global", "global", "a").await.unwrap();
    assert_eq!(value, Some(1.into()));
}

#[tokio::test]
async fn a_first_start_that_was_cut_short_is_made_up_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("firstlight.db");
    fs::write(&path, "").unwrap();
    fs::write(folder.path().join("firstlight.db.new"), "half").unwrap();
    let database = Database::open(&path).await.unwrap();
    assert!(!database.accounts().any().await.unwrap());
    assert!(!folder.path().join("firstlight.db.new").exists());
}

#[tokio::test]
async fn a_copy_taken_while_it_ran_holds_everything_that_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&folder.path().join("firstlight.db")).await.unwrap();
    let other = tempfile::tempdir().unwrap();
    for n in 0..20 {
        database.preferences().store("global", "global", &n.to_string(), n.into()).await.unwrap();
    }
    // What a killed process leaves: the file and its log, without a checkpoint.
    for name in ["firstlight.db", "firstlight.db-wal"] {
        fs::copy(folder.path().join(name), other.path().join(name)).unwrap();
    }
    let copy = Database::open(&other.path().join("firstlight.db")).await.unwrap();
    assert_eq!(copy.preferences().list("global", "global").await.unwrap().len(), 20);
}

#[tokio::test]
async fn a_locked_database_is_reported_as_locked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("firstlight.db");
    let mut other = raw(&path).await;
    sqlx::raw_sql("CREATE TABLE t (x); BEGIN EXCLUSIVE").execute(&mut other).await.unwrap();
    assert!(matches!(refused(&path).await, DbError::Locked(_)));
}

#[tokio::test]
async fn a_lock_taken_while_running_fails_the_write_and_not_the_gateway() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("firstlight.db");
    let options = OpenOptions { busy_timeout: Duration::from_millis(20), ..OpenOptions::default() };
    let database = Database::open_with(&path, options).await.unwrap();
    let mut other = raw(&path).await;
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let preferences = database.preferences();
    let store = || preferences.store("global", "global", "a", 1.into());
    assert!(matches!(store().await, Err(DbError::Locked(_))));
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    store().await.unwrap();
}

#[tokio::test]
async fn a_newer_schema_is_refused_with_both_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("firstlight.db");
    Database::open(&path).await.unwrap().close().await;
    let mut other = raw(&path).await;
    sqlx::raw_sql("PRAGMA user_version = 900").execute(&mut other).await.unwrap();
    let error = refused(&path).await;
    assert!(matches!(error, DbError::NewerSchema { found: 900, known } if known < 900));
    assert!(error.to_string().contains("schema 900"), "{error}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_reported_as_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("firstlight.db");
    fs::write(&path, "not a database, whatever its name says. ".repeat(200)).unwrap();
    assert!(matches!(refused(&path).await, DbError::Corrupt(_)));
}

#[tokio::test]
async fn a_damaged_database_is_reported_as_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("firstlight.db");
    Database::open(&path).await.unwrap().close().await;
    let mut bytes = fs::read(&path).unwrap();
    // Everything behind the header: the page that lists the tables is among it.
    bytes[100..].fill(0xee);
    fs::write(&path, bytes).unwrap();
    let error = match Database::open(&path).await {
        Err(error) => error,
        Ok(database) => database.accounts().any().await.unwrap_err(),
    };
    assert!(matches!(error, DbError::Corrupt(_)), "{error:?}");
}

#[tokio::test]
async fn the_database_of_another_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("firstlight.db");
    let mut other = raw(&path).await;
    sqlx::raw_sql("CREATE TABLE songs (title)").execute(&mut other).await.unwrap();
    assert!(matches!(refused(&path).await, DbError::Foreign));
}

#[tokio::test]
async fn a_file_in_place_of_the_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data");
    fs::write(&file, "").unwrap();
    let error = refused(&file.join("firstlight.db")).await;
    assert!(matches!(&error, DbError::Folder { path, .. } if *path == file), "{error:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("firstlight.db");
    let database = Database::open(&path).await.unwrap();
    database.preferences().store("global", "global", "a", 1.into()).await.unwrap();
    for name in ["firstlight.db", "firstlight.db-wal"] {
        let mode = fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}
