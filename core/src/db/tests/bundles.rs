//! Jobs of one kind that are done together.

use futures_util::future::{BoxFuture, join_all};
use sqlx::SqliteConnection;

use super::fresh::fresh;
use crate::db::{Bundled, Database, DbError, Done, NewConversation};

/// Stores a preference; its name says what is wrong with it, if anything.
struct Insert(String);

impl Bundled for Insert {
    type Output = usize;
    type Error = DbError;

    fn done<'c>(
        jobs: &'c [Self],
        connection: &'c mut SqliteConnection,
    ) -> BoxFuture<'c, Result<Done<Self>, DbError>> {
        Box::pin(async move {
            let mut done = Vec::new();
            for Self(key) in jobs {
                if key == "unwanted" {
                    done.push(Err(DbError::Missing { what: "need" }));
                    continue;
                }
                sqlx::query("INSERT INTO preferences VALUES ('test', 'it', ?, '1', 0, 0)")
                    .bind(key.clone())
                    .execute(&mut *connection)
                    .await?;
                assert!(key != "panics", "seeded");
                done.push(Ok(jobs.len()));
            }
            Ok(done)
        })
    }
}

async fn insert(database: &Database, key: &str) -> Result<usize, DbError> {
    database.write_bundled(Insert(key.to_owned()), |_| ()).await
}

async fn plain(database: &Database, key: &str) -> Result<(), DbError> {
    let key = key.to_owned();
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

async fn stored(database: &Database) -> Vec<String> {
    sqlx::query_scalar("SELECT key FROM preferences ORDER BY key")
        .fetch_all(database.readers())
        .await
        .unwrap()
}

#[tokio::test]
async fn jobs_that_queued_up_are_done_together_and_each_is_answered() {
    let (_folder, database) = fresh().await;
    let names: Vec<String> = (10..40).map(|n| n.to_string()).collect();
    let sizes = join_all(names.iter().map(|name| insert(&database, name))).await;
    assert!(sizes.into_iter().all(|size| size.unwrap() == 30));
    assert_eq!(stored(&database).await, names);
}

#[tokio::test]
async fn a_job_that_the_database_refuses_fails_alone_and_so_does_one_that_panics() {
    for with_others in [false, true] {
        let (_folder, database) = fresh().await;
        insert(&database, "there").await.unwrap();
        let other = async {
            if with_others {
                plain(&database, "other").await.unwrap();
            }
        };
        let (first, taken, panicked, unwanted, last, ()) = tokio::join!(
            insert(&database, "a"),
            insert(&database, "there"),
            insert(&database, "panics"),
            insert(&database, "unwanted"),
            insert(&database, "b"),
            other,
        );
        assert!(matches!((first, last), (Ok(1), Ok(1))), "each was done on its own");
        assert!(matches!(taken, Err(DbError::Taken(_))), "{taken:?}");
        assert!(matches!(panicked, Err(DbError::JobPanicked { .. })), "{panicked:?}");
        assert!(matches!(unwanted, Err(DbError::Missing { .. })), "{unwanted:?}");
        let expected: &[&str] =
            if with_others { &["a", "b", "other", "there"] } else { &["a", "b", "there"] };
        assert_eq!(stored(&database).await, expected);
    }
}

#[tokio::test]
async fn a_job_that_fails_by_itself_does_not_part_the_others() {
    let (_folder, database) = fresh().await;
    let (a, unwanted, b) =
        tokio::join!(insert(&database, "a"), insert(&database, "unwanted"), insert(&database, "b"));
    assert_eq!((a.unwrap(), b.unwrap()), (3, 3));
    assert!(unwanted.is_err());
    assert_eq!(stored(&database).await, ["a", "b"]);
}

#[tokio::test]
async fn a_session_that_is_remembered_to_talk_somewhere_is_asked_again_after_each_change() {
    let (_folder, database) = fresh().await;
    let conversations = database.conversations();
    let new = || NewConversation {
        platform_id: "w".into(),
        umo: "w:f:1".into(),
        title: None,
        persona_id: Some("poet".into()),
    };
    let talks_in = async || conversations.talks_in(new()).await.unwrap();
    let first = talks_in().await;
    assert_eq!((talks_in().await, first.persona_id.as_deref()), (first.clone(), Some("poet")));
    let second = conversations.create(new()).await.unwrap();
    assert_eq!(talks_in().await.conversation_id, second.conversation_id);
    assert!(conversations.select("w:f:1", &first.conversation_id).await.unwrap());
    assert_eq!(talks_in().await, first);
    let (preferences, other) = (database.preferences(), second.conversation_id.clone().into());
    preferences.store("umo", "w:f:1", "sel_conv_id", other).await.unwrap();
    assert_eq!(talks_in().await.conversation_id, second.conversation_id);
    conversations.delete_of("w:f:1").await.unwrap();
    let third = talks_in().await;
    assert!(third != first && third.conversation_id != second.conversation_id);
}
