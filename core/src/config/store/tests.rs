//! The store against a real database file.

use proptest::prelude::*;
use serde_json::json;

use super::super::profile::Profile;
use super::super::saving::valid;
use super::*;

async fn store() -> (tempfile::TempDir, ConfigStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    (folder, store)
}

async fn open(folder: &tempfile::TempDir) -> ConfigStore {
    let database = Database::open(&folder.path().join("firstlight.db")).await.unwrap();
    ConfigStore::open(database).await.unwrap()
}

fn with_key(key: &str) -> Value {
    json!({
        "provider_sources": [
            {"id": "s", "type": "openai_chat_completion", "key": [key], "kept": {"as": "is"}},
        ],
        "provider": [{"id": "p", "provider_source_id": "s", "model": "m"}],
        "of_the_future": [1, 2, 3],
    })
}

#[tokio::test]
async fn a_first_start_has_usable_defaults_and_the_demo() {
    let (_folder, store) = store().await;
    let snapshot = store.snapshot();
    assert!(snapshot.unusable().is_empty(), "{:?}", snapshot.unusable());
    assert_eq!(*snapshot.default_profile().unwrap(), Profile::default());
    let providers = snapshot.providers().unwrap();
    assert_eq!(providers.provider[0].id, "demo");
    assert_eq!(providers.provider[0].rest["type"], "demo_chat_completion");
    for document in snapshot.documents() {
        assert_eq!(document.revision, 1);
        let schema = store.schema(&document.id);
        assert_eq!(valid(&document.id, &document.value, &schema), Ok(()), "{:?}", document.id);
    }
}

#[tokio::test]
async fn saves_survive_a_restart_with_unknown_keys_and_secrets() {
    let (folder, store) = store().await;
    let saved = store.save(&DocumentId::Providers, 1, with_key("sk"), "ann").await.unwrap();
    assert_eq!((saved.revision, saved.author.as_str()), (2, "ann"));
    store.close().await;
    store.inner.database.close().await;
    let store = open(&folder).await;
    let document = store.snapshot().document(&DocumentId::Providers).unwrap().clone();
    assert_eq!(document.value, with_key("sk"));
    assert_eq!(document.revision, 2);
}

#[tokio::test]
async fn a_masked_read_can_be_changed_and_saved() {
    let (_folder, store) = store().await;
    let id = DocumentId::Providers;
    store.save(&id, 1, with_key("0123456789abcdefgh"), "ann").await.unwrap();
    let mut view = store.view(&id).unwrap();
    assert_eq!(view.value["provider_sources"][0]["key"], json!(["••••efgh"]));
    assert!(!serde_json::to_string(&view).unwrap().contains("0123456789"));
    view.value["provider"][0]["model"] = json!("other");
    let saved = store.save(&id, view.revision, view.value, "ann").await.unwrap();
    let mut expected = with_key("0123456789abcdefgh");
    expected["provider"][0]["model"] = json!("other");
    assert_eq!(saved.value, expected);
}

#[tokio::test]
async fn saving_a_masked_read_unchanged_makes_no_revision() {
    let (_folder, store) = store().await;
    let id = DocumentId::Providers;
    store.save(&id, 1, with_key("sk"), "ann").await.unwrap();
    let view = store.view(&id).unwrap();
    let saved = store.save(&id, view.revision, view.value, "bob").await.unwrap();
    assert_eq!((saved.revision, saved.author.as_str()), (2, "ann"));
}

#[tokio::test]
async fn a_save_on_an_old_revision_is_refused_and_changes_nothing() {
    let (_folder, store) = store().await;
    let id = DocumentId::Providers;
    store.save(&id, 1, with_key("a"), "ann").await.unwrap();
    let refused = store.save(&id, 1, with_key("b"), "bob").await.unwrap_err();
    assert!(
        matches!(refused, ConfigError::RevisionConflict { expected: 1, found: 2, .. }),
        "{refused}"
    );
    assert_eq!(store.snapshot().document(&id).unwrap().value, with_key("a"));
}

#[tokio::test]
async fn of_many_saves_on_one_revision_exactly_one_wins() {
    let (_folder, store) = store().await;
    let id = DocumentId::Routing;
    let saves = (0..20).map(|n| {
        let value = json!({"routes": [{"umo": "::", "conf_id": n.to_string()}]});
        let (store, id) = (store.clone(), id.clone());
        async move { store.save(&id, 1, value, "ann").await }
    });
    let outcomes = futures_util::future::join_all(saves).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let history = store.history(&id, None, 100).await.unwrap();
    assert_eq!(history.len(), 2);
}

