//! Reading a command's arguments.

use serde_json::{Value, json};

use super::words::{Word, Words};
use crate::{Argument, ArgumentKind, Arguments, Need};

/// Why a line does not fit its command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// An argument that must be given was not.
    #[error("{name} is missing")]
    Missing {
        /// The argument.
        name: String,
    },
    /// A value is not what the argument takes.
    #[error("{name} cannot be {given:?}")]
    Wrong {
        /// The argument.
        name: String,
        /// What was given, shortened.
        given: String,
        /// What it takes.
        kind: ArgumentKind,
    },
    /// An option that the command does not have.
    #[error("there is no option --{name}")]
    UnknownOption {
        /// As it was given, shortened.
        name: String,
    },
    /// More was given than the command takes.
    #[error("{given:?} is too much")]
    TooMuch {
        /// The first word that is too much, shortened.
        given: String,
    },
}

/// How much of what was given is told back.
const SHOWN: usize = 32;

/// Reads what a command was given. Options may stand anywhere before the rest of the line; a bare
/// `--` ends them. A command without options takes words that begin with `--` as they are.
pub fn parse(mut words: Words<'_>, declared: &[Argument]) -> Result<Arguments, UsageError> {
    let has_options = declared.iter().any(|argument| argument.named);
    let mut placed = declared.iter().filter(|argument| !argument.named).peekable();
    let mut options_end = !has_options;
    let mut found = Arguments::default();
    loop {
        if let Some(rest) = placed.peek().filter(|next| next.kind == ArgumentKind::Rest) {
            // Options may still stand before the rest.
            let mut ahead = words.clone();
            match ahead.next() {
                Some(word) if !options_end && option_of(&word).is_some() => {}
                Some(_) => {
                    found.0.insert(rest.name.clone(), json!(words.rest()));
                    placed.next();
                    break;
                }
                None => break,
            }
        }
        let Some(word) = words.next() else { break };
        if !options_end && let Some(option) = option_of(&word) {
            match option {
                "" => options_end = true,
                option => {
                    let (name, value) = named(option, declared, &mut words)?;
                    found.0.insert(name, value);
                }
            }
            continue;
        }
        let Some(argument) = placed.next() else {
            return Err(UsageError::TooMuch { given: shown(&word) });
        };
        found.0.insert(argument.name.clone(), read(argument, &word)?);
    }
    fill(&mut found, declared)?;
    Ok(found)
}

fn option_of(word: &Word) -> Option<&str> {
    match word {
        Word::Text { text, quoted: false } => text.strip_prefix("--"),
        _ => None,
    }
}

fn named(
    option: &str,
    declared: &[Argument],
    words: &mut Words<'_>,
) -> Result<(String, Value), UsageError> {
    let (name, value) = match option.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (option, None),
    };
    let argument = declared.iter().find(|argument| argument.named && argument.name == name);
    let argument = argument.ok_or_else(|| UsageError::UnknownOption { name: shortened(name) })?;
    let value = match value {
        Some(text) => read(argument, &Word::Text { text: text.to_owned(), quoted: true })?,
        None if argument.kind == ArgumentKind::Bool => json!(true),
        None => {
            let missing = || UsageError::Missing { name: argument.name.clone() };
            read(argument, &words.next().ok_or_else(missing)?)?
        }
    };
    Ok((argument.name.clone(), value))
}

fn fill(found: &mut Arguments, declared: &[Argument]) -> Result<(), UsageError> {
    for argument in declared {
        if found.0.contains_key(&argument.name) {
            continue;
        }
        match &argument.need {
            Need::Required => return Err(UsageError::Missing { name: argument.name.clone() }),
            Need::Optional => {}
            Need::Default(value) => {
                found.0.insert(argument.name.clone(), value.clone());
            }
        }
    }
    Ok(())
}

fn read(argument: &Argument, word: &Word) -> Result<Value, UsageError> {
    let value = match (&argument.kind, word) {
        (ArgumentKind::Mention, Word::Mention(person)) => Some(json!(person)),
        (ArgumentKind::Text | ArgumentKind::Rest, Word::Mention(person)) => {
            Some(json!(format!("@{}", person.id)))
        }
        (ArgumentKind::Mention, Word::Text { .. }) | (_, Word::Mention(_)) => None,
        (ArgumentKind::Text | ArgumentKind::Rest, Word::Text { text, .. }) => Some(json!(text)),
        (ArgumentKind::Int, Word::Text { text, .. }) => {
            text.parse::<i64>().ok().map(|number| json!(number))
        }
        (ArgumentKind::Float, Word::Text { text, .. }) => {
            text.parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| json!(number))
        }
        (ArgumentKind::Bool, Word::Text { text, .. }) => truth(text).map(|truth| json!(truth)),
        (ArgumentKind::Choice(choices), Word::Text { text, .. }) => {
            let same = |choice: &&String| choice.to_lowercase() == text.to_lowercase();
            choices.iter().find(same).map(|choice| json!(choice))
        }
    };
    value.ok_or_else(|| UsageError::Wrong {
        name: argument.name.clone(),
        given: shown(word),
        kind: argument.kind.clone(),
    })
}

fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn shown(word: &Word) -> String {
    match word {
        Word::Text { text, .. } => shortened(text),
        Word::Mention(person) => shortened(&format!("@{}", person.id)),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::words::{Line, quote};
    use super::*;
    use crate::{Message, Piece};

    fn check(declared: &[Argument], line: &str, expected: Value) {
        let found = parse(Line::text(line).words(), declared).map(|found| Value::Object(found.0));
        assert_eq!(found, Ok(expected), "{line}");
    }

    fn refused(declared: &[Argument], line: &str) -> UsageError {
        parse(Line::text(line).words(), declared).unwrap_err()
    }

    #[test]
    fn each_kind_is_read_and_anything_else_is_refused() {
        let all = [
            Argument::int("count"),
            Argument::float("factor"),
            Argument::bool("loud"),
            Argument::choice("mode", ["Fast", "slow"]),
            Argument::text("name"),
        ];
        let expected =
            json!({"count": -3, "factor": 1.5, "loud": false, "mode": "Fast", "name": "a b"});
        check(&all, r#"-3 1.5 No fast "a b""#, expected);
        let wrong = refused(&all, "three");
        assert_eq!(wrong.to_string(), "count cannot be \"three\"");
        assert!(matches!(refused(&all, "1 inf"), UsageError::Wrong { .. }));
        assert!(matches!(refused(&all, "1 1 maybe"), UsageError::Wrong { .. }));
        assert!(matches!(refused(&all, "1 1 yes medium"), UsageError::Wrong { .. }));
        assert_eq!(refused(&all, "1"), UsageError::Missing { name: "factor".into() });
        assert_eq!(refused(&all, "1 1 yes slow x y"), UsageError::TooMuch { given: "y".into() });
    }

    #[test]
    fn what_is_not_given_is_absent_or_the_default() {
        let declared = [Argument::int("a").default(7), Argument::text("b").optional()];
        check(&declared, "", json!({"a": 7}));
        check(&declared, "1 x", json!({"a": 1, "b": "x"}));
    }

    #[test]
    fn options_are_read_by_name_before_the_rest() {
        let declared = [
            Argument::rest("text"),
            Argument::int("times").named().default(1),
            Argument::bool("loud").named().optional(),
        ];
        check(
            &declared,
            "--times 3 --loud hello  you",
            json!({"times": 3, "loud": true, "text": "hello  you"}),
        );
        check(&declared, "--loud=no --times=2 x", json!({"times": 2, "loud": false, "text": "x"}));
        check(&declared, "say --times 3", json!({"times": 1, "text": "say --times 3"}));
        check(&declared, "-- --times 3", json!({"times": 1, "text": "--times 3"}));
        assert_eq!(
            refused(&declared, "--tmes 3 x"),
            UsageError::UnknownOption { name: "tmes".into() }
        );
        assert_eq!(refused(&declared, "--times"), UsageError::Missing { name: "times".into() });
        assert_eq!(refused(&declared, ""), UsageError::Missing { name: "text".into() });
        check(&[Argument::text("a")], "--plain", json!({"a": "--plain"}));
    }

    #[test]
    fn a_mention_is_an_argument() {
        let message = Message::text("ban").and(Piece::At { qq: "42".into(), name: "Ann".into() });
        let line = Line::of(&message, "ban");
        let mut words = line.words();
        words.next();
        let found = parse(words, &[Argument::mention("who")]).unwrap();
        assert_eq!(found.mention("who").unwrap().id, "42");
        assert!(matches!(refused(&[Argument::mention("who")], "ann"), UsageError::Wrong { .. }));
    }

    fn arguments() -> impl Strategy<Value = Vec<Argument>> {
        let kind = prop_oneof![
            Just(ArgumentKind::Int),
            Just(ArgumentKind::Float),
            Just(ArgumentKind::Bool),
            Just(ArgumentKind::Text),
            Just(ArgumentKind::Rest),
            Just(ArgumentKind::Mention),
            Just(ArgumentKind::Choice(vec!["a".into(), "b".into()])),
        ];
        let argument = (kind, any::<bool>(), any::<bool>(), "[a-c]").prop_map(
            |(kind, named, optional, name)| {
                let need = if optional { Need::Optional } else { Need::Required };
                Argument { name, about: String::new(), kind, need, named }
            },
        );
        prop::collection::vec(argument, 0..5)
    }

    proptest! {
        #[test]
        fn any_line_is_read_or_refused(declared in arguments(), line in "(?s)[-a-c0-9=\"'“” \\\\]{0,40}|.{0,40}") {
            let _ = parse(Line::text(line).words(), &declared);
        }

        #[test]
        fn quoted_texts_arrive_as_they_were(texts in prop::collection::vec("(?s).{0,10}", 0..5)) {
            let declared: Vec<Argument> =
                (0..texts.len()).map(|index| Argument::text(index.to_string())).collect();
            let line = texts.iter().map(|text| quote(text)).collect::<Vec<_>>().join(" ");
            let found = parse(Line::text(line).words(), &declared).unwrap();
            for (index, text) in texts.iter().enumerate() {
                prop_assert_eq!(found.text(&index.to_string()).unwrap(), text);
            }
        }
    }
}
