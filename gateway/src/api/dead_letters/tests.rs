//! The rows on a real bus: real statuses, since they are rows of our own.

use std::sync::Arc;

use actix_web::test::TestRequest;
use firstlight_core::bus::{Enqueued, NewOutbox, OutboxState};
use firstlight_core::model::{MessageChain, Outgoing};
use serde_json::{Value, json};

use crate::app::App;
use crate::routes::TABLE;
use crate::testing::{Phase, TOKEN, app_in, data, post, send, signed};

const SESSION: &str = "qq:GroupMessage:1";

fn outgoing(session: &str, text: &str) -> Value {
    json!(Outgoing::new(session.parse().unwrap(), MessageChain::text(text)))
}

/// A refused message and an uncertain one, while nothing runs that would send them.
async fn put_aside() -> (Arc<App>, i64, i64) {
    let app = app_in(Phase::Stopped).await;
    let (epoch, _) = app.bus.take_over().await.unwrap();
    let new = |session: &str| NewOutbox {
        platform_id: "qq".into(),
        session_key: session.into(),
        payload: outgoing(SESSION, "hello"),
        resend_safe: false,
        idempotency_key: None,
    };
    let rows = app.bus.enqueue(vec![new(SESSION), new("qq:GroupMessage:2")]).await.unwrap();
    let Enqueued::Rows(rows) = rows else { panic!("full") };
    app.bus.lease_outbox(epoch, "qq", 2).await.unwrap();
    app.bus.undeliverable(rows[0], epoch, "no such group").await.unwrap();
    app.bus.uncertain(rows[1], epoch, "the connection broke").await.unwrap();
    (app, rows[0], rows[1])
}

async fn state(app: &App, id: i64) -> OutboxState {
    app.bus.outbox_row(id).await.unwrap().unwrap().state
}

async fn list(app: &Arc<App>, query: &str) -> Value {
    data(send(app, &TABLE, signed(&format!("/api/dead-letters?{query}"))).await)
}

#[actix_web::test]
async fn dead_letters_are_listed_and_shown_without_a_runtime() {
    let (app, dead, uncertain) = put_aside().await;
    let all = list(&app, "").await;
    assert_eq!((&all["total"], &all["letters"][0]["excerpt"]), (&json!(2), &json!("hello")));
    let refused = list(&app, "reason=refused&queue=outbox&platform=qq").await;
    assert_eq!((&refused["letters"][0]["id"], &refused["total"]), (&json!(dead), &json!(1)));
    assert_eq!(list(&app, "state=uncertain").await["letters"][0]["id"], uncertain);
    assert_eq!(list(&app, "queue=inbox").await["total"], 0);
    let path = format!("/api/dead-letters/outbox/{dead}");
    let shown = data(send(&app, &TABLE, signed(&path)).await);
    assert_eq!(shown["payload"], outgoing(SESSION, "hello"));
    assert_eq!((&shown["reason"], &shown["error"]), (&json!("refused"), &json!("no such group")));
    let nothing = send(&app, &TABLE, signed("/api/dead-letters/inbox/77")).await;
    assert_eq!((nothing.status, nothing.code.as_str()), (404, "not_found"));
    let wrong = send(&app, &TABLE, signed("/api/dead-letters/mailbox/77")).await;
    assert_eq!((wrong.status, wrong.code.as_str()), (400, "path_invalid"));
}

#[actix_web::test]
async fn an_edit_may_change_what_is_said_and_not_where() {
    let (app, dead, _) = put_aside().await;
    let path = format!("/api/dead-letters/outbox/{dead}/replay");
    for wrong in [json!({"text": "x"}), outgoing("qq:GroupMessage:9", "hello")] {
        let refused = post(&app, &path, json!({"payload": wrong})).await;
        assert_eq!((refused.status, refused.code.as_str()), (400, "invalid"));
        assert_eq!(state(&app, dead).await, OutboxState::Dead);
    }
    data(post(&app, &path, json!({"payload": outgoing(SESSION, "mended")})).await);
    let row = app.bus.outbox_row(dead).await.unwrap().unwrap();
    assert_eq!((row.state, row.payload), (OutboxState::Pending, outgoing(SESSION, "mended")));
    let again = post(&app, &path, json!({})).await;
    assert_eq!((again.status, again.code.as_str()), (409, "conflict"));
}

#[actix_web::test]
async fn an_uncertain_message_is_confirmed_and_a_dead_one_is_not() {
    let (app, dead, uncertain) = put_aside().await;
    let confirm = |id: i64| format!("/api/dead-letters/outbox/{id}/confirm");
    assert_eq!(post(&app, &confirm(dead), json!({})).await.status, 409);
    data(post(&app, &confirm(uncertain), json!({})).await);
    assert_eq!(state(&app, uncertain).await, OutboxState::Sent);
}

#[actix_web::test]
async fn dropping_ends_one_and_purging_ends_the_old_ones() {
    let (app, dead, uncertain) = put_aside().await;
    let delete = TestRequest::delete()
        .uri(&format!("/api/dead-letters/outbox/{dead}"))
        .insert_header(("authorization", format!("Bearer {TOKEN}")));
    data(send(&app, &TABLE, delete).await);
    assert_eq!(state(&app, dead).await, OutboxState::Dropped);
    let old = json!({"older_than_seconds": 3600});
    assert_eq!(data(post(&app, "/api/dead-letters/purge", old).await)["purged"], 0);
    // What was put aside in this very millisecond is not yet longer ago than nothing.
    while state(&app, uncertain).await != OutboxState::Dropped {
        data(post(&app, "/api/dead-letters/purge", json!({"older_than_seconds": 0})).await);
    }
    assert_eq!(post(&app, "/api/dead-letters/purge", json!({})).await.status, 400);
}
