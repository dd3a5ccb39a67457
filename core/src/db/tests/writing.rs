//! Group commit.

use futures_util::future::join_all;
use sqlx::Connection;

use super::fresh::fresh;
use crate::db::{Database, DbError};

pub(super) async fn insert(database: &Database, key: String) -> Result<(), DbError> {
    database
        .write(move |connection| {
            Box::pin(async move {
                sqlx::query("INSERT INTO preferences VALUES ('test', 'it', ?, '1', 0, 0)")
                    .bind(key)
                    .execute(connection)
                    .await?;
                Ok(())
            })
        })
        .await
}

async fn count(database: &Database) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM preferences")
        .fetch_one(database.readers())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_write_is_seen_by_readers_once_it_is_answered() {
    let (_folder, database) = fresh().await;
    insert(&database, "a".into()).await.unwrap();
    assert_eq!(count(&database).await, 1);
}

#[tokio::test]
async fn a_failing_job_takes_back_its_own_writes_and_nobody_elses() {
    let (_folder, database) = fresh().await;
    let jobs = (0..50).map(|n| {
        let database = database.clone();
        async move {
            let key = format!("key {n}");
            if n % 5 != 0 {
                return insert(&database, key).await.is_ok();
            }
            let outcome = database
                .write(move |connection| {
                    Box::pin(async move {
                        sqlx::query("INSERT INTO preferences VALUES ('test', 'it', ?, '1', 0, 0)")
                            .bind(key)
                            .execute(connection)
                            .await?;
                        Err::<(), _>(DbError::Missing { what: "luck" })
                    })
                })
                .await;
            matches!(outcome, Err(DbError::Missing { what: "luck" }))
        }
    });
    assert!(join_all(jobs).await.into_iter().all(|as_expected| as_expected));
    assert_eq!(count(&database).await, 40);
}

#[tokio::test]
async fn a_panic_in_a_job_is_that_jobs_error() {
    let (_folder, database) = fresh().await;
    let panicking = database.write::<(), _>(|connection| {
        Box::pin(async move {
            sqlx::query("INSERT INTO preferences VALUES ('test', 'it', 'lost', '1', 0, 0)")
                .execute(connection)
                .await?;
            panic!("seeded");
        })
    });
    let (panicked, stored) = tokio::join!(panicking, insert(&database, "kept".into()));
    assert!(matches!(panicked, Err(DbError::JobPanicked { message }) if message == "seeded"));
    stored.unwrap();
    insert(&database, "later".into()).await.unwrap();
    assert_eq!(count(&database).await, 2);
}

#[tokio::test]
async fn a_duplicate_is_reported_as_taken() {
    let (_folder, database) = fresh().await;
    insert(&database, "a".into()).await.unwrap();
    assert!(matches!(insert(&database, "a".into()).await, Err(DbError::Taken(_))));
}

#[tokio::test]
async fn a_full_disk_fails_the_whole_batch_and_later_writes_work_once_there_is_room() {
    let (_folder, database) = fresh().await;
    let pages = |count: u32| {
        database.write(move |connection| {
            Box::pin(async move {
                let pragma = format!("PRAGMA max_page_count = {count}");
                sqlx::raw_sql(sqlx::AssertSqlSafe(pragma)).execute(connection).await?;
                Ok(())
            })
        })
    };
    pages(1).await.unwrap(); // SQLite rounds up to what is in use already.
    let large = join_all((0..20).map(|n| insert(&database, format!("{n}{}", "x".repeat(50_000)))));
    for outcome in large.await {
        assert!(matches!(outcome, Err(DbError::Full(_))), "{outcome:?}");
    }
    assert_eq!(count(&database).await, 0);
    pages(1_000_000).await.unwrap();
    insert(&database, "small".into()).await.unwrap();
    assert_eq!(count(&database).await, 1);
}

#[tokio::test]
async fn a_job_that_ends_the_transaction_fails_its_batch_only() {
    let (_folder, database) = fresh().await;
    let rogue = database.write(|connection| {
        Box::pin(async move {
            sqlx::query("ROLLBACK").execute(connection).await?;
            Err::<(), _>(DbError::Missing { what: "manners" })
        })
    });
    let (rogue, neighbour) = tokio::join!(rogue, insert(&database, "beside".into()));
    assert!(rogue.is_err());
    // Whether it shared the batch or not, what was answered with success is there.
    assert_eq!(count(&database).await, i64::from(neighbour.is_ok()));
    insert(&database, "after".into()).await.unwrap();
}

#[tokio::test]
async fn closing_writes_what_is_queued_and_refuses_what_comes_later() {
    let (folder, database) = fresh().await;
    let jobs = join_all((0..100).map(|n| insert(&database, n.to_string())));
    let (outcomes, ()) = tokio::join!(jobs, database.close());
    let written = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert!(matches!(insert(&database, "late".into()).await, Err(DbError::Closed)));
    let again = Database::open(&folder.path().join("firstlight.db")).await.unwrap();
    assert_eq!(usize::try_from(count(&again).await).unwrap(), written);
    assert_eq!(written, 100);
}

#[tokio::test]
async fn readers_cannot_write() {
    let (_folder, database) = fresh().await;
    let mut reader = database.readers().acquire().await.unwrap();
    reader.ping().await.unwrap();
    let refused = sqlx::query("DELETE FROM preferences").execute(&mut *reader).await;
    assert!(matches!(DbError::from(refused.unwrap_err()), DbError::ReadOnly(_)));
}

#[tokio::test]
async fn commits_wait_for_the_disk() {
    let (_folder, database) = fresh().await;
    let full = database
        .write(|connection| {
            Box::pin(async move {
                Ok(sqlx::query_scalar::<_, i64>("PRAGMA synchronous").fetch_one(connection).await?)
            })
        })
        .await
        .unwrap();
    assert_eq!(full, 2, "2 is FULL");
}
