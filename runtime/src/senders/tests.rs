//! The sender against a real outbox and an adapter that does as it is told.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use firstlight_core::bus::{Bus, BusSettings, Enqueued, Epoch, NewOutbox, OutboxRow, OutboxState};
use firstlight_core::db::Database;
use firstlight_core::lifecycle::BoxError;
use firstlight_core::model::{Component, MessageChain, Outgoing};
use parking_lot::Mutex;
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::Sender;
use crate::platforms::{Adapter, AdapterContext, Capabilities, Delivery};

const PATIENCE: Duration = Duration::from_secs(20);

/// What the adapter does with the next piece.
enum Told {
    Sends,
    Says(Delivery),
    Panics,
    /// Sends once the gate is opened.
    Waits,
}

struct Fake {
    told: Mutex<VecDeque<Told>>,
    tried: Mutex<Vec<(String, String, Instant)>>,
    changed: watch::Sender<usize>,
    gate: Semaphore,
    online: watch::Sender<bool>,
    resend_safe: bool,
}

#[async_trait]
impl Adapter for Fake {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            kind: "fake",
            display_name: "Fake",
            streams: false,
            sends_unasked: true,
            resend_safe: self.resend_safe,
            concurrent_sends: 4,
        }
    }

    async fn run(self: Arc<Self>, _context: AdapterContext) -> Result<(), BoxError> {
        Ok(())
    }

    /// Each component is a piece.
    fn pieces(&self, message: Outgoing) -> Vec<Outgoing> {
        let piece = |component: &Component| {
            let message = MessageChain { chain: vec![component.clone()], ..Default::default() };
            Outgoing::new("qq:GroupMessage:1".parse().unwrap(), message)
        };
        message.message.chain.iter().map(piece).collect()
    }

    async fn deliver(&self, message: &Outgoing, key: &str) -> Delivery {
        let said = message.message.plain_text();
        self.tried.lock().push((said, key.to_owned(), Instant::now()));
        self.changed.send_modify(|count| *count += 1);
        let told = self.told.lock().pop_front().unwrap_or(Told::Sends);
        match told {
            Told::Says(delivery) => return delivery,
            Told::Panics => panic!("as told"),
            Told::Waits => self.gate.acquire().await.unwrap().forget(),
            Told::Sends => {}
        }
        Delivery::Sent { receipt: None }
    }

    async fn online(&self) {
        let _ = self.online.subscribe().wait_for(|online| *online).await;
    }
}

struct World {
    bus: Bus,
    epoch: Epoch,
    fake: Arc<Fake>,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
    _folder: TempDir,
}

impl World {
    async fn new(told: Vec<Told>, resend_safe: bool) -> Self {
        let folder = TempDir::new().unwrap();
        let database = Database::open(&folder.path().join("test.db")).await.unwrap();
        let quick = Duration::from_millis(1);
        let settings =
            BusSettings { backoff: quick, max_backoff: quick * 4, ..BusSettings::default() };
        let bus = Bus::new(database, settings);
        let (epoch, _) = bus.take_over().await.unwrap();
        let fake = Arc::new(Fake {
            told: Mutex::new(told.into()),
            tried: Mutex::default(),
            changed: watch::Sender::new(0),
            gate: Semaphore::new(0),
            online: watch::Sender::new(true),
            resend_safe,
        });
        let stop = CancellationToken::new();
        Self { bus, epoch, fake, stop, task: None, _folder: folder }
    }

    /// A world whose sender runs.
    async fn running(told: Vec<Told>) -> Self {
        let mut world = Self::new(told, false).await;
        world.start();
        world
    }

    #[expect(clippy::disallowed_methods, reason = "the test awaits it")]
    fn start(&mut self) {
        let adapter: Arc<dyn Adapter> = self.fake.clone();
        let sender = Sender::new(self.bus.clone(), self.epoch, "qq", adapter);
        self.task = Some(tokio::spawn(sender.run(self.stop.clone())));
    }

    async fn queue(&self, session: &str, message: &Outgoing) -> i64 {
        let rows = self.bus.enqueue(vec![NewOutbox {
            platform_id: "qq".into(),
            session_key: session.into(),
            payload: json!(message),
            resend_safe: self.fake.resend_safe,
            idempotency_key: None,
        }]);
        match rows.await.unwrap() {
            Enqueued::Rows(rows) => rows[0],
            Enqueued::Full => panic!("full"),
        }
    }

