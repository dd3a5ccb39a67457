//! What is put aside: why, since when, and what the operator does with it.

use std::time::Duration;

use serde_json::json;

use super::bench::{Bench, answer, answers};
use crate::bus::dead_letters::LISTED;
use crate::bus::{
    BusError, BusSettings, Enqueued, InboxState, Letter, LetterFilter, LetterState, OutboxState,
    Queue, Reason,
};
use crate::db::Page;

const HOUR: i64 = 3_600_000;
const FIRST: Page = Page { number: 1, size: 50 };

async fn enqueue(bench: &Bench, session: &str, text: &str) -> i64 {
    match bench.bus.enqueue(vec![answer(session, text, true)]).await.unwrap() {
        Enqueued::Rows(rows) => rows[0],
        Enqueued::Full => panic!("full"),
    }
}

/// One dead letter of each queue, and an uncertain message.
async fn put_aside() -> (Bench, i64, i64, i64) {
    let (bench, epoch) = Bench::owned().await;
    let received = bench.accept("m1", "a").await;
    bench.lease(epoch).await;
    bench.bus.fail(received, epoch, "not readable").await.unwrap();
    bench.advance(HOUR / 2);
    let refused = enqueue(&bench, "a", "one").await;
    bench.lease_outbox(epoch).await;
    bench.bus.undeliverable(refused, epoch, "no such group").await.unwrap();
    let unknown = enqueue(&bench, "b", "two").await;
    bench.lease_outbox(epoch).await;
    bench.advance(1);
    bench.bus.uncertain(unknown, epoch, "the connection broke").await.unwrap();
    (bench, received, refused, unknown)
}

#[tokio::test]
async fn a_message_that_waited_too_long_for_its_turn_becomes_a_dead_letter_and_a_replay_is_fresh() {
    let (bench, epoch) = Bench::owned().await;
    let id = bench.accept("m1", "a").await;
    bench.advance(HOUR);
    assert!(!bench.bus.is_stale(&bench.inbox(id).await), "exactly as old as allowed");
    bench.advance(1);
    let row = bench.bus.lease_next(epoch, 1).await.unwrap().remove(0);
    assert!(bench.bus.is_stale(&row));
    bench.bus.fail_stale(id, epoch).await.unwrap();
    let dead = bench.inbox(id).await;
    assert_eq!((dead.state, dead.reason), (InboxState::Dead, Some(Reason::Stale)));
    assert_eq!(dead.put_aside_at, Some(bench.bus.clock.now()));
    bench.bus.replay(Queue::Inbox, id, None).await.unwrap();
    let again = bench.bus.lease_next(epoch, 1).await.unwrap().remove(0);
    assert!(!bench.bus.is_stale(&again), "the operator wants it answered now");
    assert_eq!((again.reason, again.put_aside_at), (None, None));
}

#[tokio::test]
async fn a_channel_that_comes_back_gets_what_is_fresh_in_order_and_the_rest_is_put_aside() {
    let (bench, epoch) = Bench::owned().await;
    let old = [enqueue(&bench, "a", "1").await, enqueue(&bench, "a", "2").await];
    let other = enqueue(&bench, "b", "3").await;
    bench.advance(HOUR - 10);
    let fresh = [enqueue(&bench, "a", "4").await, enqueue(&bench, "c", "5").await];
    bench.advance(11);
    assert_eq!(bench.lease_outbox(epoch).await, fresh);
    for id in [old[0], old[1], other] {
        let row = bench.outbox(id).await;
        assert_eq!((row.state, row.reason), (OutboxState::Dead, Some(Reason::Stale)));
        assert_eq!((row.attempts, row.finished_at), (0, None), "it was not tried");
    }
    bench.bus.replay(Queue::Outbox, other, None).await.unwrap();
    assert_eq!(bench.lease_outbox(epoch).await, [other]);
}

#[tokio::test]
async fn without_a_limit_nothing_is_stale() {
    let settings = BusSettings { stale_after: Duration::ZERO, ..BusSettings::default() };
    let bench = Bench::new(settings).await;
    let (epoch, _) = bench.bus.take_over().await.unwrap();
    let (received, sent) = (bench.accept("m1", "a").await, enqueue(&bench, "a", "1").await);
    bench.advance(1_000 * HOUR);
    assert!(!bench.bus.is_stale(&bench.inbox(received).await));
    assert_eq!(bench.lease_outbox(epoch).await, [sent]);
}

#[tokio::test]
async fn every_way_to_be_put_aside_has_its_reason() {
    let settings =
        BusSettings { max_turn_attempts: 1, max_send_attempts: 1, ..BusSettings::default() };
    let bench = Bench::new(settings).await;
    let (epoch, _) = bench.bus.take_over().await.unwrap();
    let reason = async |id| bench.inbox(id).await.reason.unwrap();
    let given_up = bench.accept("m1", "a").await;
    bench.lease(epoch).await;
    bench.bus.defer(given_up, epoch, "again").await.unwrap();
    assert_eq!(reason(given_up).await, Reason::Attempts);
    let asked = bench.accept("m2", "b").await;
    bench.lease(epoch).await;
    bench.bus.finish(asked, epoch, answers(vec![answer("x", "1", true)])).await.unwrap();
    let answered = bench.lease_outbox(epoch).await[0];
    bench.bus.retry(answered, epoch, "busy", None).await.unwrap();
    assert_eq!(bench.outbox(answered).await.reason, Some(Reason::Attempts));
    let killer = bench.accept("m3", "c").await;
    bench.lease(epoch).await;
    bench.bus.enqueue(vec![answer("y", "2", false)]).await.unwrap();
    let cut = bench.lease_outbox(epoch).await[0];
    bench.bus.take_over().await.unwrap();
    assert_eq!(reason(killer).await, Reason::Crashed);
    let cut = bench.outbox(cut).await;
    assert_eq!((cut.state, cut.reason), (OutboxState::Uncertain, Some(Reason::Crashed)));
    let names = Reason::ALL.map(Reason::as_str);
    let page = include_str!("../../../../docs/bus.md");
    assert!(names.iter().all(|name| page.contains(&format!("| `{name}` |"))), "{names:?}");
}

