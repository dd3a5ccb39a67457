//! Owners, crashes, and waking up.

use std::time::Duration;

use serde_json::json;

use super::bench::{Bench, answer, answers, message};
use crate::bus::{BusError, BusSettings, Finish, InboxState, OutboxState, Recovered};
use crate::db::Database;

/// Long enough for a slow machine, short enough to notice.
const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_crashed_turn_is_begun_again_from_its_checkpoint() {
    let (bench, before) = Bench::owned().await;
    let id = bench.accept("m1", "a").await;
    bench.lease(before).await;
    bench.bus.checkpoint(id, before, json!({"text": "half an ans"})).await.unwrap();
    let (epoch, recovered) = bench.bus.take_over().await.unwrap();
    assert_eq!(recovered, Recovered { turns: 1, ..Recovered::default() });
    let row = bench.bus.lease_next(epoch, 1).await.unwrap().remove(0);
    assert_eq!((row.id, row.attempts), (id, 2));
    assert_eq!(row.checkpoint, Some(json!({"text": "half an ans"})));
}

#[tokio::test]
async fn an_owner_that_was_superseded_can_do_nothing_any_more() {
    let (bench, before) = Bench::owned().await;
    let id = bench.accept("m1", "a").await;
    bench.lease(before).await;
    let (epoch, _) = bench.bus.take_over().await.unwrap();
    let lost = |outcome: Result<(), BusError>| matches!(outcome, Err(BusError::LeaseLost { .. }));
    let bus = &bench.bus;
    assert!(matches!(bus.lease_next(before, 1).await, Err(BusError::Superseded { .. })));
    assert!(matches!(bus.lease_outbox(before, "web", 1).await, Err(BusError::Superseded { .. })));
    assert_eq!(bench.lease(epoch).await, [id]);
    assert!(lost(bus.finish(id, before, Finish::default()).await.map(drop)));
    assert!(lost(bus.checkpoint(id, before, json!(1)).await));
    assert!(lost(bus.defer(id, before, "late").await.map(drop)));
    assert!(lost(bus.fail(id, before, "late").await));
    assert!(lost(bus.put_back(id, before).await));
    assert_eq!(bench.inbox(id).await.state, InboxState::Leased);
}

#[tokio::test]
async fn an_owner_that_lets_go_returns_its_messages_and_the_attempt_does_not_count() {
    let (bench, epoch) = Bench::owned().await;
    let id = bench.accept("m1", "a").await;
    for _ in 0..20 {
        assert_eq!(bench.lease(epoch).await, [id]);
        let released = bench.bus.release(epoch).await.unwrap();
        assert_eq!(released, Recovered { turns: 1, ..Recovered::default() });
    }
    assert_eq!(bench.inbox(id).await.attempts, 0);
    assert_eq!(bench.lease(epoch).await, [id]);
    bench.bus.put_back(id, epoch).await.unwrap();
    assert_eq!(bench.inbox(id).await.attempts, 0);
}

#[tokio::test]
async fn a_message_that_ends_the_process_each_time_becomes_a_dead_letter() {
    let (bench, mut epoch) = Bench::owned().await;
    let id = bench.accept("poison", "a").await;
    let behind = bench.accept("harmless", "a").await;
    for _ in 0..BusSettings::default().max_turn_attempts {
        assert_eq!(bench.lease(epoch).await, [id]);
        (epoch, _) = bench.bus.take_over().await.unwrap();
    }
    let row = bench.inbox(id).await;
    assert_eq!(row.state, InboxState::Dead);
    assert!(row.error.unwrap().contains("attempt 5"));
    assert_eq!(bench.lease(epoch).await, [behind]);
}

