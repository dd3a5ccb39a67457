//! What somebody is told whose command does not run.

use std::sync::Arc;

use firstlight_core::messages::Message;
use firstlight_plugins_api::matching::{CommandEntry, Found, UsageError, path_usage, usage};

use super::dispatch::PluginScope;
use super::state::{arguments, prefix};

/// The answer to a command that does not run; `None`: silence.
pub(super) fn told(refused: Found, scope: &PluginScope) -> Option<String> {
    let (profile, language) = (&scope.profile, scope.profile.language);
    let prefix = prefix(profile);
    let command = |entry: &CommandEntry| path_usage(prefix, &entry.path);
    let text = match refused {
        Found::Handlers(_) => return None,
        Found::Denied(_) if !profile.platform_settings.no_permission_reply => return None,
        Found::Denied(entry) => Message::CommandDenied { command: command(&entry) }.text(language),
        Found::Misused(entry, error) => {
            let problem = problem(error).text(language).into_owned();
            let usage = usage(prefix, &entry.path, arguments(&entry));
            Message::CommandMisused { problem, usage }.text(language)
        }
        Found::Group(entry, below) => {
            let line = |entry: &Arc<CommandEntry>| {
                let usage = usage(prefix, &entry.path, arguments(entry));
                format!("{usage}  {}", entry.handler.about).trim_end().to_owned()
            };
            let commands = below.iter().map(line).collect::<Vec<_>>().join("\n");
            Message::CommandGroup { command: command(&entry), commands }.text(language)
        }
    };
    Some(text.into_owned())
}

fn problem(error: UsageError) -> Message {
    match error {
        UsageError::Missing { name } => Message::ArgumentMissing { name },
        UsageError::Wrong { name, given, .. } => Message::ArgumentWrong { name, given },
        UsageError::UnknownOption { name } => Message::OptionUnknown { name },
        UsageError::TooMuch { given } => Message::ArgumentTooMuch { given },
    }
}
