//! How long it takes from `/stop` until the model's call has ended, as the model sees it.

use std::net::TcpListener;
use std::time::Duration;

use anyhow::{Context as _, Result};
use firstlight_core::config::DocumentId;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::fake_onebot::{Account, FakeOneBot, Role, text};
use crate::fake_openai::{Answer, FakeOpenAi, Outcome, Reply};
use crate::gateway_process::{Build, Folder, GatewayProcess};
use crate::process::PATIENCE;
use crate::talk::{ChatSocket, first_words, openai_at, say};

/// A streamed answer of a minute: so many words, and before each so long.
const WORDS: usize = 600;
const PACE_MS: u64 = 100;
/// How much of it is there before it is stopped.
const HEARD: Duration = Duration::from_millis(250);
/// The person on OneBot.
const USER: i64 = 1_001;

/// Milliseconds of each stop, by where it was said.
#[derive(Debug, Default, Serialize)]
pub struct StopTimes {
    /// In the chat of the page.
    pub webchat: Vec<f64>,
    /// Over the page's socket.
    pub socket: Vec<f64>,
    /// On OneBot.
    pub onebot: Vec<f64>,
}

struct Scene {
    model: FakeOpenAi,
    gateway: GatewayProcess,
    /// How many answers have been begun.
    begun: usize,
}

/// Stops that many answers in each of the three places.
pub async fn measure(rounds: usize) -> Result<StopTimes> {
    let model = FakeOpenAi::start();
    let words = vec!["word"; WORDS].join(" ");
    model.otherwise(Reply::Answer(Answer {
        text: Some(words),
        delay_ms: PACE_MS,
        ..Answer::default()
    }));
    let folder = Folder::with_account(Build::Plain).await?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    folder.save_providers(openai_at(&model.api_base())).await?;
    folder.save_document(&DocumentId::Platforms, onebot(port)).await?;
    folder.save_document(&DocumentId::default_profile(), profile()).await?;
    let gateway = folder.start(Build::Plain).await?;
    gateway.ready().await?;
    let account = Account { self_id: 10_000, token: None, secret: None };
    let address = format!("ws://127.0.0.1:{port}");
    let far_side = FakeOneBot::reverse(account, &address, &[Role::Universal])?;
    far_side.connected().await;
    let mut socket = ChatSocket::open(&gateway).await?;
    let mut scene = Scene { model, gateway, begun: 0 };
    let mut times = StopTimes::default();
    for _ in 0..rounds {
        times.webchat.push(scene.webchat().await?);
        times.socket.push(scene.socket(&mut socket).await?);
        times.onebot.push(scene.onebot(&far_side).await?);
    }
    scene.gateway.terminate()?;
    scene.gateway.ended().await?;
    Ok(times)
}

fn onebot(port: u16) -> Value {
    json!({ "platform": [{
        "id": "qq", "type": "aiocqhttp", "enable": true,
        "ws_reverse_host": "127.0.0.1", "ws_reverse_port": port, "ws_reverse_token": "" }] })
}

/// So many messages of one person would be too many for the rate limit.
fn profile() -> Value {
    json!({
        "platform_settings": { "rate_limit": { "count": 0 } },
        "provider_settings": { "streaming_response": true },
    })
}

impl Scene {
    async fn webchat(&mut self) -> Result<f64> {
        let mut running = say(&self.gateway, "webchat", "tell me everything").await?;
        first_words(&mut running).await?;
        self.answering().await?;
        let began = Instant::now();
        // Sent as the page does, which waits for no answer before it goes on.
        let mut stopping = say(&self.gateway, "webchat", "/stop").await?;
        let took = self.ended(began).await?;
        stopping.to_end().await?;
        running.to_end().await?;
        Ok(took)
    }

    async fn socket(&mut self, socket: &mut ChatSocket) -> Result<f64> {
        socket.say("tell me everything").await?;
        self.answering().await?;
        let began = Instant::now();
        socket.say("/stop").await?;
        let took = self.ended(began).await?;
        // Of the answer, and of the command.
        for _ in 0..2 {
            socket.until(|frame| frame["type"] == "end").await?;
        }
        Ok(took)
    }

    async fn onebot(&mut self, far_side: &FakeOneBot) -> Result<f64> {
        let shown = far_side.shown().len();
        far_side.say(&far_side.private_message(USER, &[text("tell me everything")])).await?;
        self.answering().await?;
        let stop = far_side.private_message(USER, &[text("/stop")]);
        let began = Instant::now();
        far_side.say(&stop).await?;
        let took = self.ended(began).await?;
        far_side.shows(shown + 1).await;
        Ok(took)
    }

    /// Waits until the model is in the middle of another answer.
    async fn answering(&mut self) -> Result<()> {
        self.begun += 1;
        timeout(PATIENCE, self.model.requested(self.begun))
            .await
            .context("the model was not asked")?;
        tokio::time::sleep(HEARD).await;
        Ok(())
    }

    /// The time until the model sees that nobody listens any more, in milliseconds.
    async fn ended(&self, began: Instant) -> Result<f64> {
        let left = self.model.wait(|all| all.iter().all(|one| one.outcome == Outcome::ClosedEarly));
        timeout(PATIENCE, left).await.context("the model's call went on")?;
        Ok(began.elapsed().as_secs_f64() * 1e3)
    }
}
