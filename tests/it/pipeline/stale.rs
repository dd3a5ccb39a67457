//! A message that waited too long for its turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use firstlight_core::bus::{Clock, InboxState, NewInbox, Queue, Reason};
use serde_json::json;

use super::fixture::{Gateway, Made, private};

const HOUR: i64 = 3_600_000;

#[tokio::test]
async fn a_message_older_than_its_time_is_put_aside_and_answered_when_the_operator_says_so() {
    let now = Arc::new(AtomicI64::new(10 * HOUR));
    let clock = Clock::new({
        let now = Arc::clone(&now);
        move || now.load(Ordering::SeqCst)
    });
    let gateway = Gateway::made(Made { clock: Some(clock), ..Made::default() }).await;
    let event = private("ada", "m1", "hello");
    let accepted = gateway.foundation.bus.accept(NewInbox {
        platform_id: "qq".into(),
        platform_message_id: "m1".into(),
        conversation_key: event.session.to_string(),
        received_at: 0,
        payload: json!(event),
    });
    accepted.await.unwrap();
    now.fetch_add(2 * HOUR, Ordering::SeqCst);
    gateway.start().await;
    let row = gateway.row(1, |row| row.state == InboxState::Dead).await;
    assert_eq!(row.reason, Some(Reason::Stale));
    assert!(gateway.model.requests().is_empty() && gateway.queued().await.is_empty());
    gateway.foundation.bus.replay(Queue::Inbox, 1, None).await.unwrap();
    gateway.row(1, |row| row.state == InboxState::Done).await;
    assert_eq!(gateway.queued().await.len(), 1);
}
