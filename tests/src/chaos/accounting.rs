//! The comparison: pure, so that seeded violations can be shown to it.

use std::collections::{BTreeMap, BTreeSet};

use firstlight_core::bus::{InboxState, OutboxState};
use serde::Serialize;

use super::evidence::{Outgoing, Received};
use super::plan::Transport;

/// A message that was said: the marks go up in the order of saying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) mark: u64,
    pub(super) conversation: usize,
}

/// A message that the far side was asked to show, in the order of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    /// The number it got.
    pub(super) id: i64,
    pub(super) mark: Option<u64>,
}

/// All that is known in the end.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    pub(super) said: Vec<Said>,
    pub(super) received: Vec<Received>,
    pub(super) outgoing: Vec<Outgoing>,
    pub(super) shown: Vec<Shown>,
    /// Answers that were being sent when the process died, over all deaths.
    pub(super) in_flight: usize,
    /// From each death to the next answer, in milliseconds.
    pub(super) recoveries: Vec<u64>,
}

/// What came of a run. The names are those of the figures file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Messages that the far side said.
    pub sent: usize,
    /// Of these, messages that were stored.
    pub accepted: usize,
    /// Of these, messages whose answer the far side has seen.
    pub answered: usize,
    /// Accepted messages that are neither answered, nor dead letters, nor marked as uncertain.
    pub lost: usize,
    /// Answers that came after the answer to a later message of their conversation.
    pub out_of_order: usize,
    /// Answers that the far side saw again, and whose row does not say that this may be.
    pub repeated_unmarked: usize,
    /// Answers that are marked: the far side may have them.
    pub uncertain: usize,
    /// The longest time from a death to the next answer, in milliseconds.
    pub recover_ms: u64,
}

/// The rows of one accepted message.
#[derive(Default)]
struct Fate<'a> {
    received: Vec<&'a Received>,
    outgoing: Vec<&'a Outgoing>,
}

impl Evidence {
    /// Compares it all.
    pub(super) fn figures(&self) -> Figures {
        let fates = self.fates();
        let shown_ids: BTreeSet<i64> = self.shown.iter().map(|shown| shown.id).collect();
        let mut times = BTreeMap::<u64, usize>::new();
        for mark in self.shown.iter().filter_map(|shown| shown.mark) {
            *times.entry(mark).or_default() += 1;
        }
        let answered =
            |mark: &u64, fate: &Fate<'_>| times.contains_key(mark) || fate.confirmed(&shown_ids);
        let excused = |mark: &u64| fates.get(mark).is_some_and(Fate::is_marked);
        let repeated = times.iter().filter(|(mark, _)| !excused(mark)).map(|(_, times)| times - 1);
        let uncertain = |row: &&Outgoing| row.state == OutboxState::Uncertain;
        Figures {
            sent: self.said.len(),
            accepted: fates.len(),
            answered: fates.iter().filter(|(mark, fate)| answered(mark, fate)).count(),
            lost: fates
                .iter()
                .filter(|(mark, fate)| !answered(mark, fate) && !fate.is_put_aside())
                .count(),
            out_of_order: self.out_of_order(),
            repeated_unmarked: repeated.sum(),
            uncertain: self.outgoing.iter().filter(uncertain).count(),
            recover_ms: self.recoveries.iter().copied().max().unwrap_or(0),
        }
    }

    /// What must not be, and is.
    pub(super) fn violations(&self, transport: Transport) -> Vec<String> {
        let Figures { sent, accepted, lost, out_of_order, repeated_unmarked, uncertain, .. } =
            self.figures();
        let mut violations = Vec::new();
        let none = [
            ("lost", lost),
            ("out of order", out_of_order),
            ("repeated and not marked", repeated_unmarked),
        ];
        violations.extend(
            none.iter()
                .filter(|(_, count)| *count > 0)
                .map(|(name, count)| format!("{name}: {count}")),
        );
        if uncertain > self.in_flight {
            let in_flight = self.in_flight;
            violations.push(format!("uncertain: {uncertain}, but {in_flight} were in flight"));
        }
        if transport == Transport::Http && sent != accepted {
            violations.push(format!("{sent} were acknowledged, {accepted} accepted"));
        }
        violations
    }

