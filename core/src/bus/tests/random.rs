//! Any history of steps and crashes keeps the promises of the bus.
//!
//! After every step the whole of both queues is read and compared with what it was before: rows
//! only move along the table of states, and what was answered as done is done. A crash is a copy of
//! the files as they are at that moment, with a step under way or without.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use proptest::prelude::*;
use serde_json::json;

use super::bench::{Bench, answer, answers, message, reading};
use crate::bus::{
    Accepted, Bus, BusError, BusSettings, Enqueued, Epoch, InboxState, OutboxState, Queue,
};
use crate::db::Database;

const HOUR: i64 = 3_600_000;
const CONVERSATIONS: u8 = 3;

#[derive(Debug, Clone)]
enum Op {
    Accept { name: u8, conversation: u8 },
    Lease { limit: u32 },
    Finish(u8),
    Defer(u8),
    Fail(u8),
    PutBack(u8),
    Checkpoint(u8),
    Release,
    TakeOver,
    Enqueue { session: u8 },
    LeaseOutbox { limit: u32 },
    Sent(u8),
    Uncertain(u8),
    Retry(u8),
    Undeliverable(u8),
    PutBackUnsent(u8),
    Confirm(u8),
    Replay(Queue, u8),
    Drop(Queue, u8),
    DropConversation(u8),
    Purge,
}

#[derive(Debug, Clone)]
enum Event {
    Op(Op),
    Advance { millis: i64 },
    Crash { under_way: Option<Op>, turns: u8 },
}

fn any_op() -> impl Strategy<Value = Op> {
    let row = 0_u8..64;
    let queue = || prop_oneof![Just(Queue::Inbox), Just(Queue::Outbox)];
    prop_oneof![
        8 => (0_u8..20, 0..CONVERSATIONS)
            .prop_map(|(name, conversation)| Op::Accept { name, conversation }),
        6 => (1_u32..4).prop_map(|limit| Op::Lease { limit }),
        6 => row.clone().prop_map(Op::Finish),
        2 => row.clone().prop_map(Op::Defer),
        2 => row.clone().prop_map(Op::Fail),
        1 => row.clone().prop_map(Op::PutBack),
        1 => row.clone().prop_map(Op::Checkpoint),
        1 => Just(Op::Release),
        1 => Just(Op::TakeOver),
        1 => (0..CONVERSATIONS).prop_map(|session| Op::Enqueue { session }),
        5 => (1_u32..4).prop_map(|limit| Op::LeaseOutbox { limit }),
        4 => row.clone().prop_map(Op::Sent),
        1 => row.clone().prop_map(Op::Uncertain),
        1 => row.clone().prop_map(Op::Retry),
        1 => row.clone().prop_map(Op::Undeliverable),
        1 => row.clone().prop_map(Op::PutBackUnsent),
        1 => row.clone().prop_map(Op::Confirm),
        2 => (queue(), row.clone()).prop_map(|(queue, row)| Op::Replay(queue, row)),
        1 => (queue(), row).prop_map(|(queue, row)| Op::Drop(queue, row)),
        1 => (0..CONVERSATIONS).prop_map(Op::DropConversation),
        1 => Just(Op::Purge),
    ]
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        14 => any_op().prop_map(Event::Op),
        2 => prop_oneof![0_i64..5_000, 0..40 * HOUR].prop_map(|millis| Event::Advance { millis }),
        2 => (proptest::option::of(any_op()), 0_u8..12)
            .prop_map(|(under_way, turns)| Event::Crash { under_way, turns }),
    ]
}

/// A row, as far as the promises go.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
struct Seen<S> {
    id: i64,
    key: String,
    state: S,
    head: bool,
}

/// Both queues.
#[derive(Debug, Clone, Default, PartialEq)]
struct Snapshot {
    inbox: BTreeMap<i64, Seen<InboxState>>,
    outbox: BTreeMap<i64, Seen<OutboxState>>,
    /// What the bounds go by.
    depths: BTreeMap<String, i64>,
}

