//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use firstlight_core::bus::{LetterState, Queue, Reason};
use firstlight_core::settings::{Overrides, Period};

use super::plugin::arguments::PluginCommand;

/// A chat-bot gateway whose control room is lit before anything can fail.
#[derive(Debug, Parser)]
#[command(
    name = "firstlight",
    version,
    propagate_version = true,
    after_help = "Without a command, `firstlight` runs the gateway. Settings also come from \
                  firstlight.toml and FIRSTLIGHT_* variables; `firstlight config show` prints them \
                  with where each comes from. Exit codes are listed in docs/cli.md."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) settings: SettingFlags,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Flags that go over the settings of file and environment.
#[derive(Debug, Args)]
#[command(next_help_heading = "Settings")]
pub(crate) struct SettingFlags {
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help = CONFIG)]
    config: Option<PathBuf>,
    #[arg(long, global = true, value_name = "FOLDER", value_hint = ValueHint::DirPath, help = DATA)]
    data_dir: Option<String>,
    #[arg(long, global = true, value_name = "ADDRESS:PORT", help = LISTEN)]
    listen: Option<String>,
    #[arg(long, global = true, value_name = "LEVEL", help = LOG_LEVEL)]
    log_level: Option<String>,
    #[arg(long, global = true, value_name = "FORMAT", help = LOG_FORMAT)]
    log_format: Option<String>,
}

// The settings are layered in core, so clap knows neither their variables nor their defaults.
const CONFIG: &str =
    "The settings file [env: FIRSTLIGHT_CONFIG] [default: firstlight.toml, when it is there]";
const DATA: &str =
    "The folder for the database and all files [env: FIRSTLIGHT_DATA_DIR] [default: data]";
const LISTEN: &str = "Where to serve HTTP [env: FIRSTLIGHT_LISTEN] [default: 127.0.0.1:6185]";
const LOG_LEVEL: &str = "A level, or directives such as info,firstlight_runtime=debug \
                         [env: FIRSTLIGHT_LOG_LEVEL] [default: info]";
const LOG_FORMAT: &str =
    "How log lines look: text or json [env: FIRSTLIGHT_LOG_FORMAT] [default: text]";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the gateway (what happens without a command)
    Run,
    /// Check settings, database and configuration documents, and start nothing
    Check(Output),
    /// Look at the settings
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look after accounts
    #[command(subcommand)]
    Account(AccountCommand),
    /// Talk to a running gateway in the terminal
    Chat(ChatArguments),
    /// Look for what is wrong with this installation, and say what to do about it
    Doctor(Output),
    /// Look after messages that were put aside
    #[command(subcommand, name = "dead-letters")]
    DeadLetters(DeadLettersCommand),
    /// Make plugins, and look after those that are installed
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Print a completion script
    Completions {
        /// For which shell
        shell: Shell,
    },
}