#[tokio::test]
async fn the_list_has_both_queues_the_latest_first_and_can_be_narrowed() {
    let (bench, received, refused, unknown) = put_aside().await;
    let list = async |of: LetterFilter| -> Vec<(Queue, i64)> {
        let page = bench.bus.letters(&of, FIRST).await.unwrap();
        assert_eq!(usize::try_from(page.total).unwrap(), page.letters.len());
        page.letters.iter().map(|letter| (letter.queue, letter.id)).collect()
    };
    let all = [(Queue::Outbox, unknown), (Queue::Outbox, refused), (Queue::Inbox, received)];
    let none = LetterFilter::default;
    assert_eq!(list(none()).await, all);
    let of = LetterFilter { queue: Some(Queue::Outbox), ..none() };
    assert_eq!(list(of).await, all[..2]);
    let of = LetterFilter { state: Some(LetterState::Uncertain), ..none() };
    assert_eq!(list(of).await, all[..1]);
    let of = LetterFilter { reason: Some(Reason::Failed), ..none() };
    assert_eq!(list(of).await, all[2..]);
    let of = LetterFilter { platform_id: Some("elsewhere".into()), ..none() };
    assert_eq!(list(of).await, []);
    let second = Page { number: 2, size: 1 };
    let page = bench.bus.letters(&none(), second).await.unwrap();
    assert_eq!((page.letters[0].id, page.total), (refused, 3));
    assert_eq!(page.letters[0].excerpt, "one");
    assert_eq!(page.letters[0].error.as_deref(), Some("no such group"));
}

#[tokio::test]
async fn one_is_shown_whole_and_only_while_it_is_put_aside() {
    let (bench, received, refused, unknown) = put_aside().await;
    let Letter::Inbox(row) = bench.bus.letter(Queue::Inbox, received).await.unwrap() else {
        panic!("of the other queue")
    };
    assert_eq!(row.payload, json!({"text": "m1"}));
    bench.bus.replay(Queue::Outbox, refused, Some(json!({"text": "mended"}))).await.unwrap();
    assert_eq!(bench.outbox(refused).await.payload, json!({"text": "mended"}));
    let gone = bench.bus.letter(Queue::Outbox, refused).await;
    assert!(matches!(gone, Err(BusError::NoSuchRow { queue: Queue::Outbox, .. })));
    bench.bus.confirm_sent(unknown).await.unwrap();
    assert!(bench.bus.letter(Queue::Outbox, unknown).await.is_err());
}

#[tokio::test]
async fn clearing_drops_what_is_old_enough_and_nothing_else() {
    let (bench, received, refused, unknown) = put_aside().await;
    let waiting = enqueue(&bench, "z", "later").await;
    let older = |millis| Duration::from_millis(millis);
    let all = LetterFilter::default();
    assert_eq!(bench.bus.clear_letters(&all, older(3_600_000)).await.unwrap(), 0);
    assert_eq!(bench.bus.clear_letters(&all, older(900_000)).await.unwrap(), 1);
    assert_eq!(bench.inbox(received).await.state, InboxState::Dropped);
    bench.advance(10);
    let dead = LetterFilter { state: Some(LetterState::Dead), ..all.clone() };
    assert_eq!(bench.bus.clear_letters(&dead, Duration::ZERO).await.unwrap(), 1);
    assert_eq!(bench.outbox(refused).await.state, OutboxState::Dropped);
    assert_eq!(bench.outbox(unknown).await.state, OutboxState::Uncertain);
    assert_eq!(bench.bus.clear_letters(&all, Duration::ZERO).await.unwrap(), 1);
    assert_eq!(bench.outbox(waiting).await.state, OutboxState::Pending);
}

#[tokio::test]
async fn the_list_looks_at_what_is_put_aside_and_not_at_the_queues() {
    let (bench, ..) = put_aside().await;
    let plan: Vec<(i64, i64, i64, String)> =
        sqlx::query_as(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {LISTED}")))
            .fetch_all(bench.bus.database.readers())
            .await
            .unwrap();
    let plan: Vec<String> = plan.into_iter().map(|step| step.3).collect();
    for index in ["inbox_dead", "outbox_dead", "outbox_uncertain"] {
        assert!(plan.iter().any(|step| step.contains(index)), "{plan:#?}");
    }
    let whole = |step: &&String| step.starts_with("SCAN") && !step.contains("INDEX");
    assert_eq!(plan.iter().filter(whole).count(), 0, "{plan:#?}");
}
