//! An answer as it comes, for event streams and sockets alike.

use async_stream::stream;
use firstlight_runtime::platforms::webchat::{ChatEvent, Listener, Next, Sent};
use futures_util::{Stream, StreamExt};

use crate::http::events::Event;

/// What a client that has just sent a message gets.
pub fn answer(sent: Sent, session_id: String, streaming: bool) -> impl Stream<Item = ChatEvent> {
    stream! {
        yield ChatEvent::SessionId { data: (), session_id };
        for await event in answered(sent, streaming) {
            yield event;
        }
    }
}

/// The same without the name of the session, for a client that knows it.
pub fn answered(sent: Sent, streaming: bool) -> impl Stream<Item = ChatEvent> {
    stream! {
        if let Some(saved) = sent.saved {
            yield ChatEvent::UserMessageSaved { data: saved };
        }
        match sent.listener {
            Some(listener) => {
                for await event in follow(listener, streaming) {
                    yield event;
                }
            }
            // The message was sent before and is answered: the history has it.
            None => yield ChatEvent::End { data: "", message_id: sent.run_id },
        }
    }
}

/// What a client that joins a run gets: a snapshot, and the rest.
pub fn joined(listener: Listener) -> impl Stream<Item = ChatEvent> {
    stream! {
        yield ChatEvent::RunSnapshot { data: listener.snapshot.clone() };
        for await event in follow(listener, true) {
            yield event;
        }
    }
}

/// What a client that watches anyway gets of a run that it has not sent: the rest of it, and a
/// snapshot first where something was said before.
pub fn caught_up(listener: Listener) -> impl Stream<Item = ChatEvent> {
    stream! {
        if !listener.snapshot.content.text.is_empty() {
            yield ChatEvent::RunSnapshot { data: listener.snapshot.clone() };
        }
        for await event in follow(listener, true) {
            yield event;
        }
    }
}

/// The events as an event stream has them.
pub fn as_events(events: impl Stream<Item = ChatEvent>) -> impl Stream<Item = Event> {
    events.map(|event| Event::json(&event))
}

fn follow(mut listener: Listener, streaming: bool) -> impl Stream<Item = ChatEvent> {
    let message_id = listener.snapshot.run_id;
    stream! {
        loop {
            match listener.next().await {
                Next::Event(event) => {
                    let over = matches!(event, ChatEvent::End { .. });
                    if let Some(event) = wanted(event, streaming) {
                        yield event;
                    }
                    if over {
                        break;
                    }
                }
                Next::Lagged => {
                    let data = "The stream fell too far behind. Join the run again.".to_owned();
                    let code = "stream_lagged".to_owned();
                    yield ChatEvent::Error { data, code, message_id };
                    break;
                }
                Next::Ended => break,
            }
        }
    }
}

/// A client that wants the answer whole gets it as one `plain` at the end.
fn wanted(event: ChatEvent, streaming: bool) -> Option<ChatEvent> {
    match event {
        event if streaming => Some(event),
        ChatEvent::Plain { .. } => None,
        ChatEvent::Complete { data, message_id, .. } => {
            Some(ChatEvent::Plain { data, streaming: false, chain_type: None, message_id })
        }
        other => Some(other),
    }
}