impl Snapshot {
    async fn read(bus: &Bus) -> Self {
        let inbox: Vec<Seen<InboxState>> =
            sqlx::query_as("SELECT id, conversation_key AS key, state, head FROM inbox")
                .fetch_all(bus.database.readers())
                .await
                .unwrap();
        let outbox: Vec<Seen<OutboxState>> =
            sqlx::query_as("SELECT id, session_key AS key, state, head FROM outbox")
                .fetch_all(bus.database.readers())
                .await
                .unwrap();
        let depths: Vec<(String, i64)> = sqlx::query_as("SELECT queue, unfinished FROM bus_depths")
            .fetch_all(bus.database.readers())
            .await
            .unwrap();
        Self {
            depths: depths.into_iter().collect(),
            inbox: inbox.into_iter().map(|row| (row.id, row)).collect(),
            outbox: outbox.into_iter().map(|row| (row.id, row)).collect(),
        }
    }

    fn inbox_state(&self, id: i64) -> Option<InboxState> {
        self.inbox.get(&id).map(|row| row.state)
    }

    fn outbox_state(&self, id: i64) -> Option<OutboxState> {
        self.outbox.get(&id).map(|row| row.state)
    }

    /// Each conversation that has something unfinished has one head; only a head is worked on.
    fn check_heads(&self) {
        let inbox = self.inbox.values().map(|row| {
            (&row.key, row.head, row.state.is_unfinished(), row.state == InboxState::Leased)
        });
        let outbox = self.outbox.values().map(|row| {
            (&row.key, row.head, row.state.is_unfinished(), row.state == OutboxState::Leased)
        });
        for (queue, rows) in [("inbox", inbox.collect::<Vec<_>>()), ("outbox", outbox.collect())] {
            let unfinished = rows.iter().filter(|row| row.2).count();
            let depth = self.depths.get(queue).copied().unwrap_or(0);
            assert_eq!(usize::try_from(depth).unwrap(), unfinished, "{queue} in {self:?}");
            let waiting: BTreeSet<_> = rows.iter().filter(|row| row.2).map(|row| row.0).collect();
            for key in waiting {
                let heads = rows.iter().filter(|row| row.0 == key && row.1).count();
                assert_eq!(heads, 1, "heads of {key} in {self:?}");
            }
            assert!(rows.iter().all(|row| !row.3 || row.1), "leased without being head: {self:?}");
        }
    }

    /// Everything is where it was or one step further, unless it was purged as finished.
    async fn check_since(&self, before: &Self, may_purge: bool, bus: &Bus) {
        for (id, row) in &before.inbox {
            match self.inbox_state(*id) {
                None => assert!(
                    may_purge && matches!(row.state, InboxState::Done | InboxState::Dropped),
                    "{row:?} was accepted and is gone"
                ),
                Some(now) => {
                    let legal = now == row.state || row.state.can_become(now);
                    assert!(legal, "{row:?} became {now:?}");
                    if now == InboxState::Done && row.state != now {
                        let answers = bus.answers_to(*id).await.unwrap().len();
                        assert_eq!(answers, answers_for(*id), "done without its answers");
                    }
                }
            }
        }
        for (id, row) in &before.outbox {
            match self.outbox_state(*id) {
                None => assert!(
                    may_purge && matches!(row.state, OutboxState::Sent | OutboxState::Dropped),
                    "{row:?} was to be sent and is gone"
                ),
                Some(now) => {
                    assert!(now == row.state || row.state.can_become(now), "{row:?}: {now:?}");
                }
            }
        }
        let new = |id: &&i64| !before.inbox.contains_key(*id);
        for id in self.inbox.keys().filter(new) {
            assert_eq!(self.inbox_state(*id), Some(InboxState::Pending));
        }
        self.check_heads();
    }
}

/// How many answers the turn of a message has, so that every done row can be checked.
fn answers_for(id: i64) -> usize {
    usize::try_from(id % 3).unwrap()
}

/// The row that a number stands for: any that is there, in whatever state.
fn pick<S>(rows: &BTreeMap<i64, S>, number: u8) -> i64 {
    rows.keys().nth(usize::from(number) % rows.len().max(1)).copied().unwrap_or(77)
}

