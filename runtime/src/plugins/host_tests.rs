//! What plugins may ask of the gateway, on a real database.

use std::sync::Arc;

use firstlight_core::bus::{Bus, BusSettings};
use firstlight_core::config::DocumentId;
use firstlight_plugins_api::testing::Stage;
use firstlight_plugins_api::{
    Capabilities, Event, Host, HostError, Language, Manifest, NewTimer, Plugin, PluginError,
    Version,
};
use serde_json::{Value, json};

use super::dispatch_tests::{World, world};
use super::host::{PluginHost, Terms};
use super::installed::usual_budgets;

/// Only its name is of interest.
struct Nobody;

impl Plugin for Nobody {
    fn manifest() -> Manifest {
        Manifest::new("nobody", Version::new(1, 0, 0))
    }

    async fn load(_host: Host) -> Result<Self, PluginError> {
        Ok(Self)
    }
}

const WEB: &str = "webchat:FriendMessage:webchat!ann!s";

fn host(world: &World, plugin: &str) -> Host {
    let terms = Terms::new(plugin, Capabilities::all(), usual_budgets(), None);
    Host::new(Arc::new(PluginHost::new(plugin, Arc::clone(world.plugins.shared()), terms)))
}

fn event(reply_to: &str) -> Event {
    let (session, reply_to) = (reply_to.to_owned(), reply_to.to_owned());
    Event { session, reply_to, ..Stage::<Nobody>::event("x") }
}

async fn save(world: &World, id: DocumentId, value: Value) {
    let config = world.plugins.shared().config();
    let revision = config.view(&id).map_or(0, |view| view.revision);
    config.save(&id, revision, value, "a test").await.unwrap();
}

#[tokio::test]
async fn each_plugin_stores_for_itself_within_its_bounds() {
    let world = world().await;
    let (a, b) = (host(&world, "a"), host(&world, "b"));
    a.store("k", json!(1)).await.unwrap();
    assert_eq!(b.load("k").await.unwrap(), None);
    assert_eq!(a.keys("").await.unwrap(), ["k"]);
    assert!(a.forget("k").await.unwrap());
    let limit = |error| matches!(error, HostError::Limit { .. });
    assert!(limit(a.store(&"k".repeat(257), json!(1)).await.unwrap_err()));
    assert!(limit(a.store("k", json!("x".repeat(256 * 1024))).await.unwrap_err()));
    assert!(a.store("", json!(1)).await.is_err());
    let long = NewTimer::once("t", std::time::Duration::ZERO).payload("x".repeat(256 * 1024));
    assert!(limit(a.schedule(long).await.unwrap_err()));
}

#[tokio::test]
async fn what_is_sent_with_the_same_key_is_sent_once_and_only_where_there_is_a_platform() {
    let world = world().await;
    let host = host(&world, "a");
    for _ in 0..2 {
        host.send(WEB, "hello".into(), Some("k")).await.unwrap();
    }
    host.send(WEB, "hello".into(), None).await.unwrap();
    let elsewhere = host.send("nowhere:FriendMessage:1", "hello".into(), None).await;
    assert!(matches!(elsewhere, Err(HostError::Unknown { what, .. }) if what == "platform"));
    let nonsense = host.send("nonsense", "hello".into(), None).await;
    assert!(matches!(nonsense, Err(HostError::Unknown { what, .. }) if what == "session"));
    let bus = Bus::new(world.plugins.shared().database().clone(), BusSettings::default());
    let (epoch, _) = bus.take_over().await.unwrap();
    let mut sent = 0;
    while let Some(row) = bus.lease_outbox(epoch, "webchat", 9).await.unwrap().pop() {
        bus.sent(row.id, epoch, None).await.unwrap();
        sent += 1;
    }
    assert_eq!(sent, 2);
}

/// The ancestor made a text of the session in which the routing found nothing.
#[tokio::test]
async fn b17_a_plugin_reads_the_profile_that_handles_the_message() {
    let world = world().await;
    let host = host(&world, "a");
    let mut other = serde_json::to_value(firstlight_core::config::Profile::default()).unwrap();
    other["language"] = json!(Language::Chinese);
    save(&world, DocumentId::Profile("other".into()), other).await;
    let routes = json!({ "routes": [{ "umo": "qq:GroupMessage:7", "conf_id": "other" }] });
    save(&world, DocumentId::Routing, routes).await;
    let profile = host.profile(&event("qq:GroupMessage:7")).await.unwrap();
    assert_eq!(profile["language"], "zh");
    assert_eq!(host.profile(&event(WEB)).await.unwrap()["language"], "en");
}

#[tokio::test]
async fn settings_have_their_secrets_followed() {
    let world = world().await;
    let id = DocumentId::Plugin("a".into());
    let host = host(&world, "a");
    assert_eq!(host.raw_settings(), json!({}));
    let schema = json!({ "type": "object", "properties": {
        "key": { "type": "string", "x-secret": true },
        "gone": { "type": "string", "x-secret": true },
        "deep": { "type": "object", "properties": { "key": { "x-secret": true } } },
        "plain": { "type": "string" },
    }});
    world.plugins.shared().config().set_plugin_schema("a", schema);
    std::fs::write(world.folder().join("key.txt"), "s3cret\n").unwrap();
    let value = json!({
        "key": "file:key.txt", "gone": "file:gone.txt", "deep": { "key": "file:key.txt" },
        "plain": "file:key.txt",
    });
    save(&world, id, value).await;
    let expected = json!({ "key": "s3cret", "deep": { "key": "s3cret" }, "plain": "file:key.txt" });
    assert_eq!(host.raw_settings(), expected);
}

#[tokio::test]
async fn sessions_are_named_and_have_variables_and_conversations() {
    let world = world().await;
    let host = host(&world, "a");
    host.name_session(WEB, Some("lounge")).await.unwrap();
    assert_eq!(host.session_name(WEB).await.unwrap().as_deref(), Some("lounge"));
    host.name_session(WEB, None).await.unwrap();
    assert_eq!(host.session_name(WEB).await.unwrap(), None);
    for number in 0..100 {
        assert!(!host.set_variable(WEB, &number.to_string(), Some("x")).await.unwrap());
    }
    let full = host.set_variable(WEB, "one more", Some("x")).await;
    assert!(matches!(full, Err(HostError::Limit { .. })));
    assert!(host.set_variable(WEB, "7", Some("y")).await.unwrap());
    assert!(host.set_variable(WEB, "7", None).await.unwrap());
    assert_eq!(host.variables(WEB).await.unwrap().len(), 99);

    assert!(!host.clear_conversation(WEB).await.unwrap());
    host.new_conversation(WEB).await.unwrap();
    let first = host.conversation(WEB).await.unwrap().unwrap();
    host.new_conversation(WEB).await.unwrap();
    let second = host.conversation(WEB).await.unwrap().unwrap();
    assert_ne!(first.id, second.id);
    assert!(host.clear_conversation(WEB).await.unwrap());
    // Before the runtime is up there are no providers to choose from.
    assert_eq!(host.providers(&event(WEB)).await.unwrap_err(), HostError::NotReady);
}
