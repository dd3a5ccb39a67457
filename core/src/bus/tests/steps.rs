//! Each step of the two queues.

use serde_json::json;

use super::bench::{Bench, answer, answers, ids, message};
use crate::bus::{
    Accepted, BusError, BusSettings, Deferred, Enqueued, Finish, InboxState, OutboxState, Purged,
    Queue, Turn,
};
use crate::db::{NewConversation, NewHistory, NewMessage, Page};

const FIRST: Page = Page { number: 1, size: 50 };

#[test]
fn finished_states_lead_nowhere_and_unfinished_ones_can_be_finished() {
    for from in InboxState::ALL {
        let leads = InboxState::ALL.iter().any(|to| from.can_become(*to));
        assert_eq!(leads, !matches!(from, InboxState::Done | InboxState::Dropped), "{from:?}");
        assert!(!from.can_become(from));
    }
    for from in OutboxState::ALL {
        let leads = OutboxState::ALL.iter().any(|to| from.can_become(*to));
        assert_eq!(leads, !matches!(from, OutboxState::Sent | OutboxState::Dropped), "{from:?}");
        assert!(!from.can_become(from));
    }
}

#[test]
fn the_page_on_the_bus_names_every_state_and_every_step() {
    let page = include_str!("../../../../docs/bus.md");
    let missing = |from: &str, to: &str| !page.contains(&format!("| `{from}` | `{to}` |"));
    for from in InboxState::ALL {
        for to in InboxState::ALL.into_iter().filter(|to| from.can_become(*to)) {
            assert!(!missing(from.as_str(), to.as_str()), "inbox {from:?} to {to:?}");
        }
    }
    for from in OutboxState::ALL {
        for to in OutboxState::ALL.into_iter().filter(|to| from.can_become(*to)) {
            assert!(!missing(from.as_str(), to.as_str()), "outbox {from:?} to {to:?}");
        }
    }
}

#[tokio::test]
async fn the_same_message_again_is_a_duplicate_of_the_first() {
    let (bench, _) = Bench::owned().await;
    let id = bench.accept("m1", "a").await;
    let again = bench.bus.accept(message("m1", "b")).await.unwrap();
    assert_eq!(again, Accepted::Duplicate(id));
    let (x, y) =
        tokio::join!(bench.bus.accept(message("m2", "a")), bench.bus.accept(message("m2", "a")),);
    let new = [x.unwrap(), y.unwrap()].iter().filter(|a| matches!(a, Accepted::New(_))).count();
    assert_eq!(new, 1);
}

#[tokio::test]
async fn a_conversation_has_one_turn_at_a_time_and_conversations_run_side_by_side() {
    let (bench, epoch) = Bench::owned().await;
    let a1 = bench.accept("a1", "a").await;
    let a2 = bench.accept("a2", "a").await;
    let b1 = bench.accept("b1", "b").await;
    assert_eq!(bench.lease(epoch).await, [a1, b1]);
    assert_eq!(bench.lease(epoch).await, [0_i64; 0]);
    assert_eq!(ids(&bench.bus.unfinished("a").await.unwrap()), [a1, a2]);
    bench.bus.finish(a1, epoch, Finish::default()).await.unwrap();
    assert_eq!(bench.lease(epoch).await, [a2]);
}