struct World {
    bench: Bench,
    epoch: Epoch,
    seen: Snapshot,
    /// What was answered as accepted: name to number and time.
    accepted: BTreeMap<u8, (i64, i64)>,
    /// Dead letters that got another try may overtake what is running.
    replayed: BTreeSet<(bool, i64)>,
}

fn settings() -> BusSettings {
    BusSettings { max_pending: 6, max_unsent: 4, max_turn_attempts: 3, ..BusSettings::default() }
}

impl World {
    async fn new() -> Self {
        let bench = Bench::new(settings()).await;
        let (epoch, _) = bench.bus.take_over().await.unwrap();
        let seen = Snapshot::default();
        Self { bench, epoch, seen, accepted: BTreeMap::new(), replayed: BTreeSet::new() }
    }

    fn unfinished(&self) -> usize {
        self.seen.inbox.values().filter(|row| row.state.is_unfinished()).count()
    }

    fn unsent(&self) -> usize {
        self.seen.outbox.values().filter(|row| row.state.is_unfinished()).count()
    }

    /// Does a step, and checks that it is answered as the state before it demands.
    async fn apply(&mut self, op: Op) {
        let bus = self.bench.bus.clone();
        let may_purge = matches!(op, Op::Purge);
        if let Op::Replay(queue, number) = op {
            let inbox = queue == Queue::Inbox;
            let id = if inbox {
                pick(&self.seen.inbox, number)
            } else {
                pick(&self.seen.outbox, number)
            };
            self.replayed.insert((inbox, id));
        }
        let before = self.seen.clone();
        match op {
            Op::Accept { name, conversation } => self.accept(name, conversation).await,
            Op::Lease { limit } => self.lease(limit).await,
            Op::LeaseOutbox { limit } => self.lease_outbox(limit).await,
            Op::Enqueue { session } => {
                let outcome = bus.enqueue(vec![answer(&format!("c{session}"), "x", true)]).await;
                let full = outcome.unwrap() == Enqueued::Full;
                assert_eq!(full, self.unsent() >= 4);
            }
            Op::TakeOver => {
                (self.epoch, _) = bus.take_over().await.unwrap();
            }
            other => {
                let expected = allowed(&before, &other);
                let outcome = run(&bus, self.epoch, &before, other.clone()).await;
                assert_eq!(outcome.is_ok(), expected, "{other:?} was answered with {outcome:?}");
            }
        }
        self.seen = Snapshot::read(&bus).await;
        self.seen.check_since(&before, may_purge, &bus).await;
    }

    async fn accept(&mut self, name: u8, conversation: u8) {
        let at = self.bench.bus.clock.now();
        let key = format!("c{conversation}");
        let outcome = self.bench.bus.accept(message(&format!("m{name}"), &key)).await.unwrap();
        let known = self.accepted.get(&name).copied().filter(|(id, accepted_at)| {
            at - accepted_at <= 7 * 24 * HOUR || self.seen.inbox.contains_key(id)
        });
        match (known, outcome) {
            (Some((id, _)), outcome) => assert_eq!(outcome, Accepted::Duplicate(id)),
            (None, Accepted::Full) => assert!(self.unfinished() >= 6),
            (None, Accepted::New(id)) => {
                assert!(self.unfinished() < 6);
                assert!(!self.seen.inbox.contains_key(&id));
                self.accepted.insert(name, (id, at));
            }
            // Accepted by a step that a crash cut off before it was answered, or long ago.
            (None, Accepted::Duplicate(id)) => {
                self.accepted.insert(name, (id, at));
            }
        }
    }

    async fn lease(&mut self, limit: u32) {
        let rows = self.bench.bus.lease_next(self.epoch, limit).await.unwrap();
        assert!(rows.len() <= limit as usize);
        assert!(rows.is_empty() || self.unsent() < 4, "a turn began before a full outbox");
        for row in rows {
            assert_eq!(self.seen.inbox_state(row.id), Some(InboxState::Pending));
            let earlier = self.seen.inbox.range(..row.id).map(|(_, earlier)| earlier);
            for earlier in earlier.filter(|earlier| earlier.key == row.conversation_key) {
                let out_of_order =
                    earlier.state.is_unfinished() && !self.replayed.contains(&(true, earlier.id));
                assert!(!out_of_order, "{} was begun before {earlier:?}", row.id);
            }
        }
    }

