//! The last lines that a program wrote to its error output.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::providers::redact::Redactor;

/// How many lines are kept.
const LINES: usize = 50;
/// A line longer than this is cut into several, in bytes.
const LONGEST: usize = 1024;

/// Clones share the lines.
#[derive(Clone, Default)]
pub(super) struct ErrorTail {
    lines: Arc<Mutex<VecDeque<String>>>,
}

impl ErrorTail {
    /// The lines, oldest first.
    pub(super) fn lines(&self) -> Vec<String> {
        self.lines.lock().iter().cloned().collect()
    }

    /// Reads until the end of the output; what the redactor knows does not get into the lines.
    pub(super) async fn read(&self, mut from: impl AsyncRead + Unpin, redactor: &Redactor) {
        let (mut chunk, mut line) = ([0; LONGEST], Vec::new());
        while let Ok(count @ 1..) = from.read(&mut chunk).await {
            for byte in chunk.iter().take(count) {
                if *byte == b'\n' || line.len() >= LONGEST {
                    self.push(&mut line, redactor);
                }
                if *byte != b'\n' {
                    line.push(*byte);
                }
            }
        }
        self.push(&mut line, redactor);
    }

    fn push(&self, line: &mut Vec<u8>, redactor: &Redactor) {
        let text = redactor.clean(&String::from_utf8_lossy(line));
        line.clear();
        if text.is_empty() {
            return;
        }
        let mut lines = self.lines.lock();
        if lines.len() >= LINES {
            lines.pop_front();
        }
        lines.push_back(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(output: &[u8]) -> Vec<String> {
        let tail = ErrorTail::default();
        tail.read(output, &Redactor::of(vec!["a-long-secret".into()])).await;
        tail.lines()
    }

    #[tokio::test]
    async fn the_last_lines_are_kept_without_secrets() {
        let output: Vec<_> = (0..60).map(|n| format!("line {n} a-long-secret")).collect();
        let lines = read(output.join("\n").as_bytes()).await;
        assert_eq!(lines.len(), LINES);
        assert_eq!(lines[0], "line 10 [redacted]");
        assert_eq!(read(b"\n\n  \r\nlast, unfinished").await, ["last, unfinished"]);
    }

    #[tokio::test]
    async fn an_endless_line_stays_within_the_bound_and_bytes_that_are_no_text_do_no_harm() {
        let lines = read(&b"x".repeat(1 << 20)).await;
        assert_eq!(lines.len(), LINES);
        assert!(lines.iter().all(|line| line.len() <= LONGEST));
        assert_eq!(read(b"\xff\xfe\n").await, ["\u{fffd}\u{fffd}"]);
    }
}
