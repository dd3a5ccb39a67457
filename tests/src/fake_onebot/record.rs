//! What the fake has seen.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

/// One action as it was asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its name, such as `send_group_msg`, without the suffixes `_async` and `_rate_limited`.
    pub action: String,
    /// Its parameters.
    pub params: Value,
    /// What the answer is found by; null over HTTP.
    pub echo: Value,
    /// When it came.
    pub at: Instant,
    /// On which connection; each has a number of its own.
    pub connection: u64,
    /// The id of the message that the chat shows now, if the action sent one.
    pub shown: Option<i64>,
}

/// One attempt to connect, or one request of the HTTP API.
#[derive(Debug, Clone)]
pub struct Handshake {
    /// The path that was asked for.
    pub path: String,
    /// The headers, by their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The status it was refused with, if it was; 0 when there was nobody to talk to.
    pub refused: Option<u16>,
}

/// Lists that can be waited on.
#[derive(Debug)]
pub(super) struct Records {
    asked: Mutex<Vec<Asked>>,
    handshakes: Mutex<Vec<Handshake>>,
    changed: watch::Sender<u64>,
}

impl Asked {
    /// What a message says: its text segments, joined.
    pub fn text(&self) -> String {
        match self.params.get("message") {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(segments)) => segments
                .iter()
                .filter(|segment| segment["type"] == "text")
                .filter_map(|segment| segment["data"]["text"].as_str())
                .collect(),
            _ => String::new(),
        }
    }
}

impl Records {
    pub(super) fn new() -> Self {
        let changed = watch::Sender::new(0);
        Self { asked: Mutex::default(), handshakes: Mutex::default(), changed }
    }

    pub(super) fn ask(&self, asked: Asked) {
        lock(&self.asked).push(asked);
        self.changed.send_modify(|count| *count += 1);
    }

    pub(super) fn shake(&self, handshake: Handshake) {
        lock(&self.handshakes).push(handshake);
        self.changed.send_modify(|count| *count += 1);
    }

    pub(super) fn asked_since(&self, place: usize) -> Vec<Asked> {
        lock(&self.asked).get(place..).unwrap_or_default().to_vec()
    }

    pub(super) fn handshakes(&self) -> Vec<Handshake> {
        lock(&self.handshakes).clone()
    }

    /// Returns once the condition holds.
    pub(super) async fn wait(&self, condition: impl Fn(&[Asked], &[Handshake]) -> bool) {
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            if condition(&lock(&self.asked), &lock(&self.handshakes)) {
                return;
            }
            // The sender lives as long as the list.
            let _ = changed.changed().await;
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
