//! What `fuzz/` calls. Compiled by cargo-fuzz alone; panics when something is not as it must be.

use super::decode::Decoder;
use crate::providers::chat::ChatEvent;
use crate::providers::redact::Redactor;

/// The bytes of an answer: however they are cut, they say the same.
pub fn stream_chunks(bytes: &[u8]) {
    let Some((cut, bytes)) = bytes.split_first() else { return };
    let whole = said(bytes, bytes.len().max(1));
    let pieces = said(bytes, usize::from(*cut).max(1));
    assert_eq!(whole, pieces);
    let mut decoder = Decoder::new();
    let _any_outcome = decoder.whole(bytes, &Redactor::default(), &mut Vec::new());
}

/// Thinking, text and the ending, and whether it was an error.
fn said(bytes: &[u8], size: usize) -> (String, String, Vec<ChatEvent>, Option<String>) {
    let (mut decoder, redactor, mut events) = (Decoder::new(), Redactor::default(), Vec::new());
    let mut ended = Ok(());
    for piece in bytes.chunks(size) {
        ended = decoder.stream(piece, &redactor, &mut events);
        if ended.is_err() || decoder.ended() {
            break;
        }
    }
    if ended.is_ok() && !decoder.ended() {
        ended = decoder.stream_end(None, &redactor, &mut events);
    }
    let (mut thought, mut text, mut rest) = (String::new(), String::new(), Vec::new());
    for event in events {
        match event {
            ChatEvent::ReasoningDelta(delta) => thought.push_str(&delta),
            ChatEvent::TextDelta(delta) => text.push_str(&delta),
            ChatEvent::Usage(_) | ChatEvent::Done(_) => rest.push(event),
        }
    }
    (thought, text, rest, ended.err().map(|error| error.to_string()))
}
