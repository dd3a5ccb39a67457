//! A gateway whose platform is a test: it hands messages in and reads what waits to be sent.

use std::path::Path;
use std::sync::Arc;

use firstlight_core::bus::{
    Accepted, Bus, BusSettings, Clock, InboxRow, InboxState, OutboxRow, OutboxState,
};
use firstlight_core::config::{ConfigStore, DocumentId};
use firstlight_core::db::{Database, Page};
use firstlight_core::lifecycle::{Control, Options, supervise};
use firstlight_core::model::{
    Component, Group, MessageChain, MessageEvent, Outgoing, Sender, SessionKey,
};
use firstlight_core::settings::Settings;
use firstlight_runtime::plugins::{Compiler, Registration};
use firstlight_runtime::{Foundation, Plan, Runtime};
use firstlight_tests::fake_openai::FakeOpenAi;
use serde_json::{Value, json};
use tempfile::TempDir;

pub(super) struct Gateway {
    pub(super) control: Control<Runtime>,
    pub(super) foundation: Foundation,
    pub(super) model: FakeOpenAi,
    _folder: TempDir,
}

/// What a test gateway is made with.
#[derive(Default)]
pub(super) struct Made {
    /// Laid over the default profile, key by key.
    pub(super) profile: Value,
    pub(super) clock: Option<Clock>,
    pub(super) plugins: Vec<Registration>,
    pub(super) without_model: bool,
    pub(super) bus: BusSettings,
}

impl Gateway {
    /// A gateway that is ready, with this laid over its default profile.
    pub(super) async fn with(profile: Value) -> Self {
        let gateway = Self::made(Made { profile, ..Made::default() }).await;
        gateway.start().await;
        gateway
    }

    /// A gateway that is not started yet.
    pub(super) async fn made(made: Made) -> Self {
        let folder = TempDir::new().unwrap();
        let model = FakeOpenAi::start();
        let foundation = foundation(folder.path(), made.bus, made.clock.unwrap_or_default()).await;
        let provider = json!([{
            "id": "model", "type": "openai_chat_completion", "provider_type": "chat_completion",
            "enable": !made.without_model, "model": "fake-model", "api_base": model.api_base(),
            "key": ["sk-test"] }]);
        let providers = json!({ "provider_sources": [], "provider": provider });
        save(&foundation, DocumentId::Providers, providers).await;
        let default = DocumentId::Profile("default".to_owned());
        let mut profile = foundation.config.snapshot().document(&default).unwrap().value.clone();
        lay_over(&mut profile, made.profile);
        save(&foundation, default, profile).await;
        let plan = Plan::open(foundation.clone(), made.plugins, Compiler::InProcess).await.unwrap();
        let control = supervise(plan, Options::default());
        Self { control, foundation, model, _folder: folder }
    }

    pub(super) async fn start(&self) {
        let began = self.control.start().await.generation().unwrap();
        assert_eq!(self.control.settled(began).await.state.name(), "runtime_ready");
    }

    /// Hands a message in, as an adapter does, and answers with its number.
    pub(super) async fn receive(&self, event: MessageEvent) -> i64 {
        let identity = event.message_id.clone();
        let state = self.control.snapshot().state;
        let lease = state.live().unwrap().lease();
        match lease.platforms.intake().accept(event, identity).await.unwrap() {
            Accepted::New(id) => id,
            other => panic!("expected a new message, got {other:?}"),
        }
    }

    /// Hands a message in and waits for the end of its turn.
    pub(super) async fn answer(&self, event: MessageEvent) -> InboxRow {
        let id = self.receive(event).await;
        self.row(id, |row| !row.state.is_unfinished()).await
    }

