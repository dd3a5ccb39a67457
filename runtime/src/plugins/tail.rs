//! The last lines that a plugin wrote.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

/// How many lines are kept.
const LINES: usize = 100;

/// Clones share the lines.
#[derive(Clone, Default)]
pub(super) struct Tail {
    lines: Arc<Mutex<VecDeque<String>>>,
}

impl Tail {
    /// The lines, oldest first.
    pub(super) fn lines(&self) -> Vec<String> {
        self.lines.lock().iter().cloned().collect()
    }

    pub(super) fn push(&self, line: String) {
        let mut lines = self.lines.lock();
        if lines.len() >= LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}
