//! The binary's folder, and who is around it.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use firstlight_core::config::DocumentId;
use serde_json::{Value, json};

use super::plan::{Kill, Plan, Transport};
use crate::fake_onebot::{Account, FakeOneBot, Role};
use crate::fake_openai::FakeOpenAi;
use crate::gateway_process::{Build, Folder, GatewayProcess};
use crate::talk::openai_at;

pub(super) struct World {
    folder: Folder,
    build: Build,
    pub(super) far: Arc<FakeOneBot>,
    _model: FakeOpenAi,
}

impl World {
    pub(super) async fn new(plan: &Plan) -> Result<Self> {
        let folder = Folder::empty()?;
        let model = FakeOpenAi::start();
        model.forgetful();
        let port = free_port()?;
        let account = Account::new(10_001);
        let (far, keys) = match plan.transport {
            Transport::Websocket => {
                let gateway = format!("ws://127.0.0.1:{port}");
                let far = FakeOneBot::reverse(account.clone(), &gateway, &[Role::Universal])?;
                (far, json!({"ws_reverse_token": account.token}))
            }
            Transport::Http => {
                let callback = format!("http://127.0.0.1:{port}/");
                let far = FakeOneBot::http(account.clone(), &callback)?;
                let keys = json!({
                    "ws_reverse_enable": false,
                    "http_callback_enable": true, "http_callback_secret": account.secret,
                    "http_api_url": far.address(), "http_api_token": account.token,
                });
                (far, keys)
            }
        };
        folder.save_document(&DocumentId::Providers, openai_at(&model.api_base())).await?;
        folder.save_document(&DocumentId::Platforms, platforms(port, keys)).await?;
        // The far side is not to be slowed down here: what is refused by a limit is not answered.
        let profile = json!({ "platform_settings": { "rate_limit": { "count": 0 } } });
        folder.save_document(&DocumentId::default_profile(), profile).await?;
        Ok(Self { folder, build: plan.build, far: Arc::new(far), _model: model })
    }

    /// Starts the binary, which dies at a named step if that is the next death.
    pub(super) async fn start(&self, next: Option<&Kill>) -> Result<GatewayProcess> {
        let exits = match next {
            Some(Kill::Point { point, passage }) => json!({ point.as_str(): passage }),
            Some(Kill::Signal { .. }) | None => json!({}),
        };
        self.folder.inject(&json!({ "exits": exits }))?;
        self.folder.launch(self.build).await
    }

    /// The last lines of the log.
    pub(super) fn said(&self) -> String {
        self.folder.said()
    }

    pub(super) fn database(&self) -> PathBuf {
        self.folder.data().join("firstlight.db")
    }
}

fn platforms(port: u16, keys: Value) -> Value {
    let mut entry = json!({
        "id": "qq", "type": "aiocqhttp", "enable": true,
        "ws_reverse_host": "127.0.0.1", "ws_reverse_port": port,
    });
    if let (Some(entry), Value::Object(keys)) = (entry.as_object_mut(), keys) {
        entry.extend(keys);
    }
    json!({ "platform": [entry] })
}

/// A port that was free a moment ago: every process of the run listens on the same one.
fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
