//! Splits an answer that begins with `<think>…</think>` into thinking and text, as it streams.

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// A piece of a split answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Thought {
    Reasoning(String),
    Text(String),
}

/// Only a block at the very start is thinking: later on, a model may write *about* the tag.
#[derive(Debug, Default)]
pub(super) struct ThinkSplitter {
    state: State,
    /// Text that may be the beginning of a tag, or white space around one.
    held: String,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing but white space or a part of the opening tag so far.
    #[default]
    Start,
    Inside,
    /// Behind the closing tag, before the first character of the text.
    Behind,
    Text,
}

impl ThinkSplitter {
    pub(super) fn push(&mut self, text: &str, out: &mut Vec<Thought>) {
        self.held.push_str(text);
        while self.step(out) {}
    }

    /// The answer has ended: what was held back is what it looks like.
    pub(super) fn finish(&mut self, out: &mut Vec<Thought>) {
        let held = std::mem::take(&mut self.held);
        match self.state {
            State::Inside => emit(out, Thought::Reasoning, held),
            State::Behind => {}
            State::Start | State::Text => emit(out, Thought::Text, held),
        }
        self.state = State::Text;
    }

    /// Does what can be done with the held text; says whether there may be more to do.
    fn step(&mut self, out: &mut Vec<Thought>) -> bool {
        match self.state {
            State::Start => {
                let trimmed = self.held.trim_start();
                if let Some(rest) = trimmed.strip_prefix(OPEN) {
                    self.held = rest.to_owned();
                    self.state = State::Inside;
                    true
                } else if OPEN.starts_with(trimmed) {
                    false
                } else {
                    self.state = State::Text;
                    true
                }
            }
            State::Inside => {
                if let Some((thought, rest)) = self.held.split_once(CLOSE) {
                    emit(out, Thought::Reasoning, thought.to_owned());
                    self.held = rest.to_owned();
                    self.state = State::Behind;
                    return true;
                }
                let keep = possible_tag(&self.held);
                let rest = self.held.split_off(self.held.len() - keep);
                emit(out, Thought::Reasoning, std::mem::replace(&mut self.held, rest));
                false
            }
            State::Behind => {
                let trimmed = self.held.trim_start();
                if trimmed.is_empty() {
                    self.held.clear();
                    return false;
                }
                self.held = trimmed.to_owned();
                self.state = State::Text;
                true
            }
            State::Text => {
                emit(out, Thought::Text, std::mem::take(&mut self.held));
                false
            }
        }
    }
}

/// The length of the longest end of `text` that the closing tag could begin with.
fn possible_tag(text: &str) -> usize {
    (1..CLOSE.len())
        .rev()
        .find(|length| CLOSE.get(..*length).is_some_and(|start| text.ends_with(start)))
        .unwrap_or(0)
}

fn emit(out: &mut Vec<Thought>, kind: fn(String) -> Thought, text: String) {
    if !text.is_empty() {
        out.push(kind(text));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split<'a>(pieces: impl IntoIterator<Item = &'a str>) -> (String, String) {
        let mut splitter = ThinkSplitter::default();
        let mut out = Vec::new();
        pieces.into_iter().for_each(|piece| splitter.push(piece, &mut out));
        splitter.finish(&mut out);
        let (mut reasoning, mut text) = (String::new(), String::new());
        for thought in out {
            match thought {
                Thought::Reasoning(more) => {
                    assert!(text.is_empty(), "thinking never follows text");
                    reasoning.push_str(&more);
                }
                Thought::Text(more) => text.push_str(&more),
            }
        }
        (reasoning, text)
    }

    fn check(answer: &str, reasoning: &str, text: &str) {
        assert_eq!(split([answer]), (reasoning.to_owned(), text.to_owned()), "{answer:?}");
    }

    #[test]
    fn a_block_at_the_start_is_thinking_and_nothing_else_is() {
        check("plain", "", "plain");
        check("<think>a</think>\n\nb", "a", "b");
        check("\n <think>a</think>b", "a", "b");
        check("the tag <think>x</think> is text", "", "the tag <think>x</think> is text");
        check("<thing>", "", "<thing>");
        check("<thi", "", "<thi");
        check("  indented", "", "  indented");
        check("<think>never closed </thin", "never closed </thin", "");
        check("<think></think>b </think> c", "", "b </think> c");
    }

    proptest! {
        #[test]
        fn any_split_of_the_text_gives_the_same_halves(
            parts in prop::collection::vec(prop_oneof![
                Just("<think>"), Just("</think>"), Just("<"), Just("</"), Just("think>"), Just("\n"),
                Just("思"), Just("a"), Just(" ")], 0..12),
            cuts in prop::collection::vec(0usize..80, 0..12),
        ) {
            let answer: String = parts.concat();
            let mut cuts: Vec<usize> = cuts.into_iter()
                .filter(|cut| answer.is_char_boundary(*cut)).collect();
            cuts.extend([0, answer.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|cut| &answer[cut[0]..cut[1]]);
            prop_assert_eq!(split(pieces), split([answer.as_str()]));
        }
    }
}
