//! Folders and files that cannot be written to.
//!
//! Permissions do not stop root, as whom tests may well run. So each test starts itself again as a
//! child, under another user when it is root, and the child says what it was refused with.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::db::{Database, DbError};

/// Where the child finds its database. Without it the child test does nothing.
const PLACE: &str = "FIRSTLIGHT_TEST_READ_ONLY_DATABASE";
const NOBODY: u32 = 65_534;

#[tokio::test]
async fn child_that_opens_a_database() {
    let Ok(path) = std::env::var(PLACE) else { return };
    let path = Path::new(&path);
    let outcome = match Database::open(path).await {
        Ok(database) => database.preferences().store("a", "b", "c", 1.into()).await,
        Err(error) => Err(error),
    };
    let said = match outcome {
        Err(DbError::ReadOnly(_)) => "read-only".to_owned(),
        other => format!("{other:?}"),
    };
    println!("the database said: {said}");
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Opens the database as somebody who has to obey permissions.
fn refused_as_read_only(path: &Path) {
    let folder = tempfile::tempdir().unwrap();
    set_mode(folder.path(), 0o755);
    let mut program = std::env::current_exe().unwrap();
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if is_root {
        // Another user may not be let into the folder that the program is built in.
        let copy = folder.path().join("program");
        fs::copy(&program, &copy).unwrap();
        set_mode(&copy, 0o755);
        program = copy;
    }
    let mut child = Command::new(program);
    child
        .args(["db::tests::read_only::child_that_opens_a_database", "--exact", "--nocapture"])
        .env(PLACE, path)
        .current_dir("/");
    if is_root {
        child.uid(NOBODY).gid(NOBODY);
    }
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("the database said: read-only"), "{said}");
}

#[test]
fn a_read_only_folder_without_a_database_is_reported_as_read_only() {
    let folder = tempfile::tempdir().unwrap();
    set_mode(folder.path(), 0o555);
    refused_as_read_only(&folder.path().join("firstlight.db"));
    set_mode(folder.path(), 0o755);
}

#[tokio::test]
async fn a_read_only_folder_with_a_database_is_reported_as_read_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("firstlight.db");
    Database::open(&path).await.unwrap().close().await;
    set_mode(&path, 0o666);
    set_mode(folder.path(), 0o555);
    refused_as_read_only(&path);
    set_mode(folder.path(), 0o755);
}

#[tokio::test]
async fn a_read_only_file_is_reported_as_read_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("firstlight.db");
    Database::open(&path).await.unwrap().close().await;
    set_mode(&path, 0o444);
    set_mode(folder.path(), 0o777);
    refused_as_read_only(&path);
}
