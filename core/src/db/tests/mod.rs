//! The database against real files.

mod attachments;
mod chats;
mod opening;
mod repositories;
mod statistics;
mod writing;

use tempfile::TempDir;

use super::Database;

/// A database in a folder of its own, which goes when the test ends.
pub(super) async fn fresh() -> (TempDir, Database) {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&folder.path().join("firstlight.db")).await.unwrap();
    (folder, database)
}
