//! A bus in a folder of its own, and what the tests put into it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::json;
use tempfile::TempDir;

use crate::bus::{
    Accepted, Bus, BusSettings, Clock, Epoch, Finish, InboxRow, NewInbox, NewOutbox, OutboxRow,
};
use crate::db::Database;

/// A bus in a folder of its own, with a clock that stands still unless it is moved.
pub(super) struct Bench {
    pub(super) folder: TempDir,
    pub(super) bus: Bus,
    pub(super) time: Arc<AtomicI64>,
}

impl Bench {
    pub(super) async fn new(settings: BusSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("firstlight.db")).await.unwrap();
        let time = Arc::new(AtomicI64::new(1_000_000));
        let bus = Bus::with_clock(database, settings, reading(&time));
        Self { folder, bus, time }
    }

    pub(super) async fn owned() -> (Self, Epoch) {
        let bench = Self::new(BusSettings::default()).await;
        let (epoch, _) = bench.bus.take_over().await.unwrap();
        (bench, epoch)
    }

    pub(super) fn advance(&self, millis: i64) {
        self.time.fetch_add(millis, Ordering::SeqCst);
    }

    pub(super) async fn accept(&self, name: &str, conversation: &str) -> i64 {
        match self.bus.accept(message(name, conversation)).await.unwrap() {
            Accepted::New(id) => id,
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn lease(&self, epoch: Epoch) -> Vec<i64> {
        ids(&self.bus.lease_next(epoch, 100).await.unwrap())
    }

    pub(super) async fn lease_outbox(&self, epoch: Epoch) -> Vec<i64> {
        let rows = self.bus.lease_outbox(epoch, "web", 100).await.unwrap();
        rows.iter().map(|row| row.id).collect()
    }

    pub(super) async fn outbox(&self, id: i64) -> OutboxRow {
        self.bus.outbox_row(id).await.unwrap().unwrap()
    }

    pub(super) async fn inbox(&self, id: i64) -> InboxRow {
        self.bus.inbox_row(id).await.unwrap().unwrap()
    }
}

pub(super) fn reading(time: &Arc<AtomicI64>) -> Clock {
    let time = time.clone();
    Clock::new(move || time.load(Ordering::SeqCst))
}

pub(super) fn ids(rows: &[InboxRow]) -> Vec<i64> {
    rows.iter().map(|row| row.id).collect()
}

pub(super) fn message(name: &str, conversation: &str) -> NewInbox {
    NewInbox {
        platform_id: "web".into(),
        platform_message_id: name.into(),
        conversation_key: conversation.into(),
        payload: json!({"text": name}),
        received_at: 5,
    }
}

pub(super) fn answer(session: &str, text: &str, resend_safe: bool) -> NewOutbox {
    NewOutbox {
        platform_id: "web".into(),
        session_key: session.into(),
        payload: json!({"text": text}),
        resend_safe,
        idempotency_key: None,
    }
}

pub(super) fn answers(outbox: Vec<NewOutbox>) -> Finish {
    Finish { outbox, ..Finish::default() }
}
