//! Which conversation a session talks in: asked before every turn, so it is kept in memory.

use std::collections::HashMap;

use parking_lot::Mutex;

/// How many sessions are kept in memory at most.
const KEPT: usize = 16_384;

/// The conversation that a session talks in, as far as it does not change with every message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TalksIn {
    /// Its id.
    pub conversation_id: String,
    /// The persona that answers in it, if not the profile's.
    pub persona_id: Option<String>,
}

/// The memory of it; one for each database. Who writes conversations makes it forget.
#[derive(Default)]
pub(super) struct TalksCache {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    sessions: HashMap<String, TalksIn>,
    /// Goes up with every change, so that what was read before a change is not kept after it.
    version: u64,
}

impl TalksCache {
    /// What is kept, or what to give to [`Self::keep`] once it has been read.
    pub(super) fn find(&self, umo: &str) -> Result<TalksIn, u64> {
        let kept = self.kept.lock();
        kept.sessions.get(umo).cloned().ok_or(kept.version)
    }

    /// Keeps what was read, unless something has changed since.
    pub(super) fn keep(&self, umo: String, talks_in: TalksIn, version: u64) {
        let mut kept = self.kept.lock();
        if kept.version == version {
            if kept.sessions.len() >= KEPT {
                kept.sessions.clear();
            }
            kept.sessions.insert(umo, talks_in);
        }
    }

    /// The session may talk in another conversation now.
    pub(super) fn forget(&self, umo: &str) {
        let mut kept = self.kept.lock();
        kept.version += 1;
        kept.sessions.remove(umo);
    }
}
