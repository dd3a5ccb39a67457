//! Many messages at once: the steps share statements, and each message has its own outcome.

use futures_util::future::join_all;
use serde_json::json;

use super::bench::{Bench, answer, answers, message};
use crate::bus::{Accepted, BusError, BusSettings, Finish, InboxState, OutboxState, Turn};
use crate::db::{NewConversation, NewMessage};

const MANY: usize = 150;

#[tokio::test]
async fn many_messages_of_few_conversations_are_answered_once_and_in_order() {
    let (bench, epoch) = Bench::owned().await;
    let bus = &bench.bus;
    let names: Vec<String> = (0..MANY).map(|n| format!("m{n}")).collect();
    let offers = names.iter().enumerate().map(|(n, name)| {
        let conversation = format!("c{}", n % 7);
        async move { bus.accept(message(name, &conversation)).await.unwrap() }
    });
    let accepted = join_all(offers).await;
    let mut ids: Vec<i64> = accepted
        .into_iter()
        .map(|one| if let Accepted::New(id) = one { id } else { panic!("{one:?}") })
        .collect();
    ids.sort_unstable();
    let mut answered = Vec::new();
    while answered.len() < MANY {
        let rows = bus.lease_next(epoch, 100).await.unwrap();
        assert!(!rows.is_empty() && rows.len() <= 7);
        let ends = rows.iter().map(|row| {
            let said = vec![answer(&row.conversation_key, "one", true); 2];
            bus.finish(row.id, epoch, answers(said))
        });
        for (row, finished) in rows.iter().zip(join_all(ends).await) {
            let made = finished.unwrap().outbox;
            assert_eq!(bus.answers_to(row.id).await.unwrap().len(), 2);
            assert!(made[0] < made[1], "in the order they were given");
        }
        for _ in 0..2 {
            let rows = bench.lease_outbox(epoch).await;
            let sent = rows.iter().map(|id| bus.sent(*id, epoch, Some(json!({ "id": id }))));
            assert!(join_all(sent).await.into_iter().all(|sent| sent.is_ok()));
            for id in rows {
                let row = bench.outbox(id).await;
                assert_eq!((row.state, row.receipt), (OutboxState::Sent, Some(json!({"id": id}))));
            }
        }
        answered.extend(rows.iter().map(|row| row.id));
    }
    answered.sort_unstable();
    assert_eq!(answered, ids);
}

#[tokio::test]
async fn the_same_message_offered_many_times_at_once_is_one() {
    let settings = BusSettings { max_pending: 2, ..BusSettings::default() };
    let bench = Bench::new(settings).await;
    let offers =
        ["m1", "m1", "m2", "m3", "m1", "m2"].map(|name| bench.bus.accept(message(name, "a")));
    let outcomes: Vec<Accepted> =
        join_all(offers).await.into_iter().map(|outcome| outcome.unwrap()).collect();
    let [Accepted::New(one), again, Accepted::New(two), Accepted::Full, third, twice] =
        outcomes[..]
    else {
        panic!("{outcomes:?}")
    };
    assert_eq!((again, third), (Accepted::Duplicate(one), Accepted::Duplicate(one)));
    assert_eq!(twice, Accepted::Duplicate(two));
}

#[tokio::test]
async fn ends_that_come_twice_or_too_late_fail_alone() {
    let (bench, epoch) = Bench::owned().await;
    let bus = &bench.bus;
    for name in ["m1", "m2", "m3"] {
        bench.accept(name, name).await;
    }
    let rows = bench.lease(epoch).await;
    bus.put_back(rows[2], epoch).await.unwrap();
    let end = |id| bus.finish(id, epoch, answers(vec![answer("s", "x", true)]));
    let (one, again, two, late, unknown) =
        tokio::join!(end(rows[0]), end(rows[0]), end(rows[1]), end(rows[2]), end(999));
    assert!(one.is_ok() && two.is_ok());
    assert!(matches!(again, Err(BusError::LeaseLost { .. })), "{again:?}");
    assert!(matches!(late, Err(BusError::LeaseLost { .. })), "{late:?}");
    assert!(matches!(unknown, Err(BusError::NoSuchRow { id: 999, .. })), "{unknown:?}");
    assert_eq!(bench.inbox(rows[2]).await.state, InboxState::Pending);
    let [first] = bench.lease_outbox(epoch).await[..] else { panic!("one session") };
    let (sent, again) = tokio::join!(bus.sent(first, epoch, None), bus.sent(first, epoch, None));
    assert!(sent.is_ok() && matches!(again, Err(BusError::LeaseLost { .. })));
}

#[tokio::test]
async fn turns_that_end_together_add_to_their_own_conversations() {
    let (bench, epoch) = Bench::owned().await;
    let conversations = bench.bus.database.conversations();
    let mut ids = Vec::new();
    for number in 0..3 {
        let umo = format!("web:f:{number}");
        let new = NewConversation { platform_id: "web".into(), umo, title: None, persona_id: None };
        ids.push(conversations.create(new).await.unwrap().conversation_id);
        bench.accept(&format!("m{number}"), &format!("c{number}")).await;
    }
    ids[1] = "deleted meanwhile".into();
    let rows = bench.lease(epoch).await;
    let ends = rows.iter().zip(&ids).map(|(row, id)| {
        let said =
            |text: String| NewMessage { role: "user".into(), content: json!(text), tokens: 5 };
        let messages = vec![said(format!("{row} a")), said(format!("{row} b"))];
        let turn = Some(Turn { conversation_id: id.clone(), messages });
        bench.bus.finish(*row, epoch, Finish { turn, ..Finish::default() })
    });
    assert!(join_all(ends).await.into_iter().all(|end| end.is_ok()));
    for (row, id) in rows.iter().zip(&ids).filter(|(_, id)| *id != "deleted meanwhile") {
        let window = conversations.window(id, 1_000).await.unwrap();
        let said: Vec<_> = window.into_iter().map(|message| message.content).collect();
        assert_eq!(said, [json!(format!("{row} a")), json!(format!("{row} b"))]);
        assert_eq!(conversations.by_id(id).await.unwrap().unwrap().token_usage, 10);
    }
}

#[tokio::test]
async fn once_a_message_finds_no_room_those_behind_it_find_none_either() {
    let settings = BusSettings { max_pending: 2, ..BusSettings::default() };
    let bench = Bench::new(settings).await;
    let known = bench.accept("m1", "a").await;
    let batch = ["m1", "m2", "m3", "m1"].map(|name| message(name, "a")).to_vec();
    let lone = bench.bus.accept(message("m1", "a"));
    let (batch, lone) = tokio::join!(bench.bus.accept_all(batch), lone);
    let batch = batch.unwrap();
    assert!(matches!(
        batch[..],
        [Accepted::Duplicate(first), Accepted::New(_), Accepted::Full, Accepted::Full]
            if first == known
    ));
    assert_eq!(lone.unwrap(), Accepted::Duplicate(known));
}
