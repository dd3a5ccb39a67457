//! From the arguments to the command.

use std::ffi::OsString;
use std::io;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser as _};
use firstlight_core::settings::{Effective, SettingsError};

use super::arguments::{AccountCommand, Arguments, Command, ConfigCommand};
use super::{account, chat, check, config, dead_letters, doctor, plugin};
use crate::exit::{Exit, Problem};
use crate::gateway::Builder;
use crate::logs::Logging;
use crate::terminal;

/// Runs the command line of a gateway with the given plugins.
pub(crate) fn main(gateway: Builder, words: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments = match Arguments::try_parse_from(words) {
        Ok(arguments) => arguments,
        Err(error) => return answered(&error),
    };
    match dispatch(gateway, arguments) {
        Ok(exit) => exit,
        Err(problem) => {
            terminal::complain(format!("error: {problem}"));
            problem.exit()
        }
    }
}

/// Help and version are answers, not errors.
fn answered(error: &clap::Error) -> Exit {
    // Where they cannot be printed, the exit code still tells.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Success,
        _ => Exit::Usage,
    }
}

fn dispatch(gateway: Builder, arguments: Arguments) -> Result<Exit, Problem> {
    let load = || Effective::load(&arguments.settings.overrides());
    match arguments.command.unwrap_or(Command::Run) {
        Command::Run => run(gateway, &load().map_err(|error| wrong_settings(&error))?),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "firstlight", &mut script);
            terminal::part(String::from_utf8_lossy(&script))?;
            Ok(Exit::Success)
        }
        Command::Config(ConfigCommand::Show(output)) => {
            config::show(&load().map_err(|error| wrong_settings(&error))?, output.json)
        }
        Command::Check(output) => block_on(check::run(load(), output.json)),
        Command::Doctor(output) => block_on(doctor::run(load(), output.json)),
        Command::Account(AccountCommand::Reset(reset)) => block_on(account::reset(
            load().map_err(|error| wrong_settings(&error))?.settings,
            reset,
        )),
        Command::DeadLetters(command) => block_on(dead_letters::run(
            load().map_err(|error| wrong_settings(&error))?.settings,
            command,
        )),
        Command::Plugin(command) => block_on(plugin::run(command, gateway.plugins(), || {
            Ok(load().map_err(|error| wrong_settings(&error))?.settings)
        })),
        Command::Chat(arguments) => {
            block_on(chat::run(load().map_err(|error| wrong_settings(&error))?.settings, arguments))
        }
    }
}

/// Commands other than `run` need one thread.
fn block_on(command: impl Future<Output = Result<Exit, Problem>>) -> Result<Exit, Problem> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| no_threads(&error))?
        .block_on(command)
}

fn run(gateway: Builder, effective: &Effective) -> Result<Exit, Problem> {
    let logging = Logging::start(&effective.settings.log)?;
    for variable in &effective.unused_variables {
        tracing::warn!(variable, "this variable is not a setting: check its spelling");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("main")
        .build()
        .map_err(|error| no_threads(&error))?;
    let ended = runtime.block_on(gateway.run(effective.settings.clone(), &logging));
    // Whatever still runs now was told to end and did not; the process ends without it.
    runtime.shutdown_background();
    ended
}

fn no_threads(error: &io::Error) -> Problem {
    let advice = "raise the limits of this user on threads and open files";
    Problem::caused(Exit::Internal, "no threads could be started", error, advice)
}

/// The refusal of settings that cannot be read.
pub(super) fn wrong_settings(error: &SettingsError) -> Problem {
    let advice = match error {
        SettingsError::Unreadable { .. } => "check the path and who may read the file",
        SettingsError::Syntax { .. } => "correct the file at the line named",
        SettingsError::UnknownKey { .. } => "correct or remove the key",
        SettingsError::Value { .. } => "correct the value",
        SettingsError::NotText { .. } => "set it to text",
    };
    let (exit, what) = (Exit::Configuration, "the settings could not be read");
    Problem::caused(exit, what, error, advice)
}
