//! All handlers, found by what a message is.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::filters::{Compiled, Facts};
use super::parse::{UsageError, parse};
use super::patterns::Patterns;
use super::words::{Line, Word, Words};
use crate::{Arguments, Handler, MessageKind, Trigger};

/// One handler with the operator's settings applied.
#[derive(Debug)]
pub struct CommandEntry {
    /// Its plugin.
    pub plugin: Arc<str>,
    /// The handler; word, aliases and permission are the effective ones.
    pub handler: Handler,
    /// Whether it may be used at all.
    pub enabled: bool,
    /// The words of a command, those of its groups first; empty for a listener.
    pub path: String,
    pub(super) filter: Compiled,
}

/// The handlers of all plugins.
#[derive(Debug, Default)]
pub struct Index {
    entries: Vec<Arc<CommandEntry>>,
    /// Commands and groups by word, those at the top under `None`; the first of several goes first.
    words: HashMap<Option<usize>, HashMap<String, Vec<usize>>>,
    /// Listeners without a regular expression, by kind of conversation.
    listeners: [Vec<usize>; 3],
    patterns: Patterns,
}

/// What is asked of the index.
pub struct Question<'a> {
    /// The message.
    pub facts: Facts<'a>,
    /// Its command line, when it can be a command.
    pub line: Option<&'a Line>,
    /// Whether it was written as a command, so that one that does not fit is answered. Otherwise
    /// such a line is taken for ordinary language.
    pub strict: bool,
    /// Whether this handler may take messages there at all.
    pub allowed: &'a dyn Fn(&CommandEntry) -> bool,
    /// Asks a plugin for its predicate of that name.
    pub custom: &'a dyn Fn(&str, &str) -> bool,
}

/// A handler that takes the message.
#[derive(Debug, Clone)]
pub struct Hit {
    /// The handler.
    pub entry: Arc<CommandEntry>,
    /// What a command was given.
    pub arguments: Arguments,
}

/// What was found for a message.
#[derive(Debug)]
pub enum Found {
    /// These handlers, highest priority first.
    Handlers(Vec<Hit>),
    /// A command that this person may not use.
    Denied(Arc<CommandEntry>),
    /// A command that was given something else than it takes.
    Misused(Arc<CommandEntry>, UsageError),
    /// A group of commands, without one of them. With it all commands below.
    Group(Arc<CommandEntry>, Vec<Arc<CommandEntry>>),
}

/// Several commands that are called the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// What they are called.
    pub path: String,
    /// Plugin and handler of each; the first is the one that runs.
    pub handlers: Vec<(String, String)>,
}

enum Resolved {
    No,
    Found(Found),
    /// A group, while another plugin may have the command.
    Tree(Found),
}

impl Index {
    /// Builds the index. `handlers` have the operator's settings applied, and the handlers of each
    /// plugin are in the order of their declaration.
    pub fn new(handlers: impl IntoIterator<Item = (Arc<str>, Handler, bool)>) -> Self {
        let mut index = Self::default();
        let mut places: HashMap<(Arc<str>, String), usize> = HashMap::new();
        for (plugin, handler, enabled) in handlers {
            let at = index.entries.len();
            places.insert((Arc::clone(&plugin), handler.name.clone()), at);
            let parent = handler.naming().and_then(|naming| naming.parent.clone());
            let parent = parent.and_then(|name| places.get(&(Arc::clone(&plugin), name)).copied());
            let above = parent.and_then(|parent| index.entries.get(parent));
            let path = match (above, handler.naming()) {
                (Some(group), Some(naming)) => format!("{} {}", group.path, naming.word),
                (None, Some(naming)) => naming.word.clone(),
                (_, None) => String::new(),
            };
            // A group that is switched off takes what is below it along.
            let enabled = enabled && above.is_none_or(|group| group.enabled);
            let filter = Compiled::of(&handler.filter);
            index.place(parent, at, &handler, enabled, &filter);
            index.entries.push(Arc::new(CommandEntry { plugin, handler, enabled, path, filter }));
        }
        index.finish();
        index
    }

    fn place(
        &mut self,
        parent: Option<usize>,
        at: usize,
        handler: &Handler,
        enabled: bool,
        filter: &Compiled,
    ) {
        if !enabled {
            return;
        }
        if let Some(naming) = handler.naming() {
            let words = self.words.entry(parent).or_default();
            for word in naming.aliases.iter().chain([&naming.word]) {
                let same = words.entry(word.to_lowercase()).or_default();
                if !same.contains(&at) {
                    same.push(at);
                }
            }
        } else if filter.required_pattern().is_some() {
            self.patterns.add(at);
        } else {
            for (kind, listeners) in KINDS.into_iter().zip(&mut self.listeners) {
                if filter.admits(kind) {
                    listeners.push(at);
                }
            }
        }
    }

    fn finish(&mut self) {
        let entries = &self.entries;
        let rank = |at: &usize| {
            entries.get(*at).map(|e| (-i64::from(e.handler.priority), Arc::clone(&e.plugin), *at))
        };
        for same in self.words.values_mut().flat_map(HashMap::values_mut) {
            same.sort_by_key(rank);
        }
        self.patterns.finish(entries);
    }

    /// All handlers.
    pub fn entries(&self) -> &[Arc<CommandEntry>] {
        &self.entries
    }

