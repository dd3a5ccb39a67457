//! A gateway with one OneBot platform, and a bare client for what the fake cannot misdo.

use std::sync::Arc;
use std::time::Duration;

use firstlight_core::bus::{Bus, BusSettings, InboxRow, InboxState, NewOutbox, OutboxState};
use firstlight_core::config::{ConfigStore, DocumentId, PlatformEntry};
use firstlight_core::db::{Database, Page};
use firstlight_core::lifecycle::{Control, Lease, Options, supervise};
use firstlight_core::model::{MessageChain, MessageEvent, Outgoing};
use firstlight_core::settings::Settings;
use firstlight_runtime::platforms::PlatformStatus;
use firstlight_runtime::plugins::Compiler;
use firstlight_runtime::{Foundation, Plan, Runtime};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

pub(super) const PATIENCE: Duration = Duration::from_secs(30);
const ALL: Page = Page { number: 1, size: 500 };

/// A gateway with one OneBot platform, `qq`.
pub(super) struct Gateway {
    pub(super) control: Control<Runtime>,
    pub(super) foundation: Foundation,
    _folder: TempDir,
}

/// A client on the far side.
pub(super) struct Client {
    pub(super) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Gateway {
    pub(super) async fn start(keys: Value) -> Self {
        Self::start_with(keys, BusSettings::default()).await
    }

    pub(super) async fn start_with(keys: Value, bus: BusSettings) -> Self {
        let folder = TempDir::new().unwrap();
        let database = Database::open(&folder.path().join("test.db")).await.unwrap();
        let settings = Settings { data_dir: folder.path().to_owned(), ..Settings::default() };
        let foundation = Foundation {
            config: ConfigStore::open(database.clone()).await.unwrap(),
            bus: Bus::new(database.clone(), bus),
            database,
            settings: Arc::new(settings),
        };
        let document = json!({ "platform": [entry_value(keys)] });
        let view = foundation.config.view(&DocumentId::Platforms).unwrap();
        let saved =
            foundation.config.save(&DocumentId::Platforms, view.revision, document, "a test");
        saved.await.unwrap();
        let plan = Plan::open(foundation.clone(), Vec::new(), Compiler::InProcess).await.unwrap();
        let control = supervise(plan, Options::default());
        let began = control.start().await.generation().unwrap();
        assert_eq!(control.settled(began).await.state.name(), "runtime_ready");
        Self { control, foundation, _folder: folder }
    }

    pub(super) fn lease(&self) -> Lease<Runtime> {
        self.control.snapshot().state.live().unwrap().lease()
    }

    pub(super) fn status(&self) -> PlatformStatus {
        let found = self.lease().platforms.statuses().into_iter().find(|s| s.id == "qq");
        found.unwrap()
    }

    pub(super) async fn address(&self) -> String {
        until("the platform listens", || self.status().connections.listening).await
    }

    pub(super) async fn connect(&self) -> Client {
        let address = self.address().await;
        Client::connect(&format!("ws://{address}/ws"), &[("X-Self-ID", "10001")]).await.unwrap()
    }

    pub(super) async fn apply(&self, keys: Value) -> Result<(), String> {
        let entry: PlatformEntry = serde_json::from_value(entry_value(keys)).unwrap();
        self.lease().platforms.apply(&entry).await.map_err(|error| error.to_string())
    }

    /// Every row of the inbox, oldest first.
    pub(super) async fn inbox(&self) -> Vec<InboxRow> {
        let mut rows = Vec::new();
        for state in InboxState::ALL {
            rows.extend(self.foundation.bus.inbox_in(state, ALL).await.unwrap());
        }
        rows.sort_by_key(|row| row.id);
        // One may have moved on while the states were looked at one after the other.
        rows.dedup_by_key(|row| row.id);
        rows
    }

    pub(super) async fn received(&self, count: usize) -> Vec<MessageEvent> {
        let rows = loop {
            let rows = self.inbox().await;
            if rows.len() >= count {
                break rows;
            }
            sleep(Duration::from_millis(10)).await;
        };
        rows.into_iter().map(|row| serde_json::from_value(row.payload).unwrap()).collect()
    }

    pub(super) async fn queue(&self, session: &str, chain: MessageChain) -> i64 {
        let outgoing = Outgoing::new(session.parse().unwrap(), chain);
        self.queue_payload(session, json!(outgoing)).await
    }

    pub(super) async fn queue_payload(&self, session: &str, payload: Value) -> i64 {
        let new = NewOutbox {
            platform_id: "qq".into(),
            session_key: session.into(),
            payload,
            resend_safe: false,
            idempotency_key: None,
        };
        match self.foundation.bus.enqueue(vec![new]).await.unwrap() {
            firstlight_core::bus::Enqueued::Rows(rows) => rows[0],
            firstlight_core::bus::Enqueued::Full => panic!("the outbox is full"),
        }
    }

    pub(super) async fn becomes(
        &self,
        id: i64,
        wanted: OutboxState,
    ) -> firstlight_core::bus::OutboxRow {
        let found = async {
            loop {
                let row = self.foundation.bus.outbox_row(id).await.unwrap().unwrap();
                if row.state == wanted {
                    return row;
                }
                sleep(Duration::from_millis(10)).await;
            }
        };
        let Ok(row) = timeout(PATIENCE, found).await else {
            panic!("never {wanted:?}: {:?}", self.foundation.bus.outbox_row(id).await.unwrap())
        };
        row
    }
}

pub(super) fn entry_value(mut keys: Value) -> Value {
    let map = keys.as_object_mut().unwrap();
    map.insert("id".into(), json!("qq"));
    map.entry("type").or_insert(json!("aiocqhttp"));
    map.entry("ws_reverse_port").or_insert(json!(0));
    keys
}

pub(super) async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

impl Client {
    pub(super) async fn connect(url: &str, headers: &[(&'static str, &str)]) -> Result<Self, u16> {
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match connect_async(request).await {
            Ok((socket, _)) => Ok(Self { socket }),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    pub(super) async fn say(&mut self, event: &Value) {
        self.socket.send(Message::text(event.to_string())).await.unwrap();
    }

    /// The next call.
    pub(super) async fn call(&mut self) -> Value {
        loop {
            let message = timeout(PATIENCE, self.socket.next()).await.expect("a call in time");
            match message.expect("an open connection").expect("a sound connection") {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Close(_) => panic!("closed"),
                _ => {}
            }
        }
    }

    pub(super) async fn answer(&mut self, call: &Value, data: Value) {
        let echo = &call["echo"];
        self.say(&json!({ "status": "ok", "retcode": 0, "data": data, "echo": echo })).await;
    }

    /// Whether the gateway closes the connection.
    pub(super) async fn is_closed(&mut self) -> bool {
        let end = async {
            loop {
                match self.socket.next().await {
                    None | Some(Err(_) | Ok(Message::Close(_))) => return true,
                    Some(Ok(_)) => {}
                }
            }
        };
        timeout(PATIENCE, end).await.unwrap_or(false)
    }
}

pub(super) fn group_message(message_id: i64, text: &str) -> Value {
    json!({
        "post_type": "message", "message_type": "group", "sub_type": "normal",
        "message_id": message_id, "group_id": 200, "user_id": 300, "self_id": 10001,
        "time": 1_700_000_001, "message": [{ "type": "text", "data": { "text": text } }],
        "raw_message": text, "group_name": "G",
        "sender": { "user_id": 300, "nickname": "Ann", "card": "Annie", "role": "member" },
    })
}

pub(super) const GROUP: &str = "qq:GroupMessage:200";