    async fn lease_outbox(&mut self, limit: u32) {
        let rows = self.bench.bus.lease_outbox(self.epoch, "web", limit).await.unwrap();
        // What had become stale was put aside by the same step, and holds up nothing.
        let after = Snapshot::read(&self.bench.bus).await;
        for row in rows {
            assert_eq!(self.seen.outbox_state(row.id), Some(OutboxState::Pending));
            let earlier = after.outbox.range(..row.id).map(|(_, earlier)| earlier);
            for earlier in earlier.filter(|earlier| earlier.key == row.session_key) {
                let out_of_order =
                    earlier.state.is_unfinished() && !self.replayed.contains(&(false, earlier.id));
                assert!(!out_of_order, "{} was sent before {earlier:?}", row.id);
            }
        }
    }

    /// Goes on with a copy of the files, taken while a step may be half way through the writer.
    async fn crash(&mut self, under_way: Option<Op>, turns: u8) {
        let (bus, epoch, seen) = (self.bench.bus.clone(), self.epoch, self.seen.clone());
        let may_purge = matches!(under_way, Some(Op::Purge));
        let whole = under_way.is_none();
        let step = async move {
            match under_way {
                Some(op) => drop(run(&bus, epoch, &seen, op).await),
                None => std::future::pending().await,
            }
        };
        let mut step = Box::pin(step);
        for _ in 0..turns {
            if futures_util::poll!(&mut step).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        let folder = tempfile::tempdir().unwrap();
        for name in ["firstlight.db", "firstlight.db-wal"] {
            fs::copy(self.bench.folder.path().join(name), folder.path().join(name)).unwrap();
        }
        drop(step);
        let database = Database::open(&folder.path().join("firstlight.db")).await.unwrap();
        let time = self.bench.time.clone();
        let bus = Bus::with_clock(database, settings(), reading(&time));
        self.bench = Bench { folder, bus: bus.clone(), time };
        let after = Snapshot::read(&bus).await;
        if whole {
            assert_eq!(after, self.seen, "a crash changed what had been answered");
        }
        after.check_since(&self.seen, may_purge, &bus).await;
        self.seen = after;
        self.apply(Op::TakeOver).await;
        assert!(self.seen.inbox.values().all(|row| row.state != InboxState::Leased));
        assert!(self.seen.outbox.values().all(|row| row.state != OutboxState::Leased));
    }

    /// Works on everything until nothing is left, which must happen.
    async fn drain(&mut self) {
        for _ in 0..200 {
            if self.unfinished() + self.unsent() == 0 {
                return;
            }
            self.bench.advance(HOUR);
            self.apply(Op::Lease { limit: 10 }).await;
            self.apply(Op::LeaseOutbox { limit: 10 }).await;
            let leased = self.seen.inbox.values().filter(|row| row.state == InboxState::Leased);
            let leased: Vec<_> = leased.map(|row| row.id).collect();
            for id in leased {
                let finish = self.bench.bus.finish(id, self.epoch, answers(outbox(id)));
                finish.await.unwrap();
            }
            let leased = self.seen.outbox.values().filter(|row| row.state == OutboxState::Leased);
            for id in leased.map(|row| row.id) {
                self.bench.bus.sent(id, self.epoch, None).await.unwrap();
            }
            self.seen = Snapshot::read(&self.bench.bus).await;
        }
        panic!("something is stuck: {:?}", self.seen);
    }
}

fn outbox(id: i64) -> Vec<crate::bus::NewOutbox> {
    let session = format!("c{}", id % i64::from(CONVERSATIONS));
    (0..answers_for(id)).map(|n| answer(&session, &n.to_string(), n == 0)).collect()
}

/// Whether the step is to succeed.
fn allowed(seen: &Snapshot, op: &Op) -> bool {
    let inbox = |number| seen.inbox_state(pick(&seen.inbox, number));
    let outbox = |number| seen.outbox_state(pick(&seen.outbox, number));
    match *op {
        Op::Finish(row) | Op::Defer(row) | Op::Fail(row) | Op::PutBack(row) => {
            inbox(row) == Some(InboxState::Leased)
        }
        Op::Checkpoint(row) => inbox(row) == Some(InboxState::Leased),
        Op::Sent(row) | Op::Uncertain(row) | Op::Retry(row) | Op::Undeliverable(row) => {
            outbox(row) == Some(OutboxState::Leased)
        }
        Op::PutBackUnsent(row) => outbox(row) == Some(OutboxState::Leased),
        Op::Confirm(row) => outbox(row) == Some(OutboxState::Uncertain),
        Op::Replay(Queue::Inbox, row) => inbox(row) == Some(InboxState::Dead),
        Op::Replay(Queue::Outbox, row) => {
            matches!(outbox(row), Some(OutboxState::Dead | OutboxState::Uncertain))
        }
        Op::Drop(Queue::Inbox, row) => {
            matches!(inbox(row), Some(InboxState::Dead | InboxState::Pending))
        }
        Op::Drop(Queue::Outbox, row) => matches!(
            outbox(row),
            Some(OutboxState::Dead | OutboxState::Pending | OutboxState::Uncertain)
        ),
        _ => true,
    }
}

async fn run(bus: &Bus, epoch: Epoch, seen: &Snapshot, op: Op) -> Result<(), BusError> {
    let inbox = |number| pick(&seen.inbox, number);
    let outbox_row = |number| pick(&seen.outbox, number);
    match op {
        Op::Accept { name, conversation } => {
            bus.accept(message(&format!("m{name}"), &format!("c{conversation}"))).await.map(drop)
        }
        Op::Lease { limit } => bus.lease_next(epoch, limit).await.map(drop),
        Op::Finish(row) => {
            let id = inbox(row);
            bus.finish(id, epoch, answers(outbox(id))).await.map(drop)
        }
        Op::Defer(row) => bus.defer(inbox(row), epoch, "defer").await.map(drop),
        Op::Fail(row) => bus.fail(inbox(row), epoch, "fail").await,
        Op::PutBack(row) => bus.put_back(inbox(row), epoch).await,
        Op::Checkpoint(row) => bus.checkpoint(inbox(row), epoch, json!(row)).await,
        Op::Release => bus.release(epoch).await.map(drop),
        Op::TakeOver => bus.take_over().await.map(drop),
        Op::Enqueue { session } => {
            bus.enqueue(vec![answer(&format!("c{session}"), "x", true)]).await.map(drop)
        }
        Op::LeaseOutbox { limit } => bus.lease_outbox(epoch, "web", limit).await.map(drop),
        Op::Sent(row) => bus.sent(outbox_row(row), epoch, Some(json!(1))).await,
        Op::Uncertain(row) => bus.uncertain(outbox_row(row), epoch, "uncertain").await,
        Op::Retry(row) => bus.retry(outbox_row(row), epoch, "retry", None).await.map(drop),
        Op::Undeliverable(row) => bus.undeliverable(outbox_row(row), epoch, "refused").await,
        Op::PutBackUnsent(row) => bus.put_back_unsent(outbox_row(row), epoch, None).await,
        Op::Confirm(row) => bus.confirm_sent(outbox_row(row)).await,
        Op::Replay(Queue::Inbox, row) => bus.replay(Queue::Inbox, inbox(row), None).await,
        Op::Replay(Queue::Outbox, row) => bus.replay(Queue::Outbox, outbox_row(row), None).await,
        Op::Drop(Queue::Inbox, row) => bus.drop_row(Queue::Inbox, inbox(row)).await,
        Op::Drop(Queue::Outbox, row) => bus.drop_row(Queue::Outbox, outbox_row(row)).await,
        Op::DropConversation(number) => {
            bus.drop_conversation(&format!("c{number}")).await.map(drop)
        }
        Op::Purge => bus.purge().await.map(drop),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_history_of_steps_and_crashes_keeps_the_promises(
        events in proptest::collection::vec(any_event(), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            for event in events {
                match event {
                    Event::Op(op) => world.apply(op).await,
                    Event::Advance { millis } => world.bench.advance(millis),
                    Event::Crash { under_way, turns } => world.crash(under_way, turns).await,
                }
            }
            world.drain().await;
        });
    }
}