    async fn say(&self, session: &str, text: &str) -> i64 {
        self.queue(session, &outgoing(&[text], 0)).await
    }

    async fn row(&self, id: i64) -> OutboxRow {
        self.bus.outbox_row(id).await.unwrap().unwrap()
    }

    async fn becomes(&self, id: i64, wanted: OutboxState) -> OutboxRow {
        let found = async {
            loop {
                let row = self.row(id).await;
                if row.state == wanted {
                    return row;
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        let Ok(row) = timeout(PATIENCE, found).await else {
            panic!("never {wanted:?}: {:?}", self.row(id).await)
        };
        row
    }

    async fn tried(&self, count: usize) -> Vec<String> {
        let mut changed = self.fake.changed.subscribe();
        timeout(PATIENCE, changed.wait_for(|tries| *tries >= count)).await.unwrap().unwrap();
        self.fake.tried.lock().iter().map(|(said, _, _)| said.clone()).collect()
    }

    async fn end(&mut self) {
        self.stop.cancel();
        timeout(PATIENCE, self.task.take().unwrap()).await.unwrap().unwrap();
    }
}

fn outgoing(texts: &[&str], pause_ms: u32) -> Outgoing {
    let chain = texts.iter().map(|text| Component::text(*text)).collect();
    let message = MessageChain { chain, ..MessageChain::default() };
    let session = "qq:GroupMessage:1".parse().unwrap();
    Outgoing { pause_ms, ..Outgoing::new(session, message) }
}

fn later(not_before: Option<i64>) -> Told {
    Told::Says(Delivery::Later { error: "busy".into(), not_before })
}

#[tokio::test]
async fn a_session_is_sent_in_order_and_does_not_hold_up_another() {
    let world = World::running(vec![Told::Waits]).await;
    let first = world.say("a", "a1").await;
    world.tried(1).await;
    let second = world.say("a", "a2").await;
    let other = world.say("b", "b1").await;
    world.becomes(other, OutboxState::Sent).await;
    assert_eq!(world.row(second).await.state, OutboxState::Pending);
    world.fake.gate.add_permits(1);
    world.becomes(second, OutboxState::Sent).await;
    world.becomes(first, OutboxState::Sent).await;
    assert_eq!(world.tried(3).await, ["a1", "b1", "a2"]);
}

#[tokio::test]
async fn each_outcome_leads_where_it_belongs() {
    let refused = Told::Says(Delivery::Refused { error: "no".into() });
    let unknown = Told::Says(Delivery::Unknown { error: "silence".into() });
    let world =
        World::running(vec![later(None), Told::Sends, refused, unknown, Told::Panics]).await;
    let id = world.say("a", "1").await;
    assert_eq!(world.becomes(id, OutboxState::Sent).await.attempts, 2);
    let id = world.say("a", "2").await;
    assert_eq!(world.becomes(id, OutboxState::Dead).await.error.as_deref(), Some("no"));
    let id = world.say("a", "3").await;
    let row = world.becomes(id, OutboxState::Uncertain).await;
    assert_eq!(row.error.as_deref(), Some("silence"));
    let id = world.say("a", "4").await;
    let row = world.becomes(id, OutboxState::Uncertain).await;
    assert!(row.error.unwrap().contains("panicked"));
}

#[tokio::test]
async fn a_wait_that_the_platform_names_is_kept() {
    let at = jiff::Timestamp::now().as_millisecond() + 700;
    let world = World::running(vec![later(Some(at))]).await;
    let id = world.say("a", "1").await;
    world.becomes(id, OutboxState::Sent).await;
    assert!(jiff::Timestamp::now().as_millisecond() >= at);
}

#[tokio::test]
async fn without_a_connection_nothing_is_tried_and_no_attempt_is_counted() {
    let mut world = World::new(vec![Told::Says(Delivery::Offline)], false).await;
    world.fake.online.send_replace(false);
    world.start();
    let id = world.say("a", "1").await;
    let second = world.say("b", "2").await;
    world.fake.online.send_replace(true);
    // The first try finds the connection gone again, which costs nothing either.
    assert_eq!(world.becomes(id, OutboxState::Sent).await.attempts, 1);
    assert_eq!(world.becomes(second, OutboxState::Sent).await.attempts, 1);
}

#[tokio::test]
async fn what_may_have_been_sent_is_sent_again_only_where_that_is_safe() {
    let unknown = || Told::Says(Delivery::Unknown { error: "silence".into() });
    let mut world = World::new(vec![unknown()], true).await;
    world.start();
    let id = world.say("a", "1").await;
    assert_eq!(world.becomes(id, OutboxState::Sent).await.attempts, 2);
    let keys: Vec<_> = world.fake.tried.lock().iter().map(|(_, key, _)| key.clone()).collect();
    assert_eq!(keys[0], keys[1]);
}

#[tokio::test]
async fn pieces_that_were_sent_are_not_sent_again() {
    let world = World::running(vec![Told::Sends, later(None)]).await;
    let id = world.queue("a", &outgoing(&["one", "two", "three"], 0)).await;
    world.becomes(id, OutboxState::Sent).await;
    assert_eq!(world.tried(4).await, ["one", "two", "two", "three"]);
    let keys: Vec<_> = world.fake.tried.lock().iter().map(|(_, key, _)| key.clone()).collect();
    assert_eq!(keys[1], keys[2]);
    assert!(keys[0] != keys[1] && keys[2] != keys[3]);
}

#[tokio::test]
async fn a_pause_between_two_messages_of_a_session_is_kept() {
    let world = World::running(Vec::new()).await;
    world.say("a", "first").await;
    let second = world.queue("a", &outgoing(&["second"], 600)).await;
    world.becomes(second, OutboxState::Sent).await;
    let tried = world.fake.tried.lock();
    assert_eq!(tried.len(), 2);
    assert!(tried[1].2 - tried[0].2 >= Duration::from_millis(590));
}

#[tokio::test]
async fn pauses_hold_up_no_other_session_however_many_there_are() {
    let world = World::running(Vec::new()).await;
    let mut paused = Vec::new();
    // More than may be on their way at once.
    for session in ["a", "b", "c", "d", "e"] {
        world.say(session, "first").await;
        paused.push(world.queue(session, &outgoing(&["much later"], 60_000)).await);
    }
    let other = world.say("f", "other").await;
    world.becomes(other, OutboxState::Sent).await;
    for id in paused {
        assert_ne!(world.row(id).await.state, OutboxState::Sent);
    }
}

#[tokio::test]
async fn a_stop_waits_for_what_is_on_its_way_and_begins_nothing() {
    let mut world = World::running(vec![Told::Waits]).await;
    let first = world.say("a", "1").await;
    world.tried(1).await;
    world.stop.cancel();
    let second = world.say("a", "2").await;
    world.fake.gate.add_permits(1);
    world.end().await;
    assert_eq!(world.row(first).await.state, OutboxState::Sent);
    assert_eq!(world.row(second).await.state, OutboxState::Pending);
}

#[tokio::test]
async fn a_stop_that_waits_in_vain_marks_what_may_have_been_sent() {
    let mut world = World::running(vec![Told::Waits]).await;
    let id = world.say("a", "1").await;
    world.tried(1).await;
    world.end().await;
    let row = world.row(id).await;
    assert_eq!(row.state, OutboxState::Uncertain);
    assert!(row.error.unwrap().contains("stopped"));
}

#[tokio::test]
async fn what_cannot_be_read_is_a_dead_letter_and_does_not_come_back() {
    let world = World::running(Vec::new()).await;
    let rows = world.bus.enqueue(vec![NewOutbox {
        platform_id: "qq".into(),
        session_key: "a".into(),
        payload: json!({ "message": 7 }),
        resend_safe: false,
        idempotency_key: None,
    }]);
    let Enqueued::Rows(rows) = rows.await.unwrap() else { panic!("full") };
    let row = world.becomes(rows[0], OutboxState::Dead).await;
    assert!(row.error.unwrap().contains("cannot be read"));
    let next = world.say("a", "next").await;
    world.becomes(next, OutboxState::Sent).await;
    assert_eq!(world.tried(1).await, ["next"]);
}