    /// How many accepted messages were answered without their mark: by an excuse.
    pub(super) fn excused(&self) -> usize {
        let marks: BTreeSet<u64> = self.shown.iter().filter_map(|shown| shown.mark).collect();
        let shown: BTreeSet<i64> = self.shown.iter().map(|shown| shown.id).collect();
        let excused =
            |(mark, fate): &(&u64, &Fate<'_>)| !marks.contains(*mark) && fate.confirmed(&shown);
        self.fates().iter().filter(excused).count()
    }

    /// The middle of the times from a death to the next answer, in milliseconds.
    pub(super) fn usual_recovery(&self) -> u64 {
        let mut sorted = self.recoveries.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or(0)
    }

    /// Accepted messages by mark, with all their rows.
    fn fates(&self) -> BTreeMap<u64, Fate<'_>> {
        let mut marks = BTreeMap::new();
        let mut fates = BTreeMap::<u64, Fate<'_>>::new();
        for received in &self.received {
            let Some(mark) = received.mark else { continue };
            marks.insert(received.id, mark);
            fates.entry(mark).or_default().received.push(received);
        }
        for outgoing in &self.outgoing {
            let mark = outgoing.inbox_id.and_then(|id| marks.get(&id));
            if let Some(fate) = mark.and_then(|mark| fates.get_mut(mark)) {
                fate.outgoing.push(outgoing);
            }
        }
        fates
    }

    /// Each answer that first comes after the answer to a later message of its conversation.
    fn out_of_order(&self) -> usize {
        let conversations: BTreeMap<u64, usize> =
            self.said.iter().map(|said| (said.mark, said.conversation)).collect();
        let (mut seen, mut latest) = (BTreeSet::new(), BTreeMap::<usize, u64>::new());
        let mut out_of_order = 0;
        for mark in self.shown.iter().filter_map(|shown| shown.mark) {
            let Some(conversation) = conversations.get(&mark) else { continue };
            if !seen.insert(mark) {
                continue;
            }
            let latest = latest.entry(*conversation).or_default();
            if mark < *latest {
                out_of_order += 1;
            }
            *latest = mark.max(*latest);
        }
        out_of_order
    }
}

