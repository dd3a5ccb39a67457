//! Listeners that need a regular expression to be found, looked for all at once.

use std::sync::Arc;

use regex::{RegexSet, RegexSetBuilder};

use super::filters::looked_at;
use super::index::CommandEntry;

/// The largest set of regular expressions that are looked for together, in bytes.
const SET_LIMIT: usize = 16 << 20;

/// Listeners that need a regular expression to be found.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    entries: Vec<usize>,
    /// All of them at once; absent when that would be too large, and then each is asked.
    set: Option<RegexSet>,
}

impl Patterns {
    pub(super) fn add(&mut self, at: usize) {
        self.entries.push(at);
    }

    /// Puts the expressions of all added entries together.
    pub(super) fn finish(&mut self, all: &[Arc<CommandEntry>]) {
        let sources = self.entries.iter().filter_map(|at| all.get(*at));
        let sources = sources.filter_map(|entry| entry.filter.required_pattern());
        let mut set = RegexSetBuilder::new(sources);
        self.set = set.size_limit(SET_LIMIT).dfa_size_limit(SET_LIMIT).build().ok();
    }

    /// The entries whose expression is found in a text.
    pub(super) fn candidates(&self, text: &str) -> Vec<usize> {
        if self.entries.is_empty() {
            return Vec::new();
        }
        match &self.set {
            Some(set) => {
                let matched = set.matches(looked_at(text));
                matched.iter().filter_map(|index| self.entries.get(index).copied()).collect()
            }
            None => self.entries.clone(),
        }
    }
}
