//! What can be typed after `firstlight plugin`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use crate::cli::arguments::Output;

/// What to do with plugins.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// Write the folder of a new plugin, which builds and passes its tests
    New(NewPlugin),
    /// Build a plugin and check it as installing would
    Build(OneFolder),
    /// Run the tests of a plugin
    Test(OneFolder),
    /// List the plugins
    List(Output),
    /// Install a plugin, after showing what it asks for
    Install(InstallPlugin),
    /// Remove a plugin
    Remove(RemovePlugin),
    /// Load a plugin, now and at each start
    Enable(OnePlugin),
    /// Take a plugin out of work, until it is enabled
    Disable(OnePlugin),
    /// Print the last lines that a plugin wrote to its log
    Logs(OnePlugin),
    /// Look for what is wrong with the installed plugins, and say what to do about it
    Doctor(Output),
    /// Compile a component to a file; the gateway calls this
    #[command(hide = true)]
    Compile {
        #[arg(value_hint = ValueHint::FilePath)]
        from: PathBuf,
        #[arg(value_hint = ValueHint::FilePath)]
        to: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct NewPlugin {
    /// Its name: a-z, 0-9, - and _, beginning with a letter
    pub(crate) name: String,
    /// How it runs [default: component, or process with --lang python]
    #[arg(long)]
    pub(crate) lane: Option<LaneWord>,
    /// What it is written in
    #[arg(long, default_value = "rust")]
    pub(crate) lang: Language,
    /// Where to write it [default: a folder of its name]
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) folder: Option<PathBuf>,
    /// Depend on the crate in this folder instead of the published one; for a checkout of Firstlight
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) plugins_api: Option<PathBuf>,
}

/// How a plugin runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LaneWord {
    /// As a WebAssembly component, in a sandbox
    Component,
    /// As a program of its own, which the gateway cannot keep from much
    Process,
}

/// What a plugin is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// Rust
    Rust,
    /// Python 3, without any packages
    Python,
}

#[derive(Debug, Args)]
pub(crate) struct OneFolder {
    /// The folder that holds plugin.toml
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct OnePlugin {
    /// The plugin
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct InstallPlugin {
    /// A folder, a zip archive, or the https address of an archive or a git repository
    pub(crate) source: String,
    /// The SHA-256 that the archive behind an address must have, now and at each update
    #[arg(long, value_name = "HEX")]
    pub(crate) sha256: Option<String>,
    /// What to allow, of what it asks for: all, none, or names with commas between them [default:
    /// all, for a new plugin; what it was allowed before, for one that is installed]
    #[arg(long, value_name = "WHAT")]
    pub(crate) grant: Option<String>,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Take a plugin that is made for other versions of Firstlight
    #[arg(long)]
    pub(crate) ignore_version_check: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct RemovePlugin {
    /// The plugin
    pub(crate) name: String,
    /// Remove its settings as well
    #[arg(long)]
    pub(crate) settings: bool,
    /// Remove what it stored as well: values, timers, files
    #[arg(long)]
    pub(crate) data: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}
