//! Model metadata as a lifecycle component: fetched, kept, and cancelled on the way down.

use std::path::Path;
use std::time::Duration;

use firstlight_core::lifecycle::{
    Bootstrap, Component as _, Control, Options, Progress, StepFailure, Steps, supervise,
};
use firstlight_core::settings::{ModelMetadata, Period};
use firstlight_runtime::metadata::{Metadata, MetadataComponent};
use firstlight_runtime::providers::ProviderDefaults;
use firstlight_tests::fake_openai::{FakeOpenAi, Outcome, Reply};
use serde_json::json;
use tempfile::TempDir;

struct Plan {
    metadata: Metadata,
    settings: ModelMetadata,
    defaults: ProviderDefaults,
}

impl Bootstrap for Plan {
    type Runtime = ();

    const COMPONENTS: &'static [&'static str] = &[MetadataComponent::NAME];

    async fn bootstrap(&self, steps: &mut Steps) -> Result<(), StepFailure> {
        let (metadata, settings) = (self.metadata.clone(), self.settings.clone());
        steps
            .start_tolerated(MetadataComponent::new(metadata, settings, self.defaults.clone()))
            .await?;
        Ok(())
    }
}

async fn running(url: Option<String>, interval: Period, folder: &Path) -> (Control<()>, Metadata) {
    let metadata = Metadata::default();
    let plan = Plan {
        metadata: metadata.clone(),
        settings: ModelMetadata { url, interval, max_bytes: 10_000 },
        defaults: ProviderDefaults { folder: folder.to_owned(), ..ProviderDefaults::default() },
    };
    let control = supervise(plan, Options::default());
    let began = control.start().await.generation().unwrap();
    assert_eq!(control.settled(began).await.state.name(), "runtime_ready");
    (control, metadata)
}

fn catalogue(context: u64) -> Reply {
    Reply::json(&json!({"openai": {"models": {"gpt-x": {"limit": {"context": context}}}}}))
}

fn url(fake: &FakeOpenAi) -> String {
    format!("http://{}/api.json", fake.address())
}

/// Returns once the component's item is in this state, with its error.
async fn item_is(control: &Control<()>, state: Progress) -> Option<String> {
    let mut changes = control.timeline().subscribe();
    let reached = changes.wait_for(|history| {
        let attempt = history.current.as_ref();
        attempt.is_some_and(|attempt| {
            attempt
                .components
                .iter()
                .flat_map(|component| &component.items)
                .any(|item| item.state == state)
        })
    });
    let history = reached.await.unwrap();
    let item = &history.current.as_ref().unwrap().components[0].items[0];
    item.error.clone()
}

async fn down(control: &Control<()>) {
    let generation = control.shutdown().await.generation().unwrap();
    assert_eq!(control.settled(generation).await.state.name(), "created");
}

#[tokio::test]
async fn nothing_is_fetched_unless_an_address_is_configured() {
    let folder = TempDir::new().unwrap();
    let (control, metadata) = running(None, Period::hours(24), folder.path()).await;
    assert!(metadata.fetched_at().is_none());
    let timeline = control.timeline().snapshot();
    assert!(timeline.current.as_ref().unwrap().components[0].items.is_empty());
    down(&control).await;
}

#[tokio::test]
async fn what_was_fetched_survives_a_restart_without_being_fetched_again() {
    let (fake, folder) = (FakeOpenAi::start(), TempDir::new().unwrap());
    fake.when_path("/api.json", catalogue(1000));
    let (control, metadata) = running(Some(url(&fake)), Period::hours(24), folder.path()).await;
    item_is(&control, Progress::Ready).await;
    assert_eq!(metadata.model("openai", "gpt-x").unwrap().context, 1000);
    down(&control).await;

    let (control, metadata) = running(Some(url(&fake)), Period::hours(24), folder.path()).await;
    assert_eq!(metadata.model("openai", "gpt-x").unwrap().context, 1000);
    item_is(&control, Progress::Ready).await;
    down(&control).await;
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test]
async fn a_fetch_that_fails_keeps_what_is_known_and_says_why() {
    let check = async |reply: Reply, expected: &str| {
        let (fake, folder) = (FakeOpenAi::start(), TempDir::new().unwrap());
        fake.when_path("/api.json", catalogue(1000));
        let (control, metadata) =
            running(Some(url(&fake)), Period::seconds(1), folder.path()).await;
        item_is(&control, Progress::Ready).await;
        fake.when_path("/api.json", reply);
        let error = item_is(&control, Progress::Failed).await.unwrap();
        assert!(error.contains(expected), "{error}");
        assert_eq!(metadata.model("openai", "gpt-x").unwrap().context, 1000);
        down(&control).await;
    };
    check(Reply::server_error(), "status 500").await;
    check(Reply::json(&json!({"error": "x".repeat(20_000)})), "longer than 10000 bytes").await;
    check(Reply::json(&json!({"openai": {}})), "lists no models").await;
    check(Reply::events(&["no JSON"]), "no catalogue").await;
}

#[tokio::test]
async fn a_broken_copy_on_disk_does_not_stand_in_the_way() {
    let (fake, folder) = (FakeOpenAi::start(), TempDir::new().unwrap());
    std::fs::write(folder.path().join("model-metadata.json"), "{").unwrap();
    fake.when_path("/api.json", catalogue(1000));
    let (control, metadata) = running(Some(url(&fake)), Period::hours(24), folder.path()).await;
    item_is(&control, Progress::Ready).await;
    assert!(metadata.fetched_at().is_some());
    down(&control).await;
}

#[tokio::test]
async fn a_running_fetch_is_ended_by_every_way_down() {
    let (fake, folder) = (FakeOpenAi::start(), TempDir::new().unwrap());
    fake.when_path("/api.json", Reply::Silence);
    let (control, _metadata) = running(Some(url(&fake)), Period::hours(24), folder.path()).await;
    for (round, way) in ["stop", "restart", "shutdown"].iter().enumerate() {
        if round > 0 && control.snapshot().state.live().is_none() {
            let began = control.start().await.generation().unwrap();
            control.settled(began).await;
        }
        fake.requested(round + 1).await;
        let answer = match *way {
            "stop" => control.stop().await,
            "restart" => control.restart().await,
            _ => control.shutdown().await,
        };
        if let Some(generation) = answer.generation() {
            control.settled(generation).await;
        }
        let ended = fake.wait(|list| list[round].outcome != Outcome::Running);
        let list = tokio::time::timeout(Duration::from_secs(10), ended).await.unwrap();
        assert_eq!(list[round].outcome, Outcome::ClosedEarly, "{way}");
    }
}
