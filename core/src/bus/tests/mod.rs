//! The bus against real files.

mod kill;
mod ownership;
mod steps;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::json;
use tempfile::TempDir;

use super::{
    Accepted, Bus, BusSettings, Clock, Epoch, Finish, InboxRow, NewInbox, NewOutbox, OutboxRow,
};
use crate::db::Database;

/// A bus in a folder of its own, with a clock that stands still unless it is moved.
struct Bench {
    folder: TempDir,
    bus: Bus,
    time: Arc<AtomicI64>,
}

impl Bench {
    async fn new(settings: BusSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("firstlight.db")).await.unwrap();
        let time = Arc::new(AtomicI64::new(1_000_000));
        let bus = Bus::with_clock(database, settings, reading(&time));
        Self { folder, bus, time }
    }

    async fn owned() -> (Self, Epoch) {
        let bench = Self::new(BusSettings::default()).await;
        let (epoch, _) = bench.bus.take_over().await.unwrap();
        (bench, epoch)
    }

    fn advance(&self, millis: i64) {
        self.time.fetch_add(millis, Ordering::SeqCst);
    }

    async fn accept(&self, name: &str, conversation: &str) -> i64 {
        match self.bus.accept(message(name, conversation)).await.unwrap() {
            Accepted::New(id) => id,
            other => panic!("{other:?}"),
        }
    }

    async fn lease(&self, epoch: Epoch) -> Vec<i64> {
        ids(&self.bus.lease_next(epoch, 100).await.unwrap())
    }

    async fn lease_outbox(&self, epoch: Epoch) -> Vec<i64> {
        let rows = self.bus.lease_outbox(epoch, "web", 100).await.unwrap();
        rows.iter().map(|row| row.id).collect()
    }

    async fn outbox(&self, id: i64) -> OutboxRow {
        self.bus.outbox_row(id).await.unwrap().unwrap()
    }

    async fn inbox(&self, id: i64) -> InboxRow {
        self.bus.inbox_row(id).await.unwrap().unwrap()
    }
}

fn reading(time: &Arc<AtomicI64>) -> Clock {
    let time = time.clone();
    Clock::new(move || time.load(Ordering::SeqCst))
}

fn ids(rows: &[InboxRow]) -> Vec<i64> {
    rows.iter().map(|row| row.id).collect()
}

fn message(name: &str, conversation: &str) -> NewInbox {
    NewInbox {
        platform_id: "web".into(),
        platform_message_id: name.into(),
        conversation_key: conversation.into(),
        payload: json!({"text": name}),
        received_at: 5,
    }
}

fn answer(session: &str, text: &str, resend_safe: bool) -> NewOutbox {
    NewOutbox {
        platform_id: "web".into(),
        session_key: session.into(),
        payload: json!({"text": text}),
        resend_safe,
    }
}

fn answers(outbox: Vec<NewOutbox>) -> Finish {
    Finish { outbox, ..Finish::default() }
}
