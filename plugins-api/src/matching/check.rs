//! Whether declarations fit together; asked once, when a plugin is loaded.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};

use crate::{Argument, ArgumentKind, Filter, Handler, Need, Trigger};

/// The most handlers that one plugin may declare.
const MOST: usize = 500;
/// The longest name or word, in bytes.
const NAME_LIMIT: usize = 64;
/// The longest regular expression, in bytes.
const PATTERN_LIMIT: usize = 4096;
/// The largest compiled regular expression, in bytes.
const COMPILED_LIMIT: usize = 1 << 20;

/// What is wrong with a plugin's declared handlers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeclarationError {
    /// There are too many.
    #[error("a plugin has at most {limit} handlers")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// A name is there twice.
    #[error("two handlers are called {name:?}")]
    Twice {
        /// The name.
        name: String,
    },
    /// A name or a word is empty, too long, or holds white space.
    #[error("{word:?} must be 1 to {limit} bytes without white space")]
    Word {
        /// The word.
        word: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The group of a command is not declared before it.
    #[error("the group {group:?} of {name:?} must be declared before it")]
    Parent {
        /// The command.
        name: String,
        /// The group.
        group: String,
    },
    /// The arguments of a command cannot be told apart.
    #[error("the arguments of {name:?} cannot be read: {reason}")]
    Arguments {
        /// The command.
        name: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A regular expression is not one, or is too large.
    #[error("the regular expression of {name:?} is not usable: {reason}")]
    Pattern {
        /// The handler.
        name: String,
        /// What is wrong.
        reason: String,
    },
}

/// Checks the handlers of one plugin.
pub fn check(handlers: &[Handler]) -> Result<(), DeclarationError> {
    if handlers.len() > MOST {
        return Err(DeclarationError::TooMany { limit: MOST });
    }
    let mut seen = BTreeMap::new();
    for handler in handlers {
        let name = &handler.name;
        word(name)?;
        if let Some(naming) = handler.naming() {
            naming.aliases.iter().chain([&naming.word]).try_for_each(|text| word(text))?;
            let is_group = |parent: &&String| seen.get(*parent) == Some(&true);
            if let Some(group) = naming.parent.as_ref().filter(|parent| !is_group(parent)) {
                let (name, group) = (name.clone(), group.clone());
                return Err(DeclarationError::Parent { name, group });
            }
        }
        if let Trigger::Command { arguments, .. } = &handler.trigger {
            check_arguments(arguments)
                .map_err(|reason| DeclarationError::Arguments { name: name.clone(), reason })?;
        }
        patterns(&handler.filter, &mut |pattern| {
            compile(pattern)
                .map(drop)
                .map_err(|reason| DeclarationError::Pattern { name: name.clone(), reason })
        })?;
        if seen.insert(name, matches!(handler.trigger, Trigger::Group { .. })).is_some() {
            return Err(DeclarationError::Twice { name: name.clone() });
        }
    }
    Ok(())
}

/// Whether a text can be the word of a command.
pub(super) fn word(text: &str) -> Result<(), DeclarationError> {
    let fits = !text.is_empty() && text.len() <= NAME_LIMIT;
    if fits && !text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Ok(());
    }
    let word = text.chars().take(NAME_LIMIT).collect();
    Err(DeclarationError::Word { word, limit: NAME_LIMIT })
}

fn check_arguments(arguments: &[Argument]) -> Result<(), &'static str> {
    let placed: Vec<&Argument> = arguments.iter().filter(|argument| !argument.named).collect();
    let last = placed.len().saturating_sub(1);
    let mut optional = false;
    for (index, argument) in placed.iter().enumerate() {
        if argument.kind == ArgumentKind::Rest && index != last {
            return Err("nothing can follow the rest of the line");
        }
        if argument.need == Need::Required && optional {
            return Err("an argument that must be given follows one that need not");
        }
        optional = argument.need != Need::Required;
    }
    if arguments.iter().any(|argument| argument.named && argument.kind == ArgumentKind::Rest) {
        return Err("the rest of the line has no name");
    }
    let mut names: Vec<&str> = arguments.iter().map(|argument| argument.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    if names.len() < arguments.len() { Err("two have the same name") } else { Ok(()) }
}

/// Visits every regular expression in a filter.
pub(super) fn patterns<E>(
    filter: &Filter,
    visit: &mut impl FnMut(&str) -> Result<(), E>,
) -> Result<(), E> {
    match filter {
        Filter::Regex(pattern) => visit(pattern),
        Filter::All(filters) | Filter::OneOf(filters) => {
            filters.iter().try_for_each(|filter| patterns(filter, visit))
        }
        Filter::Not(filter) => patterns(filter, visit),
        Filter::Any
        | Filter::Kind(_)
        | Filter::Platform(_)
        | Filter::Admin
        | Filter::Addressed
        | Filter::OnlyAddressed
        | Filter::Custom(_) => Ok(()),
    }
}

/// Compiles a regular expression within bounds.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > PATTERN_LIMIT {
        return Err(format!("it has more than {PATTERN_LIMIT} bytes"));
    }
    RegexBuilder::new(pattern)
        .size_limit(COMPILED_LIMIT)
        .dfa_size_limit(COMPILED_LIMIT)
        .build()
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_that_cannot_work_are_refused_by_name() {
        let refused = |handlers: &[Handler]| check(handlers).unwrap_err().to_string();
        assert!(refused(&[Handler::command("a b")]).contains("white space"));
        assert!(refused(&[Handler::command("a"), Handler::command("a")]).contains("two handlers"));
        let lost = Handler::command("add").within("todo");
        assert!(refused(std::slice::from_ref(&lost)).contains("\"todo\""));
        assert_eq!(check(&[Handler::group("todo"), lost]), Ok(()));
        let rest = Handler::command("a").argument(Argument::rest("r")).argument(Argument::int("i"));
        assert!(refused(&[rest]).contains("nothing can follow"));
        let order = Handler::command("a")
            .argument(Argument::int("i").optional())
            .argument(Argument::int("j"));
        assert!(refused(&[order]).contains("must be given follows"));
        for pattern in ["(", "(a{1000}){1000}", &"a".repeat(5000)] {
            let handler = Handler::message("m", Filter::Any.and(!Filter::Regex(pattern.into())));
            assert!(refused(&[handler]).contains("regular expression"));
        }
    }
}
