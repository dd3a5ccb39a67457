//! `cargo xtask …`: whatever a developer or CI runs, in one language and one place.
//!
//! It drives cargo and the built binaries as processes and depends on none of our packages, so it
//! compiles in seconds and works while they do not compile.
#![expect(clippy::print_stdout, reason = "these commands exist to print")]
#![expect(
    clippy::disallowed_methods,
    reason = "the bans are for the gateway; here is no runtime whose time could be paused"
)]

mod bench;
mod chaos;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod edges;
mod fuzz;
mod mutants;
mod plugins;
mod table;
mod test;
#[cfg(test)]
mod tidy;
mod workspace;

use clap::Parser;

use crate::workspace::Workspace;

/// The project's own commands.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", max_term_width = 100)]
enum Command {
    /// Runs every check in order and stops at the first that fails.
    Test(test::Arguments),
    /// Measures the gateway against a bare server.
    Bench(bench::Arguments),
    /// Breaks the gateway while it works, and accounts for what came of it.
    Chaos(chaos::Arguments),
    /// Feeds parsers what nobody thought of (cargo-fuzz on the nightly compiler).
    Fuzz(fuzz::Arguments),
    /// Seeds known bugs and requires that the tests catch each.
    Mutants(mutants::Arguments),
    /// Builds the example plugins as WebAssembly.
    Plugins,
}

fn main() -> anyhow::Result<()> {
    let command = Command::parse();
    let workspace = Workspace::locate()?;
    match command {
        Command::Test(arguments) => test::run(&workspace, &arguments),
        Command::Bench(arguments) => bench::run(&workspace, &arguments),
        Command::Chaos(arguments) => chaos::run(&workspace, &arguments),
        Command::Fuzz(arguments) => fuzz::run(&workspace, &arguments),
        Command::Mutants(arguments) => mutants::run(&workspace, &arguments),
        Command::Plugins => plugins::run(&workspace),
    }
}
