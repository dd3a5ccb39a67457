//! Exit codes, and the error that the command line ends with.
//!
//! `docs/cli.md` holds the same table; a test compares the two.

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::process::{ExitCode, Termination};

macro_rules! exit_codes {
    ($($variant:ident = $code:literal, $meaning:literal;)*) => {
        /// How a command ended. The numbers are API: scripts and service units rely on them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Exit { $(#[doc = $meaning] $variant,)* }

        impl Exit {
            /// Every code, in the order of the documents.
            pub const ALL: &'static [Exit] = &[$(Exit::$variant,)*];

            /// The number that the process ends with.
            pub fn code(self) -> u8 {
                match self { $(Exit::$variant => $code,)* }
            }

            /// What the number means.
            pub fn meaning(self) -> &'static str {
                match self { $(Exit::$variant => $meaning,)* }
            }
        }
    };
}

exit_codes! {
    Success = 0, "The command did what it was asked; a gateway drained and ended.";
    Findings = 1, "`check` or `doctor` found something that needs a hand, or `chat` got an error as its answer.";
    Usage = 64, "The arguments were wrong.";
    Database = 65, "The database is damaged, foreign, or newer than this version.";
    Unreachable = 69, "A command for a running gateway found none that answers.";
    Internal = 70, "A bug: something happened that has no code of its own.";
    Address = 71, "The listen address could not be bound.";
    Folder = 73, "The data folder could not be made.";
    InputOutput = 74, "Reading or writing failed: permissions, a full disk, a closed pipe.";
    Locked = 75, "Another process uses the data folder.";
    Plugin = 76, "A plugin is wrong, or does not build, pass its tests, or load.";
    Refused = 77, "The running gateway refused the credentials.";
    Configuration = 78, "The settings or a configuration document are wrong.";
    Unclean = 80, "The gateway was told to end, and a part of it did not stop cleanly within its time. What was accepted is kept.";
    Interrupted = 130, "A second signal ended the process at once, without a drain.";
}

/// Why a command could not do what it was asked: what failed, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {advice}")]
pub struct Problem {
    exit: Exit,
    what: String,
    advice: String,
}

impl Problem {
    /// A problem with the code that the process ends with.
    pub fn new(exit: Exit, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { exit, what: what.into(), advice: advice.into() }
    }

    /// A problem with a cause, whose whole chain is part of what failed.
    pub fn caused(
        exit: Exit,
        what: &str,
        cause: &(dyn StdError + 'static),
        advice: impl Into<String>,
    ) -> Self {
        Self::new(exit, format!("{what} ({})", chain(cause)), advice)
    }

    /// What failed.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What to do about it.
    pub fn advice(&self) -> &str {
        &self.advice
    }

    /// The code to end with.
    pub fn exit(&self) -> Exit {
        self.exit
    }
}

/// The texts of an error and its causes, each once.
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            let _ = write!(text, ": {cause_text}");
        }
        next = cause.source();
    }
    text
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self.code())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Exit;

    #[test]
    fn the_manual_lists_every_exit_code_and_no_other() {
        let manual = include_str!("../../docs/cli.md");
        let listed: Vec<&str> = manual
            .lines()
            .skip_while(|line| *line != "## Exit codes")
            .skip(1)
            .take_while(|line| !line.starts_with("## "))
            .filter(|line| line.starts_with("| ") && !line.starts_with("| code"))
            .collect();
        let expected: Vec<String> = Exit::ALL
            .iter()
            .map(|exit| format!("| {} | {} |", exit.code(), exit.meaning()))
            .collect();
        assert_eq!(listed, expected, "docs/cli.md and the enum differ");
    }

    #[test]
    fn every_exit_has_a_code_of_its_own() {
        let codes: BTreeSet<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        assert_eq!(codes.len(), Exit::ALL.len());
    }
}