#[tokio::test]
async fn a_save_goes_on_when_its_caller_goes_away() {
    let (_folder, store) = store().await;
    let id = DocumentId::Providers;
    let mut changes = store.subscribe();
    let mut save = Box::pin(store.save(&id, 1, with_key("sk"), "ann"));
    assert!(futures_util::poll!(&mut save).is_pending());
    drop(save);
    changes.changed().await.unwrap();
    assert_eq!(store.snapshot().document(&id).unwrap().revision, 2);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_its_place_and_without_the_secret() {
    let (_folder, store) = store().await;
    let check = async |id: DocumentId, value: Value, pointer: &str| {
        let refused = store.save(&id, 1, value, "ann").await.unwrap_err();
        let ConfigError::Invalid { problems, .. } = &refused else { panic!("{refused}") };
        assert_eq!(problems[0].pointer, pointer, "{refused}");
        assert!(!format!("{refused} {refused:?}").contains("hush"), "{refused}");
    };
    let key = json!({"provider_sources": [{"id": "s", "key": {"hush": 1}}]});
    check(DocumentId::Providers, key, "/provider_sources/0/key").await;
    let source = json!({"provider": [{"id": "p", "provider_source_id": "none"}]});
    check(DocumentId::Providers, source, "/provider/0/provider_source_id").await;
    let twice = json!({"provider": [{"id": "p"}, {"id": "p"}]});
    check(DocumentId::Providers, twice, "/provider/1/id").await;
    let admin = json!({"admins_id": ["ann"]});
    check(DocumentId::default_profile(), admin, "/admins_id/0").await;
    let retries = json!({"provider_settings": {"request_max_retries": 0}});
    check(DocumentId::default_profile(), retries, "/provider_settings/request_max_retries").await;
    let platform = json!({"platform": [{"id": "a:b", "type": "telegram"}]});
    check(DocumentId::Platforms, platform, "/platform/0/id").await;
    check(DocumentId::Routing, json!({"routes": [{"umo": "qq", "conf_id": "x"}]}), "/routes/0/umo")
        .await;
    check(DocumentId::Routing, json!([]), "").await;
}

#[tokio::test]
async fn history_can_be_read_compared_and_rolled_back() {
    let (_folder, store) = store().await;
    let id = DocumentId::Providers;
    store.save(&id, 1, with_key("first"), "ann").await.unwrap();
    store.save(&id, 2, with_key("second"), "bob").await.unwrap();
    let history = store.history(&id, None, 100).await.unwrap();
    let authors: Vec<&str> = history.iter().map(|save| save.author.as_str()).collect();
    assert_eq!(authors, ["bob", "ann", "firstlight"]);
    assert_eq!(store.history(&id, Some(3), 1).await.unwrap()[0].author, "ann");
    let diff = store.diff(&id, 2, 3).await.unwrap();
    assert_eq!(diff.len(), 1);
    assert_eq!(diff[0].pointer, "/provider_sources/0/key/0");
    let shown = serde_json::to_string(&(diff, store.revision(&id, 2).await.unwrap())).unwrap();
    assert!(!shown.contains("first\"") && !shown.contains("second"), "{shown}");
    let back = store.rollback(&id, 3, 2, "ann").await.unwrap();
    assert_eq!((back.revision, &back.value), (4, &with_key("first")));
    assert_eq!(store.history(&id, None, 1).await.unwrap()[0].note, "rolled back to 2");
    let missing = store.rollback(&id, 4, 99, "ann").await.unwrap_err();
    assert!(matches!(missing, ConfigError::NoRevision { revision: 99, .. }), "{missing}");
}

#[tokio::test]
async fn the_last_documents_that_reached_ready_are_remembered() {
    let (_folder, store) = store().await;
    assert!(store.last_ready().await.unwrap().is_none());
    let good = store.snapshot();
    let id = DocumentId::Providers;
    store.save(&id, 1, with_key("sk"), "ann").await.unwrap();
    store.mark_ready(&good).await.unwrap();
    assert_eq!(store.view(&id).unwrap().ready_revision, Some(1));
    let ready = store.last_ready().await.unwrap().unwrap();
    assert_eq!(ready.document(&id).unwrap().revision, 1);
    assert_eq!(ready.providers().unwrap().provider[0].id, "demo");
    assert_eq!(store.snapshot().document(&id).unwrap().revision, 2);
}

#[tokio::test]
async fn profiles_are_made_routed_renamed_and_deleted() {
    let (_folder, store) = store().await;
    let default = DocumentId::default_profile();
    let secret = json!({"websearch_key": "hush-hush", "reply": "x"});
    store.save(&default, 1, secret, "ann").await.unwrap();
    let copy = store.view(&default).unwrap().value;
    let made = store.create_profile("Night", Some(copy), "ann").await.unwrap();
    assert_eq!(made.value["websearch_key"], "hush-hush");
    let DocumentId::Profile(conf_id) = made.id.clone() else { panic!("{:?}", made.id) };

    let session = "qq:GroupMessage:1".parse().unwrap();
    let route = json!({"routes": [{"umo": "qq::", "conf_id": conf_id}]});
    store.save(&DocumentId::Routing, 1, route, "ann").await.unwrap();
    assert_eq!(store.snapshot().effective(&session).unwrap().conf_id, conf_id);

    store.rename(&made.id, "Day").await.unwrap();
    assert_eq!(store.view(&made.id).unwrap().title, "Day");

    store.delete(&made.id, "ann").await.unwrap();
    assert_eq!(store.snapshot().effective(&session).unwrap().conf_id, "default");
    assert!(store.history(&made.id, None, 9).await.unwrap()[0].deleted);
    let back = store.rollback(&made.id, 0, 1, "ann").await.unwrap();
    assert_eq!((back.revision, back.title.as_str()), (3, "Day"));
    let refused = store.delete(&default, "ann").await.unwrap_err();
    assert!(matches!(refused, ConfigError::BuiltIn { .. }), "{refused}");
}

#[tokio::test]
async fn a_plugin_brings_its_own_schema() {
    let (_folder, store) = store().await;
    let id = DocumentId::Plugin("weather".into());
    store.set_plugin_schema(
        "weather",
        json!({"type": "object", "properties": {"pin": {"type": "string", "x-secret": true}}}),
    );
    let refused = store.save(&id, 0, json!({"pin": 5}), "ann").await.unwrap_err();
    assert!(matches!(refused, ConfigError::Invalid { .. }), "{refused}");
    store.save(&id, 0, json!({"pin": "1234"}), "ann").await.unwrap();
    assert_eq!(store.view(&id).unwrap().value, json!({"pin": "••••"}));
}

#[tokio::test]
async fn everything_of_a_plugin_without_a_schema_is_masked() {
    let (_folder, store) = store().await;
    let id = DocumentId::Plugin("gone".into());
    let value = json!({"pin": 1234, "list": ["a", {"b": "c"}], "on": true});
    let saved = store.save(&id, 0, value, "ann").await.unwrap();
    let view = store.view(&id).unwrap().value;
    assert_eq!(view, json!({"list": ["••••", {"b": "••••·2"}], "on": true, "pin": "••••·3"}));
    let again = store.save(&id, 1, view, "ann").await.unwrap();
    assert_eq!(again, saved);
}

#[tokio::test]
async fn a_document_that_another_version_left_unusable_is_named_and_can_be_repaired() {
    let (_folder, store) = store().await;
    let new = NewRevision {
        id: DocumentId::Providers,
        expected: 1,
        value: Some(json!({"provider": 7})),
        title: None,
        author: "older".into(),
        note: "saved".into(),
    };
    repository::write(&store.inner.database, new).await.unwrap();
    let store = ConfigStore::open(store.inner.database.clone()).await.unwrap();
    let unusable = store.snapshot().unusable();
    assert_eq!(unusable.len(), 1);
    assert!(unusable[0].to_string().starts_with("providers is not valid"), "{}", unusable[0]);
    store.save(&DocumentId::Providers, 2, with_key("sk"), "ann").await.unwrap();
    assert!(store.snapshot().unusable().is_empty());
}

#[derive(Debug, Clone)]
enum Attempt {
    Save { behind: i64, content: u8 },
    Rollback { behind: i64, to: i64 },
}

fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    let one = prop_oneof![
        (0..3i64, any::<u8>()).prop_map(|(behind, content)| Attempt::Save { behind, content }),
        (0..2i64, 1..8i64).prop_map(|(behind, to)| Attempt::Rollback { behind, to }),
    ];
    prop::collection::vec(one, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_history_of_attempts_is_the_history_of_a_compare_and_set_cell(attempts in attempts()) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(check_attempts(attempts))?;
    }
}

