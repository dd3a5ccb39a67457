//! The schema: numbered steps, embedded, applied in order, never taken back.
//!
//! The number of the last applied step is the file's `user_version`, so that an up-to-date database
//! costs one look at its header. To change the schema, add `core/migrations/NNNN_name.sql` and a
//! line to [`MIGRATIONS`]; a step that was released is never edited.

use sqlx::{AssertSqlSafe, SqliteConnection};

use super::DbError;

/// One step of the schema.
struct Migration {
    version: i64,
    name: &'static str,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "core", sql: include_str!("../../migrations/0001_core.sql") },
    Migration {
        version: 2,
        name: "documents",
        sql: include_str!("../../migrations/0002_documents.sql"),
    },
    Migration { version: 3, name: "bus", sql: include_str!("../../migrations/0003_bus.sql") },
    Migration { version: 4, name: "rows", sql: include_str!("../../migrations/0004_rows.sql") },
    Migration {
        version: 5,
        name: "plugins",
        sql: include_str!("../../migrations/0005_plugins.sql"),
    },
    Migration {
        version: 6,
        name: "attachment expiry",
        sql: include_str!("../../migrations/0006_attachment_expiry.sql"),
    },
    Migration {
        version: 7,
        name: "projects",
        sql: include_str!("../../migrations/0007_projects.sql"),
    },
    Migration { version: 8, name: "leased", sql: include_str!("../../migrations/0008_leased.sql") },
    Migration {
        version: 9,
        name: "installed plugins",
        sql: include_str!("../../migrations/0009_installed_plugins.sql"),
    },
];

/// The newest schema this program knows.
pub(super) fn newest() -> i64 {
    MIGRATIONS.last().map_or(0, |migration| migration.version)
}

/// Brings the schema up to date, in one transaction: after a crash it is the old or the new one.
pub(super) async fn migrate(connection: &mut SqliteConnection) -> Result<(), DbError> {
    if applied(connection).await? == newest() {
        return Ok(());
    }
    sqlx::query("BEGIN EXCLUSIVE").execute(&mut *connection).await?;
    let outcome = apply(connection).await;
    let end = if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = sqlx::query(end).execute(&mut *connection).await;
    outcome?;
    ended?;
    Ok(())
}

/// The schema of the file, when this program can work with it.
pub(super) async fn acceptable(connection: &mut SqliteConnection) -> Result<i64, DbError> {
    let found = applied(connection).await?;
    if found > newest() {
        return Err(DbError::NewerSchema { found, known: newest() });
    }
    if found == 0 {
        let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema")
            .fetch_one(&mut *connection)
            .await?;
        if tables > 0 {
            return Err(DbError::Foreign);
        }
    }
    Ok(found)
}

async fn applied(connection: &mut SqliteConnection) -> Result<i64, DbError> {
    let version = sqlx::query_scalar("PRAGMA user_version").fetch_one(connection).await?;
    Ok(version)
}

/// Runs what is missing. Looks at the version again, now that nobody else can change it.
async fn apply(connection: &mut SqliteConnection) -> Result<(), DbError> {
    let found = acceptable(connection).await?;
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > found) {
        let mark = format!("PRAGMA user_version = {}", migration.version);
        let step = async {
            sqlx::raw_sql(migration.sql).execute(&mut *connection).await?;
            sqlx::raw_sql(AssertSqlSafe(mark)).execute(&mut *connection).await
        };
        step.await.map_err(|source| failed(migration, source))?;
    }
    Ok(())
}

/// A disk that is full half way is a full disk, not a bad migration.
fn failed(migration: &Migration, source: sqlx::Error) -> DbError {
    match DbError::from(source) {
        DbError::Statement(source) | DbError::Taken(source) => {
            DbError::Migration { version: migration.version, name: migration.name, source }
        }
        known => known,
    }
}

#[cfg(test)]
mod tests {
    use super::MIGRATIONS;

    #[test]
    fn migrations_are_numbered_without_a_gap() {
        assert!(MIGRATIONS.iter().map(|migration| migration.version).eq(1..=super::newest()));
    }
}
