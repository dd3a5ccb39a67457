//! The registry with providers that misbehave.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::providers::chat::{ChatRequest, ChatStream};

#[derive(Clone, Copy)]
enum Ending {
    Clean,
    Error,
    Panic,
    Hang,
}

struct Fake {
    meta: ProviderMeta,
    ending: Ending,
    closed: Arc<AtomicUsize>,
}

#[async_trait]
impl ChatProvider for Fake {
    fn meta(&self) -> &ProviderMeta {
        &self.meta
    }

    async fn chat(
        &self,
        _: ChatRequest,
        _: CancellationToken,
    ) -> Result<ChatStream, ProviderError> {
        Err(ProviderError::Empty)
    }

    async fn models(&self) -> Result<Vec<String>, ProviderError> {
        Ok(Vec::new())
    }

    async fn close(&self) -> Result<(), ProviderError> {
        self.closed.fetch_add(1, Ordering::SeqCst);
        match self.ending {
            Ending::Clean => Ok(()),
            Ending::Error => Err(ProviderError::Empty),
            Ending::Panic => panic!("on purpose"),
            Ending::Hang => std::future::pending().await,
        }
    }
}

fn fake(id: &str, ending: Ending) -> (Arc<Fake>, Arc<AtomicUsize>) {
    let closed = Arc::new(AtomicUsize::new(0));
    let meta = ProviderMeta {
        id: id.to_owned(),
        model: "m".to_owned(),
        kind: "fake".to_owned(),
        provider_type: "chat_completion".to_owned(),
        brand: String::new(),
        max_context_tokens: 0,
        display_name: id.to_owned(),
        demo: false,
    };
    (Arc::new(Fake { meta, ending, closed: Arc::clone(&closed) }), closed)
}

fn config(value: &serde_json::Value) -> ProviderConfig {
    ProviderConfig::merged(None, value, Path::new("")).unwrap()
}

fn id_of(provider: Option<Arc<dyn ChatProvider>>) -> Option<String> {
    provider.map(|provider| provider.meta().id.clone())
}

#[tokio::test(start_paused = true)]
async fn every_provider_is_asked_to_end_once_even_when_others_fail_panic_or_hang() {
    let registry = Registry::new(ProviderDefaults::default());
    let mut counts = Vec::new();
    for (id, ending) in
        [("a", Ending::Panic), ("b", Ending::Hang), ("c", Ending::Error), ("d", Ending::Clean)]
    {
        let (provider, closed) = fake(id, ending);
        registry.add(provider).await;
        counts.push(closed);
    }
    let failed = registry.close_all().await;
    let codes: Vec<_> = failed.iter().map(|(id, error)| (id.as_str(), error.code())).collect();
    assert_eq!(codes, [("a", "panicked"), ("b", "timeout"), ("c", "empty")]);
    assert!(registry.close_all().await.is_empty());
    assert!(registry.records().is_empty());
    for closed in counts {
        assert_eq!(closed.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn the_current_provider_follows_the_strongest_wish_that_is_loaded() {
    let registry = Registry::new(ProviderDefaults::default());
    assert!(registry.current(Choice::default()).is_none());
    registry.load(&config(&json!({"id": "off", "enable": false}))).await.unwrap();
    for id in ["first", "second", "third", "fourth"] {
        registry.add(fake(id, Ending::Clean).0).await;
    }
    let check = |explicit, session, profile, expected: &str| {
        let found = id_of(registry.current(Choice { explicit, session, profile }));
        assert_eq!(found.as_deref(), Some(expected));
    };
    check(None, None, None, "first");
    check(None, None, Some("fourth"), "fourth");
    check(None, Some("third"), Some("fourth"), "third");
    check(Some("second"), Some("third"), Some("fourth"), "second");
    check(Some("gone"), Some("off"), Some("fourth"), "fourth");
    check(Some(""), None, Some("gone"), "first");
}

#[tokio::test]
async fn a_provider_that_cannot_be_loaded_stays_listed_with_its_error_until_it_is_repaired() {
    let registry = Registry::new(ProviderDefaults::default());
    let error = registry.load(&config(&json!({"id": "p", "type": "no_such"}))).await.unwrap_err();
    assert_eq!(error.code(), "unknown_type");
    let record = serde_json::to_value(&registry.records()[0]).unwrap();
    assert_eq!(record["status"], "failed");
    assert!(record["error"].as_str().unwrap().contains("no_such"));
    assert!(registry.chat("p").is_none());

    let demo = config(&json!({"id": "p", "type": "demo_chat_completion"}));
    registry.load(&demo).await.unwrap();
    assert_eq!(registry.records().len(), 1);
    assert_eq!(registry.records()[0].status, ProviderStatus::Loaded);
    assert!(registry.chat("p").is_some());
}

#[tokio::test]
async fn replacing_and_removing_ask_the_old_one_to_end_and_keep_the_order() {
    let registry = Registry::new(ProviderDefaults::default());
    let (first, first_closed) = fake("a", Ending::Panic);
    registry.add(first).await;
    registry.add(fake("b", Ending::Clean).0).await;
    let (second, second_closed) = fake("a", Ending::Clean);
    registry.add(second).await;
    assert_eq!(first_closed.load(Ordering::SeqCst), 1);
    assert_eq!(id_of(registry.current(Choice::default())).as_deref(), Some("a"));

    assert!(registry.remove("a").await);
    assert!(!registry.remove("a").await);
    assert_eq!(second_closed.load(Ordering::SeqCst), 1);
    assert_eq!(id_of(registry.current(Choice::default())).as_deref(), Some("b"));
}