#[tokio::test]
async fn after_a_crash_what_was_being_sent_is_uncertain_unless_sending_twice_is_safe() {
    let (bench, epoch) = Bench::owned().await;
    let id = bench.accept("m1", "a").await;
    bench.lease(epoch).await;
    let outbox = vec![answer("1", "x", false), answer("2", "y", true), answer("1", "z", false)];
    let rows = bench.bus.finish(id, epoch, answers(outbox)).await.unwrap().outbox;
    assert_eq!(bench.lease_outbox(epoch).await, rows[..2]);
    let key = bench.outbox(rows[1]).await.idempotency_key;
    let (epoch, recovered) = bench.bus.take_over().await.unwrap();
    assert_eq!(recovered, Recovered { uncertain: 1, resends: 1, ..Recovered::default() });
    assert_eq!(bench.outbox(rows[0]).await.state, OutboxState::Uncertain);
    assert_eq!(bench.lease_outbox(epoch).await, rows[1..]);
    assert_eq!(bench.outbox(rows[1]).await.idempotency_key, key);
}

#[tokio::test]
async fn everything_is_there_after_a_close_and_another_start() {
    let (bench, epoch) = Bench::owned().await;
    let id = bench.accept("m1", "a").await;
    bench.lease(epoch).await;
    bench.bus.database.close().await;
    let refused = bench.bus.accept(message("m2", "a")).await;
    assert!(refused.is_err());
    let database = Database::open(&bench.folder.path().join("firstlight.db")).await.unwrap();
    let bus = crate::bus::Bus::new(database, BusSettings::default());
    let (epoch, recovered) = bus.take_over().await.unwrap();
    assert_eq!(recovered.turns, 1);
    assert_eq!(bus.lease_next(epoch, 1).await.unwrap()[0].id, id);
}

#[tokio::test]
async fn a_worker_is_woken_by_a_message_also_when_its_sender_has_hung_up() {
    let (bench, _) = Bench::owned().await;
    let mut wake = bench.bus.inbox_wake();
    let mut accept = Box::pin(bench.bus.accept(message("m1", "a")));
    // Polled once, so that the job is queued, and then forgotten.
    assert!(futures_util::poll!(&mut accept).is_pending());
    drop(accept);
    tokio::time::timeout(SOON, wake.wait()).await.unwrap();
}

#[tokio::test]
async fn a_change_between_leasing_and_waiting_is_not_missed() {
    let (bench, epoch) = Bench::owned().await;
    let mut inbox = bench.bus.inbox_wake();
    let mut outbox = bench.bus.outbox_wake("web");
    let id = bench.accept("m1", "a").await;
    tokio::time::timeout(SOON, inbox.wait()).await.unwrap();
    bench.lease(epoch).await;
    bench.accept("m2", "a").await;
    tokio::time::timeout(SOON, inbox.wait()).await.unwrap();
    bench.bus.finish(id, epoch, answers(vec![answer("1", "x", true)])).await.unwrap();
    tokio::time::timeout(SOON, outbox.wait()).await.unwrap();
    tokio::time::timeout(SOON, inbox.wait()).await.unwrap();
}

#[tokio::test]
async fn a_delayed_message_wakes_its_worker_when_its_time_comes() {
    let settings = BusSettings { backoff: Duration::from_millis(200), ..BusSettings::default() };
    let bench = Bench::new(settings.clone()).await;
    // The system's clock, because a wait is real time.
    let bus = crate::bus::Bus::new(bench.bus.database.clone(), settings);
    let (epoch, _) = bus.take_over().await.unwrap();
    bus.accept(message("m1", "a")).await.unwrap();
    let id = bus.lease_next(epoch, 1).await.unwrap()[0].id;
    bus.defer(id, epoch, "later").await.unwrap();
    let mut wake = bus.inbox_wake();
    let due = async {
        loop {
            let rows = bus.lease_next(epoch, 1).await.unwrap();
            if !rows.is_empty() {
                break rows;
            }
            wake.wait().await;
        }
    };
    assert_eq!(tokio::time::timeout(SOON, due).await.unwrap()[0].id, id);
}
