//! Which messages a plugin takes.

use serde::{Deserialize, Serialize};

use crate::{Argument, Filter};

/// One declared handler. What it takes is decided from the declaration alone: a plugin's code runs
/// only for messages that are its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Handler {
    /// Its name, unique within the plugin. Commands in a group are named `group.word`.
    pub name: String,
    /// One sentence on what it does; shown in the generated help.
    #[serde(default)]
    pub about: String,
    /// Higher goes first; 0 unless said otherwise.
    #[serde(default)]
    pub priority: i32,
    /// What it is.
    pub trigger: Trigger,
    /// What must hold besides.
    #[serde(default)]
    pub filter: Filter,
    /// Who may use it. The operator can change that of a command.
    #[serde(default)]
    pub permission: Permission,
    /// Whether somebody who may not use it is passed over instead of being told.
    #[serde(default)]
    pub silent: bool,
    /// Whether it wakes the bot; see [`Handler::wakes`].
    #[serde(default)]
    pub wakes: Option<bool>,
    /// Whether it ends the answer that is being made in the session; see
    /// [`Handler::interrupts`].
    #[serde(default)]
    pub interrupts: bool,
}

/// What makes a handler take a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A command: its word, then its arguments.
    Command {
        /// How it is called.
        naming: Naming,
        /// What it takes.
        #[serde(default)]
        arguments: Vec<Argument>,
    },
    /// A word that other commands stand below. Alone, it answers with the list of them.
    Group {
        /// How it is called.
        naming: Naming,
    },
    /// Any message that the filter lets through.
    Message,
}

/// How a command is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Naming {
    /// The word, without a wake prefix.
    pub word: String,
    /// Other words for the same.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// The name of the group's handler that it stands below.
    #[serde(default)]
    pub parent: Option<String>,
}

/// Who may use a handler.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Everyone.
    #[default]
    Member,
    /// Admins.
    Admin,
    /// Admins where a group shares one conversation, everyone where it is their own.
    Owner,
}

impl Handler {
    /// A command of that word. The wake prefix is the operator's and never part of it.
    pub fn command(word: impl Into<String>) -> Self {
        let naming = Naming::new(word);
        Self::new(naming.word.clone(), Trigger::Command { naming, arguments: Vec::new() })
    }

    /// A group of commands.
    pub fn group(word: impl Into<String>) -> Self {
        let naming = Naming::new(word);
        Self::new(naming.word.clone(), Trigger::Group { naming })
    }

    /// A listener to every message that the filter lets through.
    pub fn message(name: impl Into<String>, filter: Filter) -> Self {
        Self { filter, ..Self::new(name.into(), Trigger::Message) }
    }

    fn new(name: String, trigger: Trigger) -> Self {
        Self {
            name,
            about: String::new(),
            priority: 0,
            trigger,
            filter: Filter::Any,
            permission: Permission::Member,
            silent: false,
            wakes: None,
            interrupts: false,
        }
    }

    /// Says what it does.
    #[must_use]
    pub fn about(mut self, text: impl Into<String>) -> Self {
        self.about = text.into();
        self
    }

    /// Another word for the same command.
    #[must_use]
    pub fn alias(mut self, word: impl Into<String>) -> Self {
        if let Some(naming) = self.naming_mut() {
            naming.aliases.push(word.into());
        }
        self
    }

    /// Puts the command below a group, named by its handler.
    #[must_use]
    pub fn within(mut self, group: impl Into<String>) -> Self {
        let group = group.into();
        self.name = format!("{group}.{}", self.name);
        if let Some(naming) = self.naming_mut() {
            naming.parent = Some(group);
        }
        self
    }

    /// The command's next argument.
    #[must_use]
    pub fn argument(mut self, argument: Argument) -> Self {
        if let Trigger::Command { arguments, .. } = &mut self.trigger {
            arguments.push(argument);
        }
        self
    }

    /// What must hold besides.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = filter;
        self
    }

    /// Who may use it.
    #[must_use]
    pub fn permission(mut self, permission: Permission) -> Self {
        self.permission = permission;
        self
    }

    /// Passes over those who may not use it, instead of telling them.
    #[must_use]
    pub fn silent(mut self) -> Self {
        self.silent = true;
        self
    }

    /// Goes before handlers of a lower priority.
    #[must_use]
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// Whether taking a message wakes the bot, so that the message is downloaded, checked and
    /// counted against limits. Unless said otherwise a command and a filter that looks at what is
    /// said do; a listener to whole kinds of messages does not.
    #[must_use]
    pub fn wakes(mut self, wakes: bool) -> Self {
        self.wakes = Some(wakes);
        self
    }

    /// Ends the answer that is being made in the session as soon as this command is accepted.
    #[must_use]
    pub fn interrupts(mut self) -> Self {
        self.interrupts = true;
        self
    }

    /// How it is called, where it is a command or a group.
    pub fn naming(&self) -> Option<&Naming> {
        match &self.trigger {
            Trigger::Command { naming, .. } | Trigger::Group { naming } => Some(naming),
            Trigger::Message => None,
        }
    }

    fn naming_mut(&mut self) -> Option<&mut Naming> {
        match &mut self.trigger {
            Trigger::Command { naming, .. } | Trigger::Group { naming } => Some(naming),
            Trigger::Message => None,
        }
    }
}

impl Naming {
    fn new(word: impl Into<String>) -> Self {
        Self { word: word.into(), aliases: Vec::new(), parent: None }
    }
}