    /// Commands that are called the same, by what they are called.
    pub fn conflicts(&self) -> Vec<Conflict> {
        let mut conflicts = BTreeMap::new();
        for (parent, words) in &self.words {
            let above = parent.and_then(|parent| self.entries.get(parent));
            for (word, same) in words.iter().filter(|(_, same)| same.len() > 1) {
                let path = above.map_or_else(|| word.clone(), |e| format!("{} {word}", e.path));
                let handlers = same.iter().filter_map(|at| self.entries.get(*at));
                let handlers =
                    handlers.map(|e| (e.plugin.to_string(), e.handler.name.clone())).collect();
                conflicts.insert(path.clone(), Conflict { path, handlers });
            }
        }
        conflicts.into_values().collect()
    }

    /// Whether a command line may begin with this text, in whatever case.
    pub fn begins_command(&self, text: &str) -> bool {
        let top = self.words.get(&None);
        let word = text.split_whitespace().next();
        top.zip(word).is_some_and(|(words, word)| words.contains_key(&word.to_lowercase()))
    }

    /// Who takes a message.
    pub fn find(&self, question: &Question<'_>) -> Found {
        let command = question.line.and_then(|line| self.command(question, line.words()));
        let mut hits = match command {
            Some(Found::Handlers(hits)) => hits,
            Some(refused) => return refused,
            None => Vec::new(),
        };
        hits.extend(self.listening(question));
        hits.sort_by_key(|hit| -i64::from(hit.entry.handler.priority));
        Found::Handlers(hits)
    }

    fn listening(&self, question: &Question<'_>) -> impl Iterator<Item = Hit> {
        let of_kind = KINDS.into_iter().position(|kind| kind == question.facts.kind);
        let of_kind = of_kind.and_then(|kind| self.listeners.get(kind)).map(Vec::as_slice);
        let mut candidates = of_kind.unwrap_or_default().to_vec();
        candidates.extend(self.patterns.candidates(question.facts.text));
        candidates.sort_unstable();
        candidates.into_iter().filter_map(|at| {
            let entry = self.entries.get(at)?;
            let taken = question.facts.may(entry.handler.permission) && question.takes(entry);
            taken.then(|| Hit { entry: Arc::clone(entry), arguments: Arguments::default() })
        })
    }

    fn command(&self, question: &Question<'_>, words: Words<'_>) -> Option<Found> {
        match self.below(None, question, words) {
            Resolved::No => None,
            Resolved::Found(found) => Some(found),
            Resolved::Tree(tree) => question.strict.then_some(tree),
        }
    }

    fn below(
        &self,
        parent: Option<usize>,
        question: &Question<'_>,
        mut words: Words<'_>,
    ) -> Resolved {
        let Some(Word::Text { text, quoted: false }) = words.next() else { return Resolved::No };
        let same = self.words.get(&parent).and_then(|words| words.get(&text.to_lowercase()));
        let mut tree = Resolved::No;
        for at in same.into_iter().flatten() {
            let Some(entry) = self.entries.get(*at).filter(|entry| question.takes(entry)) else {
                continue;
            };
            match &entry.handler.trigger {
                Trigger::Command { arguments, .. } => {
                    let given = parse(words.clone(), arguments);
                    if let Some(found) = question.command(entry, given) {
                        return Resolved::Found(found);
                    }
                }
                Trigger::Group { .. } if !question.facts.may(entry.handler.permission) => {
                    return Resolved::Found(Found::Denied(Arc::clone(entry)));
                }
                Trigger::Group { .. } => match self.below(Some(*at), question, words.clone()) {
                    found @ Resolved::Found(_) => return found,
                    inner @ Resolved::Tree(_) if matches!(tree, Resolved::No) => tree = inner,
                    Resolved::No if matches!(tree, Resolved::No) => {
                        tree = Resolved::Tree(self.tree(entry));
                    }
                    Resolved::No | Resolved::Tree(_) => {}
                },
                Trigger::Message => {}
            }
        }
        tree
    }

    fn tree(&self, group: &Arc<CommandEntry>) -> Found {
        let beginning = format!("{} ", group.path);
        let below = self.entries.iter().filter(|entry| {
            entry.enabled && entry.plugin == group.plugin && entry.path.starts_with(&beginning)
        });
        Found::Group(Arc::clone(group), below.cloned().collect())
    }
}

const KINDS: [MessageKind; 3] = [MessageKind::Group, MessageKind::Private, MessageKind::Other];

impl Question<'_> {
    fn takes(&self, entry: &CommandEntry) -> bool {
        let custom = |name: &str| (self.custom)(&entry.plugin, name);
        (self.allowed)(entry) && entry.filter.holds(&self.facts, &custom)
    }

    /// What becomes of a command whose word was said; `None` when it was only a word.
    fn command(
        &self,
        entry: &Arc<CommandEntry>,
        given: Result<Arguments, UsageError>,
    ) -> Option<Found> {
        let may = self.facts.may(entry.handler.permission);
        let entry = Arc::clone(entry);
        match given {
            Err(_) if !self.strict => None,
            _ if !may && entry.handler.silent => None,
            // Who may not use a command is not told how it is used.
            _ if !may => Some(Found::Denied(entry)),
            Err(error) => Some(Found::Misused(entry, error)),
            Ok(arguments) => Some(Found::Handlers(vec![Hit { entry, arguments }])),
        }
    }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