async fn check_attempts(attempts: Vec<Attempt>) -> Result<(), TestCaseError> {
    let (_folder, store) = store().await;
    let id = DocumentId::Providers;
    let mut model = vec![store.snapshot().document(&id).unwrap().value.clone()];
    for attempt in attempts {
        let now = i64::try_from(model.len()).unwrap();
        let (behind, wanted, outcome) = match attempt {
            Attempt::Save { behind, content } => {
                let value = with_key(&content.to_string());
                let outcome = store.save(&id, now - behind, value.clone(), "ann").await;
                (behind, Some(value), outcome)
            }
            Attempt::Rollback { behind, to } => {
                let value = model.get(usize::try_from(to - 1).unwrap()).cloned();
                (behind, value, store.rollback(&id, now - behind, to, "ann").await)
            }
        };
        match wanted {
            Some(value) if behind == 0 => {
                if model.last() != Some(&value) {
                    model.push(value);
                }
                prop_assert_eq!(outcome.unwrap().revision, i64::try_from(model.len()).unwrap());
            }
            _ => prop_assert!(outcome.is_err()),
        }
    }
    for (index, value) in model.iter().enumerate() {
        let revision = i64::try_from(index + 1).unwrap();
        let stored = store.inner.revision(&id, revision).await.unwrap();
        prop_assert_eq!(&stored.value, value);
    }
    prop_assert_eq!(store.history(&id, None, 100).await.unwrap().len(), model.len());
    Ok(())
}
