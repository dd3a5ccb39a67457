//! Quotes and forwarded bundles that come as names only.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use firstlight_core::lifecycle::BoxError;
use firstlight_core::model::{Component, Forward, MessageChain, Outgoing, Reply, Sender};
use firstlight_runtime::platforms::{
    Adapter, AdapterContext, Capabilities, Delivery, Origin, QueryError, Quoted,
};
use serde_json::json;

use super::fixture::{Gateway, group, private, with};

/// A platform whose every message quotes another one, and whose bundles hold further ones.
#[derive(Default)]
struct Endless {
    quoted: AtomicUsize,
    forwarded: AtomicUsize,
}

#[async_trait]
impl Adapter for Endless {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            kind: "aiocqhttp",
            display_name: "a test",
            streams: false,
            sends_unasked: true,
            resend_safe: true,
            concurrent_sends: 1,
        }
    }

    async fn run(self: Arc<Self>, _context: AdapterContext) -> Result<(), BoxError> {
        Ok(())
    }

    async fn deliver(&self, _message: &Outgoing, _key: &str) -> Delivery {
        Delivery::Offline
    }

    async fn online(&self) {
        std::future::pending::<()>().await;
    }

    async fn quoted(&self, origin: Origin<'_>, id: &str) -> Result<Quoted, QueryError> {
        assert_eq!(origin.account, "42");
        let count = self.quoted.fetch_add(1, Ordering::SeqCst);
        if id == "gone" {
            return Err(QueryError::Failed("no such message".into()));
        }
        Ok(said(&format!("quote {count}"), quote("next")))
    }

    async fn forwarded(&self, _origin: Origin<'_>, _id: &str) -> Result<Vec<Quoted>, QueryError> {
        let count = self.forwarded.fetch_add(1, Ordering::SeqCst);
        Ok(vec![said(&format!("bundle {count}"), forward()), said("more", forward())])
    }
}

fn said(text: &str, more: Component) -> Quoted {
    Quoted {
        sender: Sender { user_id: "7".into(), nickname: Some("bob".into()) },
        time: 1,
        message: MessageChain {
            chain: vec![Component::text(text), more],
            ..MessageChain::default()
        },
    }
}

fn quote(id: &str) -> Component {
    Component::Reply(Reply { id: id.into(), ..Reply::default() })
}

fn forward() -> Component {
    Component::Forward(Forward { id: "f".into() })
}

async fn gateway(parser: serde_json::Value) -> (Gateway, Arc<Endless>) {
    let profile = json!({ "provider_settings": { "quoted_message_parser": parser } });
    let gateway = Gateway::with(profile).await;
    let adapter = Arc::new(Endless::default());
    let state = gateway.control.snapshot().state;
    state.live().unwrap().lease().platforms.adapters().insert("qq", adapter.clone());
    (gateway, adapter)
}

#[tokio::test]
async fn a_quote_is_filled_in_and_followed_as_deep_as_the_profile_says() {
    let (gateway, adapter) = gateway(json!({})).await;
    gateway.answer(with(private("ada", "m1", "why?"), [quote("q")])).await;
    assert_eq!(adapter.quoted.load(Ordering::SeqCst), 4);
    let asked = gateway.asked();
    assert!(asked.contains("quote 0") && asked.contains("quote 3"), "{asked}");
}

#[tokio::test]
async fn bundles_are_followed_as_deep_and_as_often_as_the_profile_says() {
    let (deep, adapter) = gateway(json!({ "max_forward_node_depth": 2 })).await;
    deep.answer(with(private("ada", "m1", "read it"), [forward()])).await;
    assert_eq!(adapter.forwarded.load(Ordering::SeqCst), 3, "one, and one in each message of it");
    assert!(deep.asked().contains("bundle 0"));
    let (often, adapter) = gateway(json!({ "max_forward_fetch": 5 })).await;
    often.answer(with(private("ada", "m1", "read it"), [forward()])).await;
    assert_eq!(adapter.forwarded.load(Ordering::SeqCst), 5);
}

#[tokio::test]
async fn a_message_that_the_platform_cannot_tell_does_not_cost_the_answer() {
    let (gateway, _adapter) = gateway(json!({})).await;
    let said = gateway.said(with(private("ada", "m1", "why?"), [quote("gone")])).await;
    assert_eq!(said, ["You said: why?"]);
}

#[tokio::test]
async fn p1_what_a_group_quotes_and_forwards_among_itself_is_not_asked_for() {
    let (gateway, adapter) = gateway(json!({})).await;
    gateway.answer(with(group("ada", "m1", "ha"), [quote("q"), forward()])).await;
    assert_eq!(adapter.quoted.load(Ordering::SeqCst), 0);
    assert_eq!(adapter.forwarded.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn answers_to_a_platform_that_knows_keys_may_be_sent_again() {
    let (gateway, _adapter) = gateway(json!({})).await;
    gateway.answer(private("ada", "m1", "hello")).await;
    assert!(gateway.queued().await[0].resend_safe);
}