#[tokio::test]
async fn finishing_stores_everything_that_came_of_the_turn() {
    let (bench, epoch) = Bench::owned().await;
    let conversation = NewConversation {
        platform_id: "web".into(),
        umo: "web:f:1".into(),
        title: None,
        persona_id: None,
    };
    let conversations = bench.bus.database.conversations();
    let conversation = conversations.create(conversation).await.unwrap();
    let id = bench.accept("m1", "a").await;
    bench.lease(epoch).await;
    let finish = Finish {
        turn: Some(Turn {
            conversation_id: conversation.conversation_id.clone(),
            messages: vec![NewMessage { role: "user".into(), content: json!("hi"), tokens: 1 }],
        }),
        history: vec![NewHistory {
            platform_id: "web".into(),
            user_id: "1".into(),
            sender_id: Some("bot".into()),
            sender_name: None,
            content: json!({"text": "hello"}),
            llm_checkpoint_id: None,
        }],
        outbox: vec![answer("1", "one", false), answer("1", "two", false)],
    };
    let finished = bench.bus.finish(id, epoch, finish.clone()).await.unwrap();
    assert_eq!(bench.inbox(id).await.state, InboxState::Done);
    assert_eq!(finished.history.len(), 1);
    let answers = bench.bus.answers_to(id).await.unwrap();
    assert_eq!(answers.iter().map(|row| row.id).collect::<Vec<_>>(), finished.outbox);
    assert_eq!(conversations.window(&conversation.conversation_id, 10).await.unwrap().len(), 1);
    let twice = bench.bus.finish(id, epoch, finish).await;
    assert!(matches!(twice, Err(BusError::LeaseLost { .. })));
    assert_eq!(bench.bus.answers_to(id).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_turn_of_a_deleted_conversation_ends_all_the_same() {
    let (bench, epoch) = Bench::owned().await;
    let id = bench.accept("m1", "a").await;
    bench.lease(epoch).await;
    let turn = Some(Turn {
        conversation_id: "gone".into(),
        messages: vec![NewMessage { role: "user".into(), content: json!("hi"), tokens: 1 }],
    });
    let finish = Finish { turn, ..answers(vec![answer("1", "one", true)]) };
    bench.bus.finish(id, epoch, finish).await.unwrap();
    assert_eq!(bench.inbox(id).await.state, InboxState::Done);
    assert_eq!(bench.bus.answers_to(id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_deferred_turn_comes_again_later_holds_up_its_conversation_and_dies_in_the_end() {
    let (bench, epoch) = Bench::owned().await;
    let id = bench.accept("m1", "a").await;
    let next = bench.accept("m2", "a").await;
    for attempt in 1..=5 {
        assert_eq!(bench.lease(epoch).await, [id]);
        assert_eq!(bench.inbox(id).await.attempts, attempt);
        match bench.bus.defer(id, epoch, "no luck").await.unwrap() {
            Deferred::Retry { at } => {
                assert!(attempt < 5 && at > bench.bus.clock.now());
                assert_eq!(bench.lease(epoch).await, [0_i64; 0]);
                bench.advance(at - bench.bus.clock.now());
            }
            Deferred::Dead => assert_eq!(attempt, 5),
        }
    }
    let dead = bench.bus.inbox_in(InboxState::Dead, FIRST).await.unwrap();
    assert_eq!((dead[0].id, dead[0].error.as_deref()), (id, Some("no luck")));
    assert_eq!(bench.lease(epoch).await, [next]);
}

#[tokio::test]
async fn a_dead_letter_can_be_replayed_edited_or_dropped() {
    let (bench, epoch) = Bench::owned().await;
    let (one, two) = (bench.accept("m1", "a").await, bench.accept("m2", "b").await);
    bench.lease(epoch).await;
    let replay = |id, edited| bench.bus.replay(Queue::Inbox, id, edited);
    assert!(matches!(replay(one, None).await, Err(BusError::Refused { from: "leased", .. })));
    for id in [one, two] {
        bench.bus.checkpoint(id, epoch, json!("half")).await.unwrap();
        bench.bus.fail(id, epoch, "bad").await.unwrap();
    }
    replay(one, None).await.unwrap();
    replay(two, Some(json!({"text": "better"}))).await.unwrap();
    let rows = bench.bus.lease_next(epoch, 10).await.unwrap();
    assert_eq!(ids(&rows), [one, two]);
    assert_eq!((rows[0].attempts, rows[0].checkpoint.clone()), (1, Some(json!("half"))));
    assert_eq!(
        (rows[1].payload.clone(), rows[1].checkpoint.clone()),
        (json!({"text": "better"}), None)
    );
    bench.bus.fail(one, epoch, "bad again").await.unwrap();
    bench.bus.drop_row(Queue::Inbox, one).await.unwrap();
    assert_eq!(bench.inbox(one).await.state, InboxState::Dropped);
    assert!(matches!(replay(one, None).await, Err(BusError::Refused { from: "dropped", .. })));
    assert!(matches!(replay(999, None).await, Err(BusError::NoSuchRow { id: 999, .. })));
}

#[tokio::test]
async fn a_replayed_letter_goes_next_but_not_beside_a_running_turn() {
    let (bench, epoch) = Bench::owned().await;
    let old = bench.accept("m1", "a").await;
    bench.lease(epoch).await;
    bench.bus.fail(old, epoch, "bad").await.unwrap();
    let (running, later) = (bench.accept("m2", "a").await, bench.accept("m3", "a").await);
    assert_eq!(bench.lease(epoch).await, [running]);
    bench.bus.replay(Queue::Inbox, old, None).await.unwrap();
    assert_eq!(bench.lease(epoch).await, [0_i64; 0]);
    bench.bus.finish(running, epoch, Finish::default()).await.unwrap();
    assert_eq!(bench.lease(epoch).await, [old]);
    bench.bus.finish(old, epoch, Finish::default()).await.unwrap();
    assert_eq!(bench.lease(epoch).await, [later]);
}

#[tokio::test]
async fn a_platform_at_its_bound_is_refused_and_the_others_are_not() {
    let settings = BusSettings { max_pending: 2, ..BusSettings::default() };
    let bench = Bench::new(settings).await;
    let (epoch, _) = bench.bus.take_over().await.unwrap();
    let first = bench.accept("m1", "a").await;
    bench.accept("m2", "b").await;
    assert_eq!(bench.bus.accept(message("m3", "c")).await.unwrap(), Accepted::Full);
    let mut other = message("m3", "c");
    other.platform_id = "other".into();
    assert!(matches!(bench.bus.accept(other).await.unwrap(), Accepted::New(_)));
    assert_eq!(bench.bus.accept(message("m1", "a")).await.unwrap(), Accepted::Duplicate(first));
    bench.lease(epoch).await;
    bench.bus.finish(first, epoch, Finish::default()).await.unwrap();
    bench.accept("m3", "c").await;
}

#[tokio::test]
async fn a_full_outbox_holds_up_the_turns_of_its_platform() {
    let settings = BusSettings { max_unsent: 1, ..BusSettings::default() };
    let bench = Bench::new(settings).await;
    let (epoch, _) = bench.bus.take_over().await.unwrap();
    let (one, two) = (bench.accept("m1", "a").await, bench.accept("m2", "b").await);
    assert_eq!(ids(&bench.bus.lease_next(epoch, 1).await.unwrap()), [one]);
    let made = bench.bus.finish(one, epoch, answers(vec![answer("1", "x", true)])).await.unwrap();
    assert_eq!(bench.lease(epoch).await, [0_i64; 0]);
    let refused = bench.bus.enqueue(vec![answer("2", "y", true)]).await.unwrap();
    assert_eq!(refused, Enqueued::Full);
    assert_eq!(bench.lease_outbox(epoch).await, made.outbox);
    bench.bus.sent(made.outbox[0], epoch, None).await.unwrap();
    assert_eq!(bench.lease(epoch).await, [two]);
}

#[tokio::test]
async fn a_session_is_sent_to_in_order_whatever_becomes_of_each_message() {
    let (bench, epoch) = Bench::owned().await;
    let messages = (0..5).map(|n| answer("1", &n.to_string(), false)).collect();
    let Enqueued::Rows(rows) = bench.bus.enqueue(messages).await.unwrap() else {
        panic!("it is not full");
    };
    let bus = &bench.bus;
    assert_eq!(bench.lease_outbox(epoch).await, rows[..1]);
    bus.sent(rows[0], epoch, Some(json!({"message_id": 7}))).await.unwrap();
    assert_eq!(bench.lease_outbox(epoch).await, rows[1..2]);
    bus.uncertain(rows[1], epoch, "no answer").await.unwrap();
    assert_eq!(bench.lease_outbox(epoch).await, rows[2..3]);
    bus.undeliverable(rows[2], epoch, "blocked").await.unwrap();
    assert_eq!(bench.lease_outbox(epoch).await, rows[3..4]);
    bus.put_back_unsent(rows[3], epoch, None).await.unwrap();
    assert_eq!(bench.lease_outbox(epoch).await, rows[3..4]);
    let named = bench.bus.clock.now() + 60_000;
    let deferred = bus.retry(rows[3], epoch, "slow down", Some(named)).await.unwrap();
    assert_eq!(deferred, Deferred::Retry { at: named });
    assert_eq!(bench.lease_outbox(epoch).await, [0_i64; 0]);
    bench.advance(60_000);
    assert_eq!(bench.lease_outbox(epoch).await, rows[3..4]);
    assert_eq!(bench.outbox(rows[0]).await.receipt, Some(json!({"message_id": 7})));
    bus.confirm_sent(rows[1]).await.unwrap();
    assert_eq!(bench.outbox(rows[1]).await.state, OutboxState::Sent);
    let again = bus.confirm_sent(rows[1]).await;
    assert!(matches!(again, Err(BusError::Refused { .. })), "{again:?}");
    bus.replay(Queue::Outbox, rows[2], Some(json!("edited"))).await.unwrap();
    assert_eq!(bench.outbox(rows[2]).await.payload, json!("edited"));
}

#[tokio::test]
async fn a_message_that_cannot_be_sent_dies_after_its_attempts() {
    let (bench, epoch) = Bench::owned().await;
    bench.bus.enqueue(vec![answer("1", "x", true)]).await.unwrap();
    let mut attempts = 0;
    loop {
        let [id] = bench.lease_outbox(epoch).await[..] else { panic!("one is due") };
        attempts += 1;
        match bench.bus.retry(id, epoch, "down", None).await.unwrap() {
            Deferred::Retry { at } => bench.advance(at - bench.bus.clock.now()),
            Deferred::Dead => break,
        }
    }
    assert_eq!(attempts, BusSettings::default().max_send_attempts);
    assert_eq!(bench.bus.outbox_in(OutboxState::Dead, FIRST).await.unwrap().len(), 1);
}

#[tokio::test]
async fn depths_count_what_is_unfinished_and_put_aside() {
    let (bench, epoch) = Bench::owned().await;
    let id = bench.accept("m1", "a").await;
    bench.accept("m2", "a").await;
    bench.lease(epoch).await;
    bench.bus.finish(id, epoch, answers(vec![answer("1", "x", false)])).await.unwrap();
    let [out] = bench.lease_outbox(epoch).await[..] else { panic!("one is due") };
    bench.bus.uncertain(out, epoch, "?").await.unwrap();
    let depths = bench.bus.depths().await.unwrap();
    let depths: Vec<_> = depths.iter().map(|d| (d.queue, d.state.as_str(), d.count)).collect();
    assert_eq!(depths, [(Queue::Inbox, "pending", 1), (Queue::Outbox, "uncertain", 1)]);
}

#[tokio::test]
async fn what_is_finished_is_purged_in_batches_and_duplicates_are_known_for_longer() {
    const HOUR: i64 = 3_600_000;
    let settings = BusSettings { purge_batch: 2, ..BusSettings::default() };
    let bench = Bench::new(settings).await;
    let (epoch, _) = bench.bus.take_over().await.unwrap();
    for n in 0..3 {
        let id = bench.accept(&format!("m{n}"), "a").await;
        bench.lease(epoch).await;
        let made =
            bench.bus.finish(id, epoch, answers(vec![answer("1", "x", true)])).await.unwrap();
        bench.lease_outbox(epoch).await;
        bench.bus.sent(made.outbox[0], epoch, None).await.unwrap();
    }
    let dead = bench.accept("dead", "a").await;
    bench.lease(epoch).await;
    bench.bus.fail(dead, epoch, "bad").await.unwrap();
    bench.advance(23 * HOUR);
    assert!(bench.bus.purge().await.unwrap().is_empty());
    bench.advance(2 * HOUR);
    let purged = bench.bus.purge().await.unwrap();
    assert_eq!(purged, Purged { inbox: 2, outbox: 2, keys: 0 });
    let purged = bench.bus.purge().await.unwrap();
    assert_eq!(purged, Purged { inbox: 1, outbox: 1, keys: 0 });
    let late = bench.bus.accept(message("m0", "a")).await.unwrap();
    assert!(matches!(late, Accepted::Duplicate(_)));
    bench.advance(7 * 24 * HOUR);
    assert_eq!(bench.bus.purge().await.unwrap().keys, 2);
    assert_eq!(bench.bus.purge().await.unwrap().keys, 1);
    // The dead letter is still there, and so is the memory of it.
    let dead_again = bench.bus.accept(message("dead", "a")).await.unwrap();
    assert_eq!(dead_again, Accepted::Duplicate(dead));
}

#[tokio::test]
async fn deleting_a_chat_drops_what_waits_in_it() {
    let (bench, epoch) = Bench::owned().await;
    let running = bench.accept("m1", "a").await;
    bench.accept("m2", "a").await;
    let other = bench.accept("m3", "b").await;
    assert_eq!(bench.lease(epoch).await, [running, other]);
    assert_eq!(bench.bus.drop_conversation("a").await.unwrap(), 1);
    assert_eq!(ids(&bench.bus.unfinished("a").await.unwrap()), [running]);
    bench.bus.finish(running, epoch, Finish::default()).await.unwrap();
    assert_eq!(bench.lease(epoch).await, [0_i64; 0]);
}

#[tokio::test]
async fn a_payload_that_cannot_be_read_holds_up_no_row_that_is_leased_with_it() {
    let (bench, epoch) = Bench::owned().await;
    let broken = bench.accept("m1", "a").await;
    bench.accept("m2", "b").await;
    let spoil = move |connection: &rusqlite::Connection| {
        connection.execute("UPDATE inbox SET payload = '{' WHERE id = ?", [broken])?;
        Ok(())
    };
    bench.bus.change(&[], spoil).await.unwrap();
    let rows = bench.bus.lease_next(epoch, 10).await.unwrap();
    assert_eq!((rows.len(), &rows[0].payload), (2, &json!("{")));
}
