//! The turns that are running, by session, and how they are ended from outside.
//!
//! A session has one turn at a time. Whoever ends it (a command such as `/stop`, the page, a
//! socket) cancels the token that its model call listens to; what had been said is kept.

use std::collections::HashMap;
use std::sync::Arc;

use firstlight_core::model::SessionKey;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// The running turns; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct LiveTurns(Arc<Mutex<HashMap<SessionKey, Session>>>);

#[derive(Debug, Default)]
struct Session {
    running: Option<Running>,
    /// Commands that end what came before them, from just before they are accepted until their own
    /// turn begins. Few at any time, for each of them has its turn.
    announced: Vec<Announced>,
}

#[derive(Debug)]
struct Running {
    inbox_id: i64,
    stop: CancellationToken,
}

#[derive(Debug)]
struct Announced {
    identity: String,
    /// Known once the command is accepted; from then on, earlier messages that begin end at once.
    inbox_id: Option<i64>,
}

/// A turn that is running. Dropping it takes it off the list.
#[derive(Debug)]
pub(super) struct LiveTurn {
    turns: LiveTurns,
    session: SessionKey,
    inbox_id: i64,
}

/// A command that is about to be accepted and ends what came before it. Dropping it before that
/// takes it back.
#[derive(Debug)]
pub(crate) struct Announcement {
    turns: LiveTurns,
    session: SessionKey,
    identity: String,
    accepted: bool,
}

impl LiveTurns {
    /// Ends the running turn of a session; answers how many there were (0 or 1).
    pub fn stop(&self, session: &SessionKey) -> usize {
        let sessions = self.0.lock();
        let running = sessions.get(session).and_then(|session| session.running.as_ref());
        running.inspect(|running| running.stop.cancel()).map_or(0, |_| 1)
    }

    /// Puts a turn on the list. It is ended at once when a command that came after it asked so
    /// before it could begin.
    pub(super) fn begin(
        &self,
        session: &SessionKey,
        inbox_id: i64,
        identity: &str,
        stop: CancellationToken,
    ) -> LiveTurn {
        let mut sessions = self.0.lock();
        let entry = sessions.entry(session.clone()).or_default();
        entry.announced.retain(|announced| announced.identity != identity);
        let later = |announced: &Announced| announced.inbox_id.is_some_and(|id| inbox_id < id);
        if entry.announced.iter().any(later) {
            stop.cancel();
        }
        entry.running = Some(Running { inbox_id, stop });
        drop(sessions);
        LiveTurn { turns: self.clone(), session: session.clone(), inbox_id }
    }

    /// Says that a command is about to be accepted which ends what came before it.
    pub(super) fn announce(&self, session: &SessionKey, identity: &str) -> Announcement {
        let announced = Announced { identity: identity.to_owned(), inbox_id: None };
        self.0.lock().entry(session.clone()).or_default().announced.push(announced);
        Announcement {
            turns: self.clone(),
            session: session.clone(),
            identity: identity.to_owned(),
            accepted: false,
        }
    }

    fn change(&self, session: &SessionKey, change: impl FnOnce(&mut Session)) {
        let mut sessions = self.0.lock();
        let Some(entry) = sessions.get_mut(session) else { return };
        change(entry);
        if entry.running.is_none() && entry.announced.is_empty() {
            sessions.remove(session);
        }
    }
}

impl Announcement {
    /// The command is durable: what runs and came before it ends now.
    pub(crate) fn accepted(mut self, inbox_id: i64) {
        self.accepted = true;
        self.turns.change(&self.session, |entry| {
            if let Some(earlier) = entry.running.as_ref().filter(|turn| turn.inbox_id < inbox_id) {
                earlier.stop.cancel();
            }
            // Gone already when the command's own turn has begun meanwhile.
            let mine = entry.announced.iter_mut().find(|one| one.identity == self.identity);
            if let Some(mine) = mine {
                mine.inbox_id = Some(inbox_id);
            }
        });
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        if !self.accepted {
            self.turns.change(&self.session, |entry| {
                entry.announced.retain(|one| one.identity != self.identity);
            });
        }
    }
}

impl Drop for LiveTurn {
    fn drop(&mut self) {
        self.turns.change(&self.session, |entry| {
            if entry.running.as_ref().is_some_and(|turn| turn.inbox_id == self.inbox_id) {
                entry.running = None;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> SessionKey {
        "qq:GroupMessage:7_1".parse().unwrap()
    }

    fn begin(turns: &LiveTurns, id: i64) -> (LiveTurn, CancellationToken) {
        let stop = CancellationToken::new();
        (turns.begin(&session(), id, &format!("m{id}"), stop.clone()), stop)
    }

    #[test]
    fn a_stop_ends_the_running_turn_of_its_session_only() {
        let turns = LiveTurns::default();
        let (live, stop) = begin(&turns, 1);
        assert_eq!(turns.stop(&"qq:GroupMessage:8_1".parse().unwrap()), 0);
        assert!(!stop.is_cancelled());
        assert_eq!(turns.stop(&session()), 1);
        assert!(stop.is_cancelled());
        drop(live);
        assert_eq!(turns.stop(&session()), 0);
    }

    #[test]
    fn a_command_ends_what_runs_once_it_is_accepted_and_never_its_own_turn() {
        let turns = LiveTurns::default();
        let (_live, earlier) = begin(&turns, 1);
        let announcement = turns.announce(&session(), "m2");
        assert!(!earlier.is_cancelled(), "it is not durable yet");
        announcement.accepted(2);
        assert!(earlier.is_cancelled());
        let (_live, own) = begin(&turns, 2);
        assert!(!own.is_cancelled());
    }

    #[test]
    fn a_command_whose_own_turn_was_quicker_than_its_acknowledgement_does_not_end_it() {
        let turns = LiveTurns::default();
        let announcement = turns.announce(&session(), "m2");
        let (_live, own) = begin(&turns, 2);
        announcement.accepted(2);
        assert!(!own.is_cancelled());
    }

    #[test]
    fn an_earlier_message_that_begins_after_the_command_was_accepted_ends_at_once() {
        let turns = LiveTurns::default();
        turns.announce(&session(), "m2").accepted(2);
        let (live, earlier) = begin(&turns, 1);
        assert!(earlier.is_cancelled());
        drop(live);
        let (live, own) = begin(&turns, 2);
        assert!(!own.is_cancelled());
        drop(live);
        let (_live, next) = begin(&turns, 3);
        assert!(!next.is_cancelled());
    }

    #[test]
    fn p9_nothing_is_remembered_of_a_session_without_a_turn() {
        let turns = LiveTurns::default();
        drop(turns.announce(&session(), "refused"));
        drop(begin(&turns, 1));
        turns.announce(&session(), "m2").accepted(2);
        drop(begin(&turns, 2));
        assert!(turns.0.lock().is_empty());
    }
}
