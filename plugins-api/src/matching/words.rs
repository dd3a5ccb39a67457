//! A command line, read word by word.
//!
//! Words are separated by white space of any kind. A word in `"…"`, `'…'` or `“…”` may hold white
//! space; within `"…"` a backslash takes the next quotation mark or backslash as it is. A quotation
//! mark that is never closed is an ordinary character, as is one in the middle of a word.

use crate::{Message, Person, Piece};

/// A command line: the text after the wake prefix, with mentions where they stand.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Line {
    spans: Vec<Span>,
}

#[derive(Debug, Clone, PartialEq)]
enum Span {
    Text(String),
    Mention(Person),
}

/// One word of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// Text, without the quotes around it.
    Text {
        /// The text.
        text: String,
        /// Whether it stood in quotes.
        quoted: bool,
    },
    /// A mention of a person.
    Mention(Person),
}

/// Writes a text so that it is read back as one word.
pub fn quote(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

impl Line {
    /// A line of text alone.
    pub fn text(text: impl Into<String>) -> Self {
        Self { spans: vec![Span::Text(text.into())] }
    }

    /// The line of a message whose text without the wake prefix is `text`: mentions that stand
    /// after the beginning of the text are part of it, those before it addressed somebody.
    pub fn of(message: &Message, text: &str) -> Self {
        let mentions = message.pieces.iter().any(|piece| matches!(piece, Piece::At { .. }));
        let plain = message.plain_text();
        let plain = plain.trim_end();
        let text = text.trim();
        if !mentions || !plain.ends_with(text) {
            return Self::text(text);
        }
        Self::after(message, plain.len() - text.len())
    }

    /// What stands after the first `skip` bytes of the plain text.
    fn after(message: &Message, skip: usize) -> Self {
        let (mut at, mut spans) = (0_usize, Vec::new());
        for piece in &message.pieces {
            match piece {
                Piece::Text { text, .. } => {
                    let from = skip.saturating_sub(at).min(text.len());
                    if let Some(rest) = text.get(from..).filter(|rest| !rest.trim().is_empty()) {
                        spans.push(Span::Text(rest.to_owned()));
                    }
                    // Pieces are joined by one space.
                    at += text.len() + 1;
                }
                Piece::At { qq, name } if !spans.is_empty() => {
                    spans.push(Span::Mention(Person { id: qq.clone(), name: name.clone() }));
                }
                _ => {}
            }
        }
        Self { spans }
    }

    /// Reads it from the beginning.
    pub fn words(&self) -> Words<'_> {
        Words { spans: &self.spans, at: 0, unclosed: [false; QUOTES.len()] }
    }
}

const QUOTES: [(char, char); 3] = [('"', '"'), ('\'', '\''), ('“', '”')];

/// A place in a line.
#[derive(Debug, Clone)]
pub struct Words<'a> {
    spans: &'a [Span],
    /// The offset in the first of them.
    at: usize,
    /// Kinds of quotes that are known not to be closed any more in the first of them, so that
    /// looking for the closing one again and again does not cost the square of the line's length.
    unclosed: [bool; QUOTES.len()],
}

impl Words<'_> {
    /// All that is left, as it was written, trimmed.
    pub fn rest(self) -> String {
        let mut rest = String::new();
        for (index, span) in self.spans.iter().enumerate() {
            match span {
                Span::Text(text) if index == 0 => rest.push_str(tail(text, self.at)),
                Span::Text(text) => rest.push_str(text),
                Span::Mention(person) => {
                    rest.push('@');
                    rest.push_str(if person.name.is_empty() { &person.id } else { &person.name });
                }
            }
        }
        rest.trim().to_owned()
    }

    fn next_span(&mut self) {
        self.spans = self.spans.get(1..).unwrap_or_default();
        self.at = 0;
        self.unclosed = [false; QUOTES.len()];
    }

    /// The word that begins here, in text that does not begin with white space, and its length.
    fn word(&mut self, text: &str) -> (Word, usize) {
        if let Some((inner, length)) = self.quoted(text) {
            return (Word::Text { text: inner, quoted: true }, length);
        }
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        // `--key="a value"`: the quotes begin after the first `=`.
        if text.starts_with("--")
            && let Some(equals) = text.get(..end).and_then(|word| word.find('='))
            && let Some((inner, length)) = self.quoted(tail(text, equals + 1))
        {
            let key = text.get(..=equals).unwrap_or_default();
            let word = Word::Text { text: format!("{key}{inner}"), quoted: false };
            return (word, equals + 1 + length);
        }
        let word = text.get(..end).unwrap_or_default().to_owned();
        (Word::Text { text: word, quoted: false }, end)
    }

    /// The text in quotes that begins here, and its length with them.
    fn quoted(&mut self, text: &str) -> Option<(String, usize)> {
        let first = text.chars().next()?;
        let kind = QUOTES.iter().position(|(open, _)| *open == first)?;
        let (open, close) = *QUOTES.get(kind)?;
        let unclosed = self.unclosed.get_mut(kind)?;
        if *unclosed {
            return None;
        }
        let mut inner = String::new();
        let mut characters = text.char_indices().skip(1).peekable();
        while let Some((at, character)) = characters.next() {
            if character == close {
                return Some((inner, at + close.len_utf8()));
            }
            if open == '"'
                && character == '\\'
                && matches!(characters.peek(), Some((_, '"' | '\\')))
            {
                inner.extend(characters.next().map(|(_, character)| character));
            } else {
                inner.push(character);
            }
        }
        *unclosed = true;
        None
    }
}

