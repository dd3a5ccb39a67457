//! The data folder of a gateway under load: its documents, and what it has stored before.

use std::path::PathBuf;

use anyhow::Result;
use firstlight_core::config::{ConfigStore, DocumentId};
use firstlight_core::db::{Database, NewConversation, NewMessage};
use serde_json::{Value, json};

use super::peer;
use crate::talk::openai_at;

/// How many tokens of a conversation a model is shown, the least there is: a window of the same
/// length however much is stored, so that what is measured is the storing.
const WINDOW: u32 = 256;
/// How many messages are stored at once.
const CHUNK: u64 = 1_000;

/// What the folder is to hold.
pub struct Folder {
    /// Where it is.
    pub data: PathBuf,
    /// The address of the model's API.
    pub model: String,
    /// The port for OneBot.
    pub port: u16,
    /// Conversations that are there already.
    pub conversations: u64,
    /// Messages that each of them has.
    pub stored: u64,
}

/// Makes it. No gateway may run on it.
pub async fn prepare(folder: &Folder) -> Result<()> {
    std::fs::create_dir_all(&folder.data)?;
    let database = Database::open(&folder.data.join("firstlight.db")).await?;
    let config = ConfigStore::open(database.clone()).await?;
    let documents = [
        (DocumentId::Providers, openai_at(&folder.model)),
        (DocumentId::Platforms, platforms(folder.port)),
        ("profile:default".parse()?, profile(&config)?),
    ];
    for (id, value) in documents {
        let revision = config.view(&id)?.revision;
        config.save(&id, revision, value, "bench").await?;
    }
    config.close().await;
    for number in 0..folder.conversations {
        conversation(&database, number, folder.stored).await?;
    }
    database.close().await;
    Ok(())
}

fn platforms(port: u16) -> Value {
    json!({ "platform": [{
        "id": peer::PLATFORM, "type": "aiocqhttp", "enable": true,
        "ws_reverse_host": "127.0.0.1", "ws_reverse_port": port, "ws_reverse_token": "",
        "concurrent_sends": 64 }] })
}

/// The default profile, with no limit of messages and a short window.
fn profile(config: &ConfigStore) -> Result<Value> {
    let mut profile = config.view(&"profile:default".parse()?)?.value.clone();
    profile["platform_settings"]["rate_limit"]["count"] = json!(0);
    profile["provider_settings"]["history_max_tokens"] = json!(WINDOW);
    Ok(profile)
}

async fn conversation(database: &Database, number: u64, stored: u64) -> Result<()> {
    let umo = peer::session(number);
    let new =
        NewConversation { platform_id: peer::PLATFORM.into(), umo, title: None, persona_id: None };
    let made = database.conversations().create(new).await?;
    let mut left = stored;
    while left > 0 {
        let count = left.min(CHUNK);
        let message = |index: u64| {
            let role = if index.is_multiple_of(2) { "user" } else { "assistant" };
            let content = json!({ "role": role, "content": peer::SAID_BEFORE });
            NewMessage { role: role.into(), content, tokens: 27 }
        };
        let messages = (0..count).map(message).collect();
        database.conversations().append_messages(&made.conversation_id, messages).await?;
        left -= count;
    }
    Ok(())
}