/// How data is printed.
#[derive(Debug, Args)]
pub(crate) struct Output {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the settings that apply, and where each comes from
    Show(Output),
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Set a password, making the account when it is missing; all its log-ins end at once
    Reset(ResetArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ResetArguments {
    /// Whose password
    #[arg(long, value_name = "NAME")]
    pub(crate) username: String,
    /// Read the new password from standard input (the only way: arguments can be read by others)
    #[arg(long, required = true)]
    pub(crate) password_stdin: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// What to say, to whom, and as whom.
#[derive(Debug, Args)]
#[command(after_help = "Credentials: an API key in FIRSTLIGHT_API_KEY; or --username with the \
                        password in FIRSTLIGHT_PASSWORD, or on the first line of standard input \
                        with --password-stdin. Ctrl-C stops an answer; at the prompt it ends.")]
pub(crate) struct ChatArguments {
    /// One message to send; without it, messages are read from standard input line by line
    pub(crate) message: Option<String>,
    /// The gateway [default: the one that runs on the data folder]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) url: Option<String>,
    /// Log in with this name; with an API key, talk under this name
    #[arg(long, value_name = "NAME")]
    pub(crate) username: Option<String>,
    /// Read the password from the first line of standard input
    #[arg(long, requires = "username")]
    pub(crate) password_stdin: bool,
    /// Go on with this session instead of a new one
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,
    /// Ask this provider
    #[arg(long, value_name = "ID")]
    pub(crate) provider: Option<String>,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// What to do with messages that were put aside.
#[derive(Debug, Subcommand)]
pub(crate) enum DeadLettersCommand {
    /// List them, the one put aside last first
    List(ListLetters),
    /// Print one whole
    Show(OneLetter),
    /// Send one on its way again, as it is or edited
    Replay(ReplayLetter),
    /// Note that an uncertain message was sent
    Confirm(ConfirmLetter),
    /// Drop one
    Drop(OneLetter),
    /// Drop all that were put aside long ago
    Purge(PurgeLetters),
}

#[derive(Debug, Args)]
pub(crate) struct ListLetters {
    #[command(flatten)]
    pub(crate) filter: LetterFilterArguments,
    /// Which page
    #[arg(long, default_value_t = 1, value_name = "NUMBER",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) page: u32,
    /// How many on a page
    #[arg(long, default_value_t = 50, value_name = "NUMBER",
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) page_size: u32,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Which messages.
#[derive(Debug, Args)]
pub(crate) struct LetterFilterArguments {
    /// Only of this queue
    #[arg(long)]
    pub(crate) queue: Option<LetterQueue>,
    /// Only in this state
    #[arg(long)]
    pub(crate) state: Option<StateOfLetter>,
    /// Only put aside for this reason
    #[arg(long)]
    pub(crate) reason: Option<ReasonOfLetter>,
    /// Only of this platform
    #[arg(long, value_name = "ID")]
    pub(crate) platform: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct OneLetter {
    /// Its queue
    pub(crate) queue: LetterQueue,
    /// Its number
    pub(crate) id: i64,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayLetter {
    #[command(flatten)]
    pub(crate) letter: OneLetter,
    /// Read the edited message from standard input: the `payload` that `show` prints
    #[arg(long)]
    pub(crate) payload_stdin: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ConfirmLetter {
    /// Its number in the outbox
    pub(crate) id: i64,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct PurgeLetters {
    /// How long ago they were put aside at least, such as 168h
    #[arg(long, value_name = "TIME")]
    pub(crate) older_than: Period,
    #[command(flatten)]
    pub(crate) filter: LetterFilterArguments,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// The core's enums as words of the command line; each has the same names as in the API.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident = $of:ident { $($word:ident),* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, ValueEnum)]
        #[value(rename_all = "snake_case")]
        pub(crate) enum $name { $($word),* }

        impl From<$name> for $of {
            fn from(word: $name) -> Self {
                match word { $($name::$word => Self::$word),* }
            }
        }
    };
}

words! {
    /// A queue.
    LetterQueue = Queue { Inbox, Outbox }
}
words! {
    /// A state.
    StateOfLetter = LetterState { Dead, Uncertain }
}
words! {
    /// A reason.
    ReasonOfLetter = Reason { Failed, Attempts, Crashed, Refused, NoAnswer, Stale }
}

impl SettingFlags {
    /// As the settings take them.
    pub(crate) fn overrides(&self) -> Overrides {
        Overrides {
            config: self.config.clone(),
            data_dir: self.data_dir.clone(),
            listen: self.listen.clone(),
            log_level: self.log_level.clone(),
            log_format: self.log_format.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::{Arguments, Command};

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn without_a_command_it_runs_and_settings_may_stand_anywhere() {
        let arguments = Arguments::try_parse_from(["firstlight", "--listen", "[::1]:0"]).unwrap();
        assert!(arguments.command.is_none());
        assert_eq!(arguments.settings.overrides().listen.as_deref(), Some("[::1]:0"));
        let after = ["firstlight", "check", "--data-dir", "elsewhere"];
        let arguments = Arguments::try_parse_from(after).unwrap();
        assert!(matches!(arguments.command, Some(Command::Check(_))));
        assert_eq!(arguments.settings.overrides().data_dir.as_deref(), Some("elsewhere"));
    }

    #[test]
    fn a_password_is_never_an_argument() {
        let with = ["firstlight", "account", "reset", "--username", "ada", "--password", "x"];
        assert!(Arguments::try_parse_from(with).is_err());
        let without = ["firstlight", "account", "reset", "--username", "ada"];
        assert!(Arguments::try_parse_from(without).is_err());
    }

    #[test]
    fn the_manual_names_every_command() {
        let manual = include_str!("../../../docs/cli.md");
        for command in Arguments::command().get_subcommands() {
            let name = command.get_name();
            let parts = command.get_subcommands().filter(|part| !part.is_hide_set());
            let parts: Vec<&str> = parts.map(clap::Command::get_name).collect();
            let rows = if parts.is_empty() {
                vec![format!("| `{name}` |")]
            } else {
                parts.iter().map(|part| format!("| `{name} {part}` |")).collect()
            };
            for row in rows {
                assert!(manual.contains(&row), "docs/cli.md has no row {row}");
            }
        }
    }
}
