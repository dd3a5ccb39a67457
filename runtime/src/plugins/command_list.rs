//! Commands as the operator sees and changes them (reference D.7).

use std::collections::BTreeSet;

use firstlight_core::db::{CommandSetting, DbError};
use firstlight_plugins_api::matching::{CommandEntry, Conflict};
use firstlight_plugins_api::{Handler, Permission, Trigger};

use super::live::LivePlugin;
use super::registry::Plugins;
use super::state::State;

/// The longest word of a command, in bytes, and the most aliases.
const WORD_LIMIT: usize = 64;
const MOST_ALIASES: usize = 20;

/// One command, or group of commands.
#[derive(Debug, Clone)]
pub struct CommandRow {
    /// Its plugin.
    pub plugin: String,
    /// The plugin's name for people.
    pub plugin_display_name: String,
    /// Its name within the plugin.
    pub handler: String,
    /// What it does.
    pub about: String,
    /// The handler of the group that it stands below.
    pub parent: Option<String>,
    /// The words of that group, as they are now.
    pub parent_path: String,
    /// Its own word as the plugin declares it.
    pub original_word: String,
    /// Its own word as it is now.
    pub word: String,
    /// All its words as they are now.
    pub path: String,
    /// Other words for its own.
    pub aliases: Vec<String>,
    /// Whether only admins may use it; where a group shares a conversation counts as not.
    pub admins_only: bool,
    /// Whether it may be used at all.
    pub enabled: bool,
    /// Whether it is a group.
    pub group: bool,
    /// Whether another command is called the same.
    pub conflict: bool,
    /// Whether it belongs to the gateway.
    pub reserved: bool,
}

/// What is to be changed about a command.
#[derive(Debug, Clone)]
pub enum CommandChange {
    /// Whether it may be used at all.
    Enabled(bool),
    /// What it is called. Without aliases those it has stay.
    Named {
        /// The word.
        word: String,
        /// Other words for it.
        aliases: Option<Vec<String>>,
    },
    /// Whether only admins may use it.
    AdminsOnly(bool),
}

/// Why a command was not changed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// There is no such command.
    #[error("there is no command {name:?}")]
    Unknown {
        /// As it was asked for.
        name: String,
    },
    /// It cannot be called so.
    #[error("a command cannot be called {word:?}")]
    Word {
        /// The word.
        word: String,
    },
    /// It has too many other words.
    #[error("a command has at most {limit} aliases")]
    Aliases {
        /// The limit.
        limit: usize,
    },
    /// Another command is called so.
    #[error("{word:?} is a command of {plugin} already")]
    Taken {
        /// The word.
        word: String,
        /// The plugin of the other one.
        plugin: String,
    },
    /// The change could not be stored.
    #[error("the change could not be stored")]
    Store(#[from] DbError),
}

impl Plugins {
    /// All commands of the loaded plugins, groups before what is below them.
    pub fn commands(&self) -> Vec<CommandRow> {
        rows(&self.state())
    }

    /// Commands that are called the same, and which of them runs.
    pub fn command_conflicts(&self) -> Vec<Conflict> {
        self.state().index.conflicts()
    }

    /// Changes a command, named `plugin.handler`, for good and at once.
    pub async fn change_command(
        &self,
        name: &str,
        change: CommandChange,
    ) -> Result<CommandRow, CommandError> {
        let _one_at_a_time = self.changing().lock().await;
        let unknown = || CommandError::Unknown { name: name.to_owned() };
        let state = self.state();
        let is_named = |entry: &&std::sync::Arc<CommandEntry>| full_name(entry) == name;
        let commands = state.index.entries().iter().filter(|e| e.handler.naming().is_some());
        let entry = commands.clone().find(is_named).ok_or_else(unknown)?;
        let kept = self.shared().commands.setting(&entry.plugin, &entry.handler.name);
        let setting = match change {
            CommandChange::Enabled(enabled) => CommandSetting { enabled, ..kept },
            CommandChange::AdminsOnly(only) => CommandSetting { admins_only: Some(only), ..kept },
            CommandChange::Named { word, aliases } => {
                check_words(&word, aliases.as_deref().unwrap_or_default(), |word| {
                    check_free(word, entry, commands.clone())
                })?;
                CommandSetting { word: Some(word), aliases: aliases.or(kept.aliases), ..kept }
            }
        };
        self.shared().commands.store(setting).await?;
        self.rebuild();
        let row = |row: &CommandRow| format!("{}.{}", row.plugin, row.handler) == name;
        self.commands().into_iter().find(row).ok_or_else(unknown)
    }
}