    /// Waits until the row is as wanted.
    pub(super) async fn row(&self, id: i64, wanted: impl Fn(&InboxRow) -> bool) -> InboxRow {
        loop {
            let row = self.foundation.bus.inbox_row(id).await.unwrap().unwrap();
            if wanted(&row) {
                return row;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Waits until a session has no running turn. A turn leaves the list just after its row is done.
    pub(super) async fn at_rest(&self, session: &SessionKey) {
        let state = self.control.snapshot().state;
        let lease = state.live().unwrap().lease();
        while lease.live.stop(session) > 0 {
            tokio::task::yield_now().await;
        }
    }

    /// Hands a message in that is expected to be done, and answers with what is said to it.
    pub(super) async fn said(&self, event: MessageEvent) -> Vec<String> {
        let row = self.answer(event).await;
        assert_eq!(row.state, InboxState::Done, "{row:?}");
        let of_it =
            self.queued().await.into_iter().filter(|queued| queued.inbox_id == Some(row.id));
        of_it.map(|queued| outgoing(&queued).message.outline()).collect()
    }

    /// What waits to be sent, in order.
    pub(super) async fn queued(&self) -> Vec<OutboxRow> {
        let page = Page { number: 1, size: 100 };
        let mut rows = self.foundation.bus.outbox_in(OutboxState::Pending, page).await.unwrap();
        rows.sort_by_key(|row| row.id);
        rows
    }

    /// All that waits to be sent, however much that is.
    pub(super) async fn all_queued(&self) -> Vec<OutboxRow> {
        let mut all = Vec::new();
        for number in 1.. {
            let page = Page { number, size: 500 };
            let rows = self.foundation.bus.outbox_in(OutboxState::Pending, page).await.unwrap();
            if rows.is_empty() {
                break;
            }
            all.extend(rows);
        }
        all
    }

    /// What the model was asked last.
    pub(super) fn asked(&self) -> String {
        let requests = self.model.requests();
        requests.last().map(|request| request.body.to_string()).unwrap_or_default()
    }
}

pub(super) fn outgoing(row: &OutboxRow) -> Outgoing {
    serde_json::from_value(row.payload.clone()).unwrap()
}

async fn foundation(folder: &Path, bus: BusSettings, clock: Clock) -> Foundation {
    let database = Database::open(&folder.join("test.db")).await.unwrap();
    Foundation {
        config: ConfigStore::open(database.clone()).await.unwrap(),
        bus: Bus::with_clock(database.clone(), bus, clock),
        database,
        settings: Arc::new(Settings { data_dir: folder.to_owned(), ..Settings::default() }),
    }
}

pub(super) async fn save(foundation: &Foundation, id: DocumentId, value: Value) {
    let revision = foundation.config.view(&id).unwrap().revision;
    foundation.config.save(&id, revision, value, "a test").await.unwrap();
}

fn lay_over(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                lay_over(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (_, Value::Null) => {}
        (base, over) => *base = over,
    }
}

/// A private message of `user` on the platform `qq`.
pub(super) fn private(user: &str, id: &str, text: &str) -> MessageEvent {
    let session = format!("qq:FriendMessage:{user}").parse().unwrap();
    event(session, user, id, MessageChain::text(text))
}

/// A message of `user` in the group `7` of the platform `qq`.
pub(super) fn group(user: &str, id: &str, text: &str) -> MessageEvent {
    let session = "qq:GroupMessage:7".parse().unwrap();
    let mut event = event(session, user, id, MessageChain::text(text));
    event.group = Some(Group { group_id: "7".into(), ..Group::default() });
    event
}

fn event(session: SessionKey, user: &str, id: &str, message: MessageChain) -> MessageEvent {
    let sender = Sender { user_id: user.into(), nickname: Some(format!("name of {user}")) };
    let mut event = MessageEvent::new(session, "aiocqhttp", id, sender, message);
    event.self_id = "42".into();
    event
}

/// The same message with more in it.
pub(super) fn with(
    mut event: MessageEvent,
    more: impl IntoIterator<Item = Component>,
) -> MessageEvent {
    event.message.chain.extend(more);
    event
}
