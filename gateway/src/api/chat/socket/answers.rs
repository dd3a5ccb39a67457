//! The answers that one socket watches.

use std::pin::Pin;

use firstlight_runtime::platforms::webchat::{ChatEvent, Runs};
use futures_util::{Stream, StreamExt};
use serde_json::{Value, json};
use tokio_stream::StreamMap;
use uuid::Uuid;

/// How many answers one socket may watch at the same time.
const WATCHED: usize = 64;

/// Answers as they come, each event with the ids of its message and session.
pub struct Answers {
    runs: Runs,
    watched: StreamMap<Uuid, Pin<Box<dyn Stream<Item = Value>>>>,
}

impl Answers {
    pub fn new(runs: Runs) -> Self {
        Self { runs, watched: StreamMap::new() }
    }

    /// Whether one more answer may be watched.
    pub fn has_room(&self) -> bool {
        self.watched.len() < WATCHED
    }

    /// Watches an answer, unless it is watched already.
    pub fn watch(
        &mut self,
        message_id: Uuid,
        session_id: &str,
        events: impl Stream<Item = ChatEvent> + 'static,
    ) {
        if !self.watched.contains_key(&message_id) {
            let session_id = session_id.to_owned();
            let tagged = events.map(move |event| tagged(&event, message_id, &session_id));
            self.watched.insert(message_id, Box::pin(tagged));
        }
    }

    /// The next event of any of them; waits for ever while none is watched. Cancel-safe.
    pub async fn next(&mut self) -> Value {
        match self.watched.next().await {
            Some((_, event)) => event,
            None => std::future::pending().await,
        }
    }

    /// Stops one answer that is watched, or all of them.
    pub fn stop(&self, message_id: Option<&str>) {
        let wanted = |id: &&Uuid| message_id.is_none_or(|wanted| id.to_string() == wanted);
        for id in self.watched.keys().filter(wanted) {
            if let Some(run) = self.runs.find(*id) {
                run.stop();
            }
        }
    }

    /// The runs of which this knows.
    pub fn runs(&self) -> &Runs {
        &self.runs
    }
}

/// Several answers share a socket, so each frame says which one it belongs to.
pub fn tagged(event: &ChatEvent, message_id: Uuid, session_id: &str) -> Value {
    let mut frame = json!(event);
    if let Some(members) = frame.as_object_mut() {
        members.entry("message_id").or_insert_with(|| json!(message_id));
        members.entry("session_id").or_insert_with(|| json!(session_id));
    }
    frame
}
