//! An answer as an event stream.

use async_stream::stream;
use firstlight_runtime::platforms::webchat::{ChatEvent, Listener, Next, Sent};
use futures_util::Stream;

use crate::http::events::Event;

/// What a client that has just sent a message gets.
pub(in crate::api) fn answer(
    sent: Sent,
    session_id: String,
    streaming: bool,
) -> impl Stream<Item = Event> {
    stream! {
        yield Event::json(&ChatEvent::SessionId { data: (), session_id });
        if let Some(saved) = sent.saved {
            yield Event::json(&ChatEvent::UserMessageSaved { data: saved });
        }
        let message_id = sent.run_id;
        match sent.listener {
            Some(listener) => {
                for await event in follow(listener, streaming) {
                    yield event;
                }
            }
            // The message was sent before and is answered: the history has it.
            None => yield Event::json(&ChatEvent::End { data: "", message_id }),
        }
    }
}

/// What a client that joins a run gets: a snapshot, and the rest.
pub(super) fn joined(listener: Listener) -> impl Stream<Item = Event> {
    stream! {
        yield Event::json(&ChatEvent::RunSnapshot { data: listener.snapshot.clone() });
        for await event in follow(listener, true) {
            yield event;
        }
    }
}

fn follow(mut listener: Listener, streaming: bool) -> impl Stream<Item = Event> {
    let message_id = listener.snapshot.run_id;
    stream! {
        loop {
            match listener.next().await {
                Next::Event(event) => {
                    let over = matches!(event, ChatEvent::End { .. });
                    if let Some(event) = wanted(event, streaming) {
                        yield Event::json(&event);
                    }
                    if over {
                        break;
                    }
                }
                Next::Lagged => {
                    let data = "The stream fell too far behind. Join the run again.".to_owned();
                    let code = "stream_lagged".to_owned();
                    yield Event::json(&ChatEvent::Error { data, code, message_id });
                    break;
                }
                Next::Ended => break,
            }
        }
    }
}

/// A client that wants the answer whole gets it as one `plain` at the end.
pub(super) fn wanted(event: ChatEvent, streaming: bool) -> Option<ChatEvent> {
    match event {
        event if streaming => Some(event),
        ChatEvent::Plain { .. } => None,
        ChatEvent::Complete { data, message_id, .. } => {
            Some(ChatEvent::Plain { data, streaming: false, chain_type: None, message_id })
        }
        other => Some(other),
    }
}
