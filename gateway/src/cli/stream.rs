//! One answer of the gateway, read event by event.

use std::collections::VecDeque;

use firstlight_runtime::providers::sse::{SseEvent, SseParser};
use serde_json::Value;

use super::chat::broken;
use crate::exit::{Exit, Problem};

/// The longest event that is read.
const LONGEST: usize = 4 * 1024 * 1024;

/// The events of one answer.
pub(super) struct Events {
    response: reqwest::Response,
    parser: SseParser,
    waiting: VecDeque<SseEvent>,
    ended: bool,
}

impl Events {
    pub(super) fn new(response: reqwest::Response) -> Self {
        Self { response, parser: SseParser::new(LONGEST), waiting: VecDeque::new(), ended: false }
    }

    /// The next event, or nothing at the end. Dropping the wait loses nothing.
    pub(super) async fn next(&mut self) -> Result<Option<Value>, Problem> {
        loop {
            while let Some(event) = self.waiting.pop_front() {
                if let Ok(value) = serde_json::from_str(&event.data) {
                    return Ok(Some(value));
                }
            }
            if self.ended {
                return Ok(None);
            }
            let chunk = self.response.chunk().await.map_err(|error| broken(&error))?;
            let mut events = Vec::new();
            let parsed = if let Some(bytes) = chunk {
                self.parser.push(&bytes, &mut events)
            } else {
                self.ended = true;
                self.parser.finish(&mut events)
            };
            parsed.map_err(|error| {
                let what = "the answer could not be read";
                Problem::caused(Exit::Internal, what, &error, "report it")
            })?;
            self.waiting.extend(events);
        }
    }
}
