//! A client's view of an event stream.

use anyhow::{Context as _, Result};
use reqwest::Response;
use serde_json::Value;
use tokio::time::timeout;

use crate::process::PATIENCE;

/// An open event stream.
pub struct EventStream {
    response: Response,
    /// What has arrived and is not yet a whole event.
    rest: Vec<u8>,
}

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// Its name; empty when it has none.
    pub name: String,
    /// Its data.
    pub data: String,
}

impl EventStream {
    /// The stream that is the body of an answer.
    pub fn of(response: Response) -> Self {
        Self { response, rest: Vec::new() }
    }

    /// The next event; nothing when the stream has ended properly. A connection that breaks is an
    /// error.
    pub async fn next(&mut self) -> Result<Option<Event>> {
        loop {
            if let Some(end) = self.rest.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.rest.drain(..end + 2).collect();
                let event = Event::read(&String::from_utf8(block)?);
                if event != Event::default() {
                    return Ok(Some(event));
                }
                continue;
            }
            match self.response.chunk().await? {
                Some(bytes) => self.rest.extend_from_slice(&bytes),
                None => return Ok(None),
            }
        }
    }

    /// The next event of which this holds, within the patience of a test.
    pub async fn until(&mut self, wanted: impl Fn(&Event) -> bool) -> Result<Event> {
        let find = async {
            loop {
                let event = self.next().await?.context("the stream ended before")?;
                if wanted(&event) {
                    return Ok(event);
                }
            }
        };
        timeout(PATIENCE, find).await.context("the event does not come")?
    }

    /// Every event until the stream ends, within the patience of a test.
    pub async fn to_end(&mut self) -> Result<Vec<Event>> {
        let read = async {
            let mut events = Vec::new();
            while let Some(event) = self.next().await? {
                events.push(event);
            }
            anyhow::Ok(events)
        };
        timeout(PATIENCE, read).await.context("the stream does not end")?
    }
}

impl Event {
    /// Its data as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.data).with_context(|| format!("{self:?} is no JSON"))
    }

    /// The `type` member of its data.
    pub fn kind(&self) -> String {
        let value = self.json().unwrap_or_default();
        value["type"].as_str().unwrap_or_default().to_owned()
    }

    /// Comments are no events: a block of nothing else reads as the default.
    fn read(block: &str) -> Self {
        let mut event = Self::default();
        for line in block.lines() {
            if let Some(name) = line.strip_prefix("event: ") {
                name.clone_into(&mut event.name);
            } else if let Some(data) = line.strip_prefix("data: ") {
                if !event.data.is_empty() {
                    event.data.push('\n');
                }
                event.data.push_str(data);
            }
        }
        event
    }
}
