//! How far changes of plugins have come, for whoever watches.

use std::collections::BTreeMap;

use jiff::Timestamp;
use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::Serialize;

/// How many changes that are over are remembered.
const REMEMBERED: usize = 100;

/// How far a change has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The package is being fetched.
    Fetching,
    /// It is checked and compiled.
    Preparing,
    /// It is put to work.
    Loading,
    /// It is done.
    Done,
    /// It failed.
    Failed,
}

/// A change of one plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Change {
    /// How far it has come.
    pub stage: Stage,
    /// When it began, in milliseconds since 1970 UTC.
    pub since_ms: i64,
    /// Why it failed.
    pub error: Option<String>,
}

/// The changes by plugin, the last of each.
#[derive(Default)]
pub(super) struct Progress(Mutex<BTreeMap<String, Change>>);

impl Progress {
    pub(super) fn at(&self, plugin: &str, stage: Stage) {
        let mut changes = self.0.lock();
        let begun = changes.get(plugin).filter(|change| !change.stage.is_over());
        let since_ms = begun.map_or_else(|| Timestamp::now().as_millisecond(), |c| c.since_ms);
        changes.insert(plugin.to_owned(), Change { stage, since_ms, error: None });
        while changes.len() > REMEMBERED {
            let over = changes.iter().filter(|(_, change)| change.stage.is_over());
            let oldest = over.min_by_key(|(_, change)| change.since_ms);
            let Some(name) = oldest.map(|(name, _)| name.clone()) else { return };
            changes.remove(&name);
        }
    }

    pub(super) fn done(&self, plugin: &str, error: Option<String>) {
        let stage = if error.is_some() { Stage::Failed } else { Stage::Done };
        self.at(plugin, stage);
        if let Some(change) = self.0.lock().get_mut(plugin) {
            change.error = error;
        }
    }

    pub(super) fn list(&self) -> BTreeMap<String, Change> {
        self.0.lock().clone()
    }
}

impl Stage {
    fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_has_one_beginning_and_old_ones_are_forgotten() {
        let progress = Progress::default();
        progress.at("a", Stage::Fetching);
        let since = progress.list()["a"].since_ms;
        progress.at("a", Stage::Loading);
        progress.done("a", Some("no".into()));
        let change = progress.list()["a"].clone();
        assert_eq!((change.stage, change.since_ms), (Stage::Failed, since));
        assert_eq!(change.error.as_deref(), Some("no"));
        for number in 0..REMEMBERED {
            progress.done(&format!("b{number}"), None);
        }
        assert_eq!(progress.list().len(), REMEMBERED);
    }
}
