//! Direct jobs: done together, and each on its own when one of them breaks.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use futures_util::future::join_all;
use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::task::JoinSet;

use super::fresh::fresh;
use super::writing;
use crate::db::{Database, DbError, NewConversation, Order};

/// Stores a preference; its name says what is wrong with it, if anything. Answers how often it ran.
async fn insert(database: &Database, key: &str) -> Result<usize, DbError> {
    let (key, ran) = (key.to_owned(), Arc::new(AtomicUsize::new(0)));
    let work = move |connection: &Connection| {
        let ran = ran.fetch_add(1, Ordering::Relaxed) + 1;
        if key == "unwanted" {
            return Err(DbError::Missing { what: "need" });
        }
        connection
            .prepare_cached("INSERT INTO preferences VALUES ('test', 'it', ?, '1', 0, 0)")?
            .execute([&key])?;
        assert!(key != "panics", "seeded");
        Ok(ran)
    };
    database.write_directly(Order::AsItCame, work, |_| ()).await
}

/// Keeps the writer busy until it is dropped: what is queued by then shares a commit.
struct Busy {
    _release: mpsc::Sender<()>,
    _job: JoinSet<Result<(), DbError>>,
}

async fn busy(database: &Database) -> Busy {
    let (release, released) = mpsc::channel::<()>();
    let (begun, mut beginning) = tokio::sync::mpsc::unbounded_channel();
    let (database, released) = (database.clone(), Mutex::new(released));
    let wait = move |_: &Connection| {
        begun.send(()).unwrap();
        let _it_was_dropped = released.lock().recv();
        Ok::<_, DbError>(())
    };
    let mut job = JoinSet::new();
    job.spawn(async move { database.write_directly(Order::AsItCame, wait, |()| ()).await });
    beginning.recv().await.unwrap();
    Busy { _release: release, _job: job }
}

async fn stored(database: &Database) -> Vec<String> {
    sqlx::query_scalar("SELECT key FROM preferences ORDER BY key")
        .fetch_all(database.readers())
        .await
        .unwrap()
}

#[tokio::test]
async fn jobs_that_queued_up_are_each_done_once_and_answered() {
    let (_folder, database) = fresh().await;
    let names: Vec<String> = (10..40).map(|n| n.to_string()).collect();
    let ran = join_all(names.iter().map(|name| insert(&database, name))).await;
    assert!(ran.into_iter().all(|times| times.unwrap() == 1));
    assert_eq!(stored(&database).await, names);
}

#[tokio::test]
async fn a_job_that_the_database_refuses_fails_alone_and_so_does_one_that_panics() {
    for with_others in [false, true] {
        let (_folder, database) = fresh().await;
        insert(&database, "there").await.unwrap();
        let other = async {
            if with_others {
                writing::insert(&database, "other".into()).await.unwrap();
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
        assert!(first.is_ok() && last.is_ok());
        assert!(matches!(taken, Err(DbError::Taken(_))), "{taken:?}");
        assert!(matches!(panicked, Err(DbError::JobPanicked { .. })), "{panicked:?}");
        assert!(matches!(unwanted, Err(DbError::Missing { .. })), "{unwanted:?}");
        let expected: &[&str] =
            if with_others { &["a", "b", "other", "there"] } else { &["a", "b", "there"] };
        assert_eq!(stored(&database).await, expected);
    }
}

#[tokio::test]
async fn a_job_goes_last_that_looks_for_what_others_store() {
    let (_folder, database) = fresh().await;
    let count = |connection: &Connection| {
        let count = connection.query_row("SELECT count(*) FROM preferences", [], |row| row.get(0));
        Ok::<i64, DbError>(count?)
    };
    let busy = busy(&database).await;
    let looking = database.write_directly(Order::Last, count, |_| ());
    let names = ["a", "b", "c"].map(|name| insert(&database, name));
    let (seen, stored, ()) = tokio::join!(looking, join_all(names), async { drop(busy) });
    assert!(stored.iter().all(Result::is_ok));
    assert_eq!(seen.unwrap(), 3);
}

#[tokio::test]
async fn a_full_disk_fails_those_that_need_room_and_later_writes_work_once_there_is_some() {
    let (_folder, database) = fresh().await;
    let pages = |count: u32| {
        let limit = move |connection: &Connection| {
            Ok::<_, DbError>(connection.pragma_update(None, "max_page_count", count)?)
        };
        database.write_directly(Order::AsItCame, limit, |()| ())
    };
    pages(1).await.unwrap(); // SQLite rounds up to what is in use already.
    let large: Vec<String> = (0..20).map(|n| format!("{n}{}", "x".repeat(50_000))).collect();
    for outcome in join_all(large.iter().map(|key| insert(&database, key))).await {
        assert!(matches!(outcome, Err(DbError::Full(_))), "{outcome:?}");
    }
    assert!(stored(&database).await.is_empty());
    pages(1_000_000).await.unwrap();
    insert(&database, "small").await.unwrap();
    assert_eq!(stored(&database).await, ["small"]);
}

#[tokio::test]
async fn both_connections_of_the_writer_wait_for_the_disk_and_mind_foreign_keys() {
    let (_folder, database) = fresh().await;
    let look = |connection: &Connection| {
        let ask = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        Ok::<_, DbError>((ask("synchronous")?, ask("foreign_keys")?, ask("wal_autocheckpoint")?))
    };
    let seen = database.write_directly(Order::AsItCame, look, |_| ()).await.unwrap();
    assert_eq!(seen, (2, 1, 8_000), "2 is FULL");
}

#[tokio::test]
async fn only_a_commit_of_what_may_be_forgotten_does_not_wait_for_the_disk() {
    let (_folder, database) = fresh().await;
    let look = |order| {
        let look = |connection: &Connection| {
            let level = connection.pragma_query_value(None, "synchronous", |row| row.get(0));
            Ok::<i64, DbError>(level?)
        };
        database.write_directly(order, look, |_| ())
    };
    for _ in 0..3 {
        let alone = look(Order::LastUnsynced).await;
        let busy = busy(&database).await;
        let (beside, other, ()) =
            tokio::join!(look(Order::LastUnsynced), look(Order::AsItCame), async { drop(busy) });
        let after = look(Order::AsItCame).await;
        let seen = [alone, beside, other, after].map(Result::unwrap);
        assert_eq!(seen, [1, 2, 2, 2], "1 is NORMAL, 2 is FULL");
    }
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