impl Fate<'_> {
    /// Whether the far side has seen what its rows call sent, such as an excuse without the mark.
    fn confirmed(&self, shown: &BTreeSet<i64>) -> bool {
        let sent = |row: &&&Outgoing| row.state == OutboxState::Sent;
        let seen = |row: &&Outgoing| row.receipt.is_some_and(|id| shown.contains(&id));
        self.outgoing.iter().filter(sent).any(seen)
    }

    /// Whether the operator is told that the answer may have been sent.
    fn is_marked(&self) -> bool {
        self.outgoing.iter().any(|row| row.state == OutboxState::Uncertain)
    }

    /// Whether it is kept for the operator.
    fn is_put_aside(&self) -> bool {
        let dead = |row: &&Outgoing| row.state == OutboxState::Dead;
        self.is_marked()
            || self.outgoing.iter().any(dead)
            || self.received.iter().any(|row| row.state == InboxState::Dead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four messages in two conversations, accepted, answered and confirmed.
    fn flawless() -> Evidence {
        let marks = [(1, 0), (2, 1), (3, 0), (4, 1)];
        let row = |id: i64| Outgoing {
            inbox_id: Some(id),
            state: OutboxState::Sent,
            receipt: Some(100 + id),
        };
        Evidence {
            said: marks.map(|(mark, conversation)| Said { mark, conversation }).into(),
            received: (1..=4u64).map(|mark| received(mark, InboxState::Done)).collect(),
            outgoing: (1..=4).map(row).collect(),
            shown: (1..=4u64).map(shown).collect(),
            in_flight: 0,
            recoveries: vec![30, 10, 20],
        }
    }

    fn received(mark: u64, state: InboxState) -> Received {
        Received { id: i64::try_from(mark).unwrap(), mark: Some(mark), state }
    }

    fn shown(mark: u64) -> Shown {
        Shown { id: 100 + i64::try_from(mark).unwrap(), mark: Some(mark) }
    }

    fn violations(evidence: &Evidence) -> Vec<String> {
        evidence.violations(Transport::Http)
    }

    #[test]
    fn a_flawless_run_has_no_violation() {
        let evidence = flawless();
        let figures = evidence.figures();
        let expected =
            Figures { sent: 4, accepted: 4, answered: 4, recover_ms: 30, ..Figures::default() };
        assert_eq!(figures, expected);
        assert_eq!(evidence.usual_recovery(), 20);
        assert_eq!(violations(&evidence), Vec::<String>::new());
    }

    #[test]
    fn an_answer_that_nobody_saw_is_lost_whatever_the_database_says() {
        let mut evidence = flawless();
        evidence.shown.remove(2);
        assert_eq!((evidence.figures().answered, evidence.figures().lost), (3, 1));
        evidence.outgoing[2].state = OutboxState::Pending;
        assert_eq!(evidence.figures().lost, 1);
        evidence.outgoing.remove(2);
        assert_eq!(violations(&evidence), ["lost: 1"]);
    }

    #[test]
    fn a_message_that_the_operator_can_see_is_not_lost() {
        let mut evidence = flawless();
        evidence.shown.remove(2);
        evidence.outgoing[2].state = OutboxState::Dead;
        assert_eq!(evidence.figures().lost, 0);
        evidence.outgoing.remove(2);
        evidence.received[2].state = InboxState::Dead;
        assert_eq!(evidence.figures().lost, 0);
        evidence.received[2].state = InboxState::Dropped;
        assert_eq!(evidence.figures().lost, 1);
    }

    #[test]
    fn an_excuse_that_was_seen_is_an_answer() {
        let mut evidence = flawless();
        evidence.shown[2].mark = None;
        assert_eq!((evidence.figures().answered, evidence.figures().lost), (4, 0));
        assert_eq!(evidence.excused(), 1);
        evidence.outgoing[2].receipt = None;
        assert_eq!(evidence.figures().lost, 1);
    }

    #[test]
    fn a_swapped_pair_is_out_of_order_only_within_its_conversation() {
        let mut evidence = flawless();
        evidence.shown.swap(0, 1);
        assert_eq!(evidence.figures().out_of_order, 0);
        let mut evidence = flawless();
        evidence.shown.swap(0, 2);
        assert_eq!(violations(&evidence), ["out of order: 1"]);
    }

    #[test]
    fn a_repetition_is_one_unless_it_is_marked() {
        let mut evidence = flawless();
        evidence.shown.push(shown(1));
        assert_eq!(violations(&evidence), ["repeated and not marked: 1"]);
        evidence.outgoing[0].state = OutboxState::Uncertain;
        evidence.in_flight = 1;
        assert_eq!(violations(&evidence), Vec::<String>::new());
    }

    #[test]
    fn more_uncertain_answers_than_were_in_flight_are_too_many() {
        let mut evidence = flawless();
        evidence.outgoing[0].state = OutboxState::Uncertain;
        assert_eq!(violations(&evidence), ["uncertain: 1, but 0 were in flight"]);
    }

    #[test]
    fn what_was_acknowledged_must_have_been_accepted() {
        let mut evidence = flawless();
        evidence.received.pop();
        evidence.outgoing.pop();
        evidence.shown.pop();
        assert_eq!(violations(&evidence), ["4 were acknowledged, 3 accepted"]);
        assert_eq!(evidence.violations(Transport::Websocket), Vec::<String>::new());
    }

    #[test]
    fn a_message_that_was_stored_twice_is_one_message_answered_twice() {
        let mut evidence = flawless();
        evidence.received.push(Received { id: 9, mark: Some(1), state: InboxState::Done });
        evidence.shown.push(shown(1));
        let figures = evidence.figures();
        assert_eq!((figures.accepted, figures.repeated_unmarked), (4, 1));
    }
}
