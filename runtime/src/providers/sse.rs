//! An incremental parser of event streams (`text/event-stream`), with bounds.

use std::mem;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// One event of a stream. The other fields (`id`, `retry`) mean nothing to a model's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SseEvent {
    /// The `event` field; empty where the sender gave none.
    pub event: String,
    /// The `data` lines, joined by line breaks.
    pub data: String,
}

/// The stream does not keep to the bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    /// One line is longer than allowed.
    #[error("a line is longer than {limit} bytes")]
    LineTooLong { limit: usize },
    /// The lines of one event are longer than allowed, taken together.
    #[error("an event is longer than {limit} bytes")]
    EventTooLong { limit: usize },
}

/// Takes bytes as they come, however they are cut, and gives the events that are complete.
///
/// Lines may end in CR, LF or CRLF; a byte order mark at the start and comments are passed over.
#[derive(Debug)]
pub struct SseParser {
    limit: usize,
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    event: String,
    first_line: bool,
    after_cr: bool,
}

impl SseParser {
    /// `limit` bounds one line, and the data of one event, in bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            data: Vec::new(),
            has_data: false,
            event: String::new(),
            first_line: true,
            after_cr: false,
        }
    }

    /// Takes more bytes. Events that were complete before an error are in `events` all the same.
    pub fn push(&mut self, bytes: &[u8], events: &mut Vec<SseEvent>) -> Result<(), SseError> {
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
            let (head, tail) = rest.split_at(at);
            let Some((end, tail)) = tail.split_first() else { break };
            rest = tail;
            let second_half_of_crlf = self.after_cr && head.is_empty() && *end == b'\n';
            self.after_cr = *end == b'\r';
            if !second_half_of_crlf {
                self.append(head)?;
                self.end_line(events)?;
            }
        }
        if !rest.is_empty() {
            self.after_cr = false;
            self.append(rest)?;
        }
        Ok(())
    }

    /// The stream has ended. What was begun counts as an event: some senders leave out the last
    /// blank line. Whether its data is whole is for the reader of the data to find out.
    pub fn finish(&mut self, events: &mut Vec<SseEvent>) -> Result<(), SseError> {
        if !self.line.is_empty() {
            self.end_line(events)?;
        }
        self.dispatch(events);
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), SseError> {
        if self.line.len() + bytes.len() > self.limit {
            return Err(SseError::LineTooLong { limit: self.limit });
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self, events: &mut Vec<SseEvent>) -> Result<(), SseError> {
        let mut buffer = mem::take(&mut self.line);
        let mut line = buffer.as_slice();
        if mem::take(&mut self.first_line) {
            line = line.strip_prefix(BOM).unwrap_or(line);
        }
        let result = if line.is_empty() {
            self.dispatch(events);
            Ok(())
        } else {
            self.field(line)
        };
        buffer.clear();
        self.line = buffer;
        result
    }

    fn field(&mut self, line: &[u8]) -> Result<(), SseError> {
        let mut halves = line.splitn(2, |byte| *byte == b':');
        let name = halves.next().unwrap_or_default();
        let value = halves.next().unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => {
                if self.data.len() + value.len() + 1 > self.limit {
                    return Err(SseError::EventTooLong { limit: self.limit });
                }
                if mem::replace(&mut self.has_data, true) {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
            }
            b"event" => self.event = String::from_utf8_lossy(value).into_owned(),
            _ => {} // a comment (its name is empty), or a field that means nothing here
        }
        Ok(())
    }

    fn dispatch(&mut self, events: &mut Vec<SseEvent>) {
        let event = mem::take(&mut self.event);
        if mem::take(&mut self.has_data) {
            let data = String::from_utf8_lossy(&self.data).into_owned();
            events.push(SseEvent { event, data });
        }
        self.data.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Outcome = (Vec<(String, String)>, Option<SseError>);

    fn parse<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, limit: usize) -> Outcome {
        let mut parser = SseParser::new(limit);
        let mut events = Vec::new();
        let pushed = pieces.into_iter().try_for_each(|piece| parser.push(piece, &mut events));
        let ended = pushed.and_then(|()| parser.finish(&mut events));
        (events.into_iter().map(|event| (event.event, event.data)).collect(), ended.err())
    }

    fn check(text: &str, expected: &[(&str, &str)]) {
        let (events, error) = parse([text.as_bytes()], 1 << 16);
        let events: Vec<_> = events.iter().map(|(e, d)| (e.as_str(), d.as_str())).collect();
        assert_eq!((events.as_slice(), error), (expected, None), "{text:?}");
    }

    #[test]
    fn every_kind_of_line_end_ends_a_line_once() {
        check("data: a\n\ndata: b\n\n", &[("", "a"), ("", "b")]);
        check("data: a\r\rdata: b\r\r", &[("", "a"), ("", "b")]);
        check("data: a\r\n\r\ndata: b\r\n\r\n", &[("", "a"), ("", "b")]);
        check("data: a\r\ndata: b\n\r\n", &[("", "a\nb")]);
    }

    #[test]
    fn fields_comments_and_marks_are_read_as_the_standard_says() {
        check("\u{feff}data: a\n\n", &[("", "a")]);
        check(": hello\ndata:a\n: there\ndata:  b\n\n", &[("", "a\n b")]);
        check("event: error\ndata: x\n\ndata: y\n\n", &[("error", "x"), ("", "y")]);
        check("event: lonely\n\nid: 7\nretry: 5\nother\n\n", &[]);
        check("data\n\n", &[("", "")]);
        check("data: a:b\n\n", &[("", "a:b")]);
    }

    #[test]
    fn an_event_without_its_blank_line_counts_at_the_end() {
        check("data: a\n\ndata: [DONE]", &[("", "a"), ("", "[DONE]")]);
    }

    #[test]
    fn bounds_hold_for_lines_and_for_events_and_keep_what_came_before() {
        let long = format!("data: ok\n\ndata: {}\n\n", "x".repeat(100));
        let (events, error) = parse([long.as_bytes()], 64);
        assert_eq!(events.len(), 1);
        assert_eq!(error, Some(SseError::LineTooLong { limit: 64 }));
        let many = "data: 0123456789\n".repeat(10);
        let (events, error) = parse([many.as_bytes()], 64);
        assert!(events.is_empty());
        assert_eq!(error, Some(SseError::EventTooLong { limit: 64 }));
    }

    proptest! {
        #[test]
        fn any_split_of_the_bytes_gives_the_same_events(
            lines in prop::collection::vec((
                prop_oneof![
                    "data: ?[a-z:\u{4e00}-\u{4e10} ]{0,12}", "event: ?[a-z]{0,6}", ": [a-z]{0,4}",
                    Just(String::new()), Just("data".to_owned()), Just("\u{feff}".to_owned()),
                ],
                prop_oneof![Just("\n"), Just("\r"), Just("\r\n")],
            ), 0..24),
            cuts in prop::collection::vec(0usize..400, 0..20),
            limit in 8usize..64,
        ) {
            let text: String = lines.iter().flat_map(|(line, end)| [line.as_str(), end]).collect();
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]);
            prop_assert_eq!(parse(pieces, limit), parse([bytes], limit));
            prop_assert_eq!(parse(bytes.chunks(1), limit), parse([bytes], limit));
        }
    }
}
