//! A database to test with.

use tempfile::TempDir;

use crate::db::Database;

/// A database in a folder of its own, which goes when the test ends.
pub(super) async fn fresh() -> (TempDir, Database) {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&folder.path().join("firstlight.db")).await.unwrap();
    (folder, database)
}