impl Iterator for Words<'_> {
    type Item = Word;

    fn next(&mut self) -> Option<Word> {
        loop {
            match self.spans.first()? {
                Span::Mention(person) => {
                    let word = Word::Mention(person.clone());
                    self.next_span();
                    return Some(word);
                }
                Span::Text(all) => {
                    let left = tail(all, self.at);
                    let text = left.trim_start();
                    if text.is_empty() {
                        self.next_span();
                        continue;
                    }
                    let (word, length) = self.word(text);
                    self.at += left.len() - text.len() + length;
                    return Some(word);
                }
            }
        }
    }
}

fn tail(text: &str, from: usize) -> &str {
    text.get(from..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(line: &str) -> Vec<String> {
        Line::text(line)
            .words()
            .map(|word| match word {
                Word::Text { text, .. } => text,
                Word::Mention(person) => format!("@{}", person.id),
            })
            .collect()
    }

    #[test]
    fn words_end_at_white_space_and_quotes_hold_it() {
        let check = |line: &str, expected: &[&str]| assert_eq!(texts(line), expected, "{line}");
        check("", &[]);
        check(" a  b\n\tc ", &["a", "b", "c"]);
        check("a\u{3000}b", &["a", "b"]);
        check(
            r#"say "hello there" 'you two' “你 好”"#,
            &["say", "hello there", "you two", "你 好"],
        );
        check(r#""a \"b\" \\ \n""#, &[r#"a "b" \ \n"#]);
        check("don't 'tis", &["don't", "'tis"]);
        check(r#"--key="a b" c"#, &["--key=a b", "c"]);
        check(r#""""#, &[""]);
    }

    #[test]
    fn the_rest_is_as_it_was_written() {
        let line = Line::text("say  two  blanks\nand \"a line\" ");
        let mut words = line.words();
        words.next();
        assert_eq!(words.rest(), "two  blanks\nand \"a line\"");
    }

    #[test]
    fn mentions_after_the_text_begins_are_words_and_those_before_are_not() {
        let message = Message { pieces: vec![Piece::mention("bot")] }
            .and(Piece::text(" /kick "))
            .and(Piece::At { qq: "42".into(), name: "Ann".into() })
            .and(Piece::text(" now"));
        let line = Line::of(&message, "kick   now");
        let words: Vec<Word> = line.words().collect();
        assert_eq!(words.len(), 3);
        assert_eq!(words[1], Word::Mention(Person { id: "42".into(), name: "Ann".into() }));
        let mut words = line.words();
        words.next();
        assert_eq!(words.rest(), "@Ann now");
    }

    #[test]
    fn many_unclosed_quotes_cost_no_square() {
        assert_eq!(texts(&"“ ".repeat(20_000)).len(), 20_000);
    }

    proptest! {
        #[test]
        fn what_is_quoted_is_read_back_as_one_word(words in prop::collection::vec("(?s).{0,12}", 0..6)) {
            let line = words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(texts(&line), words);
        }

        #[test]
        fn any_line_is_read_to_its_end(line in "(?s).{0,200}") {
            let read = Line::text(line.clone());
            let mut words = read.words();
            while words.next().is_some() {}
            prop_assert_eq!(words.rest(), "");
            let bare = !line.contains(['"', '\'', '“']);
            if bare {
                prop_assert_eq!(texts(&line), line.split_whitespace().collect::<Vec<_>>());
            }
        }
    }
}
