//! A look at a database file from outside, which changes nothing in it.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use super::{DbError, migrations};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// The schema of the file.
    pub schema: i64,
    /// The newest schema of this program; an older file is brought up to it by the next start.
    pub known: i64,
    /// What SQLite's quick check complains about.
    pub damage: Vec<String>,
}

/// Looks at the file, also while a gateway has it open. Nothing when there is none yet. A newer
/// schema, a foreign file and an unreadable one are the errors that opening it would give.
pub async fn inspect(path: &Path) -> Result<Option<Inspection>, DbError> {
    if !path.try_exists().map_err(|error| DbError::from_io(path.to_owned(), error))? {
        return Ok(None);
    }
    let options =
        SqliteConnectOptions::new().filename(path).read_only(true).disable_statement_logging();
    let mut connection = options.connect().await?;
    let found = look(&mut connection).await;
    connection.close().await?;
    found.map(Some)
}

async fn look(connection: &mut SqliteConnection) -> Result<Inspection, DbError> {
    let schema = migrations::acceptable(connection).await?;
    let lines: Vec<String> =
        sqlx::query_scalar("PRAGMA quick_check").fetch_all(&mut *connection).await?;
    let damage = lines.into_iter().filter(|line| line != "ok").collect();
    Ok(Inspection { schema, known: migrations::newest(), damage })
}

#[cfg(test)]
mod tests {
    use super::inspect;
    use crate::db::{Database, DbError};

    #[tokio::test]
    async fn a_missing_file_is_no_error_and_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("firstlight.db");
        assert_eq!(inspect(&path).await.unwrap(), None);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn an_open_database_can_be_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("firstlight.db");
        let database = Database::open(&path).await.unwrap();
        let found = inspect(&path).await.unwrap().unwrap();
        assert_eq!(found.schema, found.known);
        assert!(found.damage.is_empty());
        database.close().await;
    }

    #[tokio::test]
    async fn a_file_of_something_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("firstlight.db");
        std::fs::write(&path, "this is no database, and long enough to show it".repeat(100))
            .unwrap();
        assert!(matches!(inspect(&path).await, Err(DbError::Corrupt(_))));
    }
}
