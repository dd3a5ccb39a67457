//! Providers as a part of the runtime: listed, tried, changed, ended.

use std::path::Path;
use std::sync::Arc;

use firstlight_core::bus::{Bus, BusSettings};
use firstlight_core::config::{ConfigStore, DocumentId};
use firstlight_core::db::Database;
use firstlight_core::lifecycle::{Control, Options, Progress, supervise};
use firstlight_core::settings::Settings;
use firstlight_runtime::plugins::Compiler;
use firstlight_runtime::providers::probe::{self, Availability};
use firstlight_runtime::providers::{
    Choice, ProviderConfig, ProviderDefaults, ProviderStatus, edit,
};
use firstlight_runtime::{Foundation, Plan, Runtime};
use firstlight_tests::fake_openai::{FakeOpenAi, Reply};
use serde_json::{Value, json};
use tempfile::TempDir;

async fn running(folder: &Path, document: Option<Value>) -> (Control<Runtime>, ConfigStore) {
    let database = Database::open(&folder.join("test.db")).await.unwrap();
    let config = ConfigStore::open(database.clone()).await.unwrap();
    if let Some(document) = document {
        let revision = config.view(&DocumentId::Providers).unwrap().revision;
        config.save(&DocumentId::Providers, revision, document, "a test").await.unwrap();
    }
    let foundation = Foundation {
        bus: Bus::new(database.clone(), BusSettings::default()),
        config: config.clone(),
        database,
        settings: Arc::new(Settings { data_dir: folder.to_owned(), ..Settings::default() }),
    };
    let control = supervise(
        Plan::open(foundation, Vec::new(), Compiler::InProcess).await.unwrap(),
        Options::default(),
    );
    let began = control.start().await.generation().unwrap();
    assert_eq!(control.settled(began).await.state.name(), "runtime_ready");
    (control, config)
}

fn items(control: &Control<Runtime>) -> Vec<(String, Progress)> {
    let history = control.timeline().snapshot();
    let components = &history.current.as_ref().unwrap().components;
    let providers = components.iter().find(|component| &*component.record.name == "providers");
    let items = providers.unwrap().items.iter();
    items.map(|item| (item.name.to_string(), item.state)).collect()
}

fn document(fake: &FakeOpenAi) -> Value {
    json!({
        "provider_sources": [{"id": "s", "type": "openai_chat_completion", "key": ["file:key"],
            "provider_type": "chat_completion", "api_base": fake.api_base()}],
        "provider": [
            {"id": "off", "provider_source_id": "s", "model": "m", "enable": false},
            {"id": "odd", "type": "no_such_adapter"},
            {"id": "good", "provider_source_id": "s", "model": "fake-model"},
        ],
    })
}

async fn down(control: &Control<Runtime>) {
    let generation = control.shutdown().await.generation().unwrap();
    assert_eq!(control.settled(generation).await.state.name(), "created");
}

#[tokio::test]
async fn a_first_start_has_the_demo_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    let (control, _config) = running(folder.path(), None).await;
    let live = control.snapshot().state.live().unwrap().lease();
    let current = live.providers.current(Choice::default()).unwrap();
    assert!(current.meta().demo);
    assert_eq!(probe::check(current.as_ref()).await.status, Availability::Available);
    drop(live);
    down(&control).await;
}

#[tokio::test]
async fn one_bad_provider_spoils_neither_the_bootstrap_nor_the_others() {
    let (fake, folder) = (FakeOpenAi::start(), TempDir::new().unwrap());
    std::fs::write(folder.path().join("key"), "sk-from-a-file\n").unwrap();
    let (control, _config) = running(folder.path(), Some(document(&fake))).await;
    let expected =
        [("off", Progress::Stopped), ("odd", Progress::Failed), ("good", Progress::Ready)];
    let expected: Vec<_> = expected.iter().map(|(id, state)| ((*id).to_owned(), *state)).collect();
    assert_eq!(items(&control), expected);
    let live = control.snapshot().state.live().unwrap().lease();
    let current = live.providers.current(Choice { profile: Some("off"), ..Choice::default() });
    let report = probe::check(current.unwrap().as_ref()).await;
    assert_eq!((report.id.as_str(), report.status), ("good", Availability::Available));
    assert_eq!(fake.requests()[0].key.as_deref(), Some("sk-from-a-file"));
    drop(live);
    down(&control).await;
}

#[tokio::test]
async fn the_registry_and_the_timeline_follow_a_changed_document() {
    let (fake, folder) = (FakeOpenAi::start(), TempDir::new().unwrap());
    std::fs::write(folder.path().join("key"), "sk-from-a-file\n").unwrap();
    let document = document(&fake);
    let (control, _config) = running(folder.path(), Some(document.clone())).await;
    let live = control.snapshot().state.live().unwrap().lease();

    let demo = json!({"id": "odd", "type": "demo_chat_completion"});
    let edited = edit::update_provider(&document, "odd", demo).unwrap();
    assert!(live.providers.follow(&edited).await.is_empty());
    assert_eq!(items(&control)[1], ("odd".to_owned(), Progress::Ready));

    let edited = edit::delete_source(&edited.document, "s").unwrap();
    assert!(live.providers.follow(&edited).await.is_empty());
    assert_eq!(items(&control), [("odd".to_owned(), Progress::Ready)]);

    let edited = edit::add_provider(&edited.document, json!({"id": "new", "type": "?"})).unwrap();
    assert_eq!(live.providers.follow(&edited).await[0].1.code(), "unknown_type");
    let record = live.providers.records().pop().unwrap();
    assert!(matches!(record.status, ProviderStatus::Failed(_)), "{record:?}");
    drop(live);
    down(&control).await;
    assert!(items(&control).iter().all(|(_, state)| *state != Progress::Ready));
}

#[tokio::test]
async fn a_provider_can_be_tried_and_asked_for_its_models_while_nothing_runs() {
    let (fake, folder) = (FakeOpenAi::start(), TempDir::new().unwrap());
    std::fs::write(folder.path().join("key"), "sk-from-a-file\n").unwrap();
    let document = document(&fake);
    let defaults =
        ProviderDefaults { folder: folder.path().to_owned(), ..ProviderDefaults::default() };
    let good = ProviderConfig::find(&document, "good", folder.path()).unwrap().unwrap();
    fake.push(Reply::text("pong"));
    let report = probe::check_config(&good, &defaults).await;
    assert_eq!((report.status, report.error), (Availability::Available, None));

    fake.push(Reply::status(404, r#"{"error":{"message":"no such model"}}"#));
    let report = probe::check_config(&good, &defaults).await;
    assert_eq!(report.status, Availability::Unavailable);
    assert!(report.error.unwrap().contains("no such model"));
    let odd = ProviderConfig::find(&document, "odd", folder.path()).unwrap().unwrap();
    let report = probe::check_config(&odd, &defaults).await;
    assert!(report.error.unwrap().contains("no_such_adapter"));

    let source = ProviderConfig::of_source(&document, "s", folder.path()).unwrap().unwrap();
    let models = probe::models_of_config(&source, &defaults).await.unwrap();
    assert_eq!(models, ["fake-model", "fake-model-large"]);
}