fn check_words(
    word: &str,
    aliases: &[String],
    free: impl Fn(&str) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    if aliases.len() > MOST_ALIASES {
        return Err(CommandError::Aliases { limit: MOST_ALIASES });
    }
    for word in aliases.iter().map(String::as_str).chain([word]) {
        check_word(word)?;
        free(word)?;
    }
    Ok(())
}

fn check_word(word: &str) -> Result<(), CommandError> {
    let fits = !word.is_empty() && word.len() <= WORD_LIMIT;
    if fits && !word.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Ok(());
    }
    Err(CommandError::Word { word: word.chars().take(WORD_LIMIT).collect() })
}

/// Whether no other command beside this one is called so.
fn check_free<'a>(
    word: &str,
    entry: &CommandEntry,
    mut others: impl Iterator<Item = &'a std::sync::Arc<CommandEntry>>,
) -> Result<(), CommandError> {
    let lower = word.to_lowercase();
    let above =
        |entry: &CommandEntry| entry.path.rsplit_once(' ').map(|(above, _)| above.to_owned());
    let taken = others.find(|other| {
        let named = other.handler.naming();
        let called = named.is_some_and(|naming| {
            naming.aliases.iter().chain([&naming.word]).any(|name| name.to_lowercase() == lower)
        });
        called
            && other.enabled
            && above(other) == above(entry)
            && full_name(other) != full_name(entry)
    });
    match taken {
        None => Ok(()),
        Some(other) => {
            Err(CommandError::Taken { word: word.to_owned(), plugin: other.plugin.to_string() })
        }
    }
}

fn full_name(entry: &CommandEntry) -> String {
    format!("{}.{}", entry.plugin, entry.handler.name)
}

fn rows(state: &State) -> Vec<CommandRow> {
    let conflicting: BTreeSet<(String, String)> =
        state.index.conflicts().into_iter().flat_map(|conflict| conflict.handlers).collect();
    let entries = state.index.entries().iter();
    entries
        .filter_map(|entry| {
            let live = state.plugins.get(&*entry.plugin)?;
            let naming = entry.handler.naming()?;
            let manifest = &live.manifest;
            let shown = Some(&manifest.display_name).filter(|name| !name.is_empty());
            let key = (entry.plugin.to_string(), entry.handler.name.clone());
            let parent_path = entry.path.rsplit_once(' ').map(|(above, _)| above.to_owned());
            Some(CommandRow {
                plugin_display_name: shown.unwrap_or(&manifest.name).clone(),
                about: entry.handler.about.clone(),
                parent: naming.parent.clone(),
                parent_path: parent_path.unwrap_or_default(),
                original_word: declared_word(live, &entry.handler),
                word: naming.word.clone(),
                path: entry.path.clone(),
                aliases: naming.aliases.clone(),
                admins_only: entry.handler.permission == Permission::Admin,
                enabled: entry.enabled,
                group: matches!(entry.handler.trigger, Trigger::Group { .. }),
                conflict: conflicting.contains(&key),
                reserved: manifest.reserved,
                plugin: key.0,
                handler: key.1,
            })
        })
        .collect()
}

fn declared_word(live: &LivePlugin, effective: &Handler) -> String {
    let declared = live.handlers.iter().find(|handler| handler.name == effective.name);
    declared.and_then(Handler::naming).map(|naming| naming.word.clone()).unwrap_or_default()
}
