//! `firstlight plugin build`: what the author builds before it is installed, checked as installing
//! would.

use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use firstlight_runtime::plugins::packages::{Lane, MANIFEST_FILE};
use firstlight_runtime::plugins::{PackageCheck, PackageManifest, check_package, unenforced};
use serde_json::Value;

use super::toolchain::{self, TARGET};
use crate::exit::{Exit, Problem};
use crate::plugins_control::{self, Asks};
use crate::terminal;

/// What a plugin is written in, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Rust,
    Python,
}

impl Kind {
    /// By the files in the folder.
    pub(super) fn of(folder: &Path) -> Result<Self, Problem> {
        if folder.join("Cargo.toml").is_file() {
            return Ok(Self::Rust);
        }
        if folder.join("main.py").is_file() {
            return Ok(Self::Python);
        }
        let what = format!("{} holds neither Cargo.toml nor main.py", folder.display());
        Err(Problem::new(Exit::Usage, what, "name the folder of a plugin"))
    }

    fn program(self) -> &'static str {
        match self {
            Self::Rust => "cargo",
            Self::Python => "python3",
        }
    }
}

/// A program that is needed could not be started.
pub(super) fn tool(kind: Kind, error: &io::Error) -> Problem {
    let what = format!("{} could not be started", kind.program());
    let advice = "install it, and see that it is on the PATH";
    Problem::caused(Exit::InputOutput, &what, error, advice)
}

/// Builds and checks.
pub(super) fn run(folder: &Path) -> Result<Exit, Problem> {
    let manifest = manifest(folder)?;
    if Kind::of(folder)? == Kind::Rust {
        let (built, into) = match &manifest.lane {
            Lane::Component { file } => (component(folder)?, file.below(folder)),
            Lane::Process { command } => {
                let program = command.first().map(String::as_str).unwrap_or_default();
                (program_of(folder, program)?, folder.join(program))
            }
        };
        place(&built, &into)?;
    }
    report(&check_package(folder).map_err(|error| plugins_control::package(&error))?)?;
    Ok(Exit::Success)
}

/// Only the manifest: what it names may be still to be built.
fn manifest(folder: &Path) -> Result<PackageManifest, Problem> {
    let path = folder.join(MANIFEST_FILE);
    let text = fs::read_to_string(&path).map_err(|error| {
        let what = format!("{} could not be read", path.display());
        Problem::caused(Exit::Usage, &what, &error, "name the folder of a plugin")
    })?;
    PackageManifest::parse(&text).map_err(|error| plugins_control::package(&error.into()))
}

fn component(folder: &Path) -> Result<PathBuf, Problem> {
    let mut command = toolchain::find(folder)?.command();
    command.args(["--release", "--target", TARGET, "--lib"]);
    artifact(folder, command, |path| path.extension().is_some_and(|end| end == "wasm"))
}

fn program_of(folder: &Path, program: &str) -> Result<PathBuf, Problem> {
    let wanted = Path::new(program).file_name().unwrap_or_default().to_owned();
    let mut command = Command::new("cargo");
    command.args(["build", "--release", "--bins"]);
    artifact(folder, command, |path| path.file_stem() == Some(&wanted))
}

/// Builds, and answers what cargo made.
fn artifact(
    folder: &Path,
    mut command: Command,
    is_it: impl Fn(&Path) -> bool,
) -> Result<PathBuf, Problem> {
    command.args(["--message-format", "json-render-diagnostics"]);
    command.current_dir(folder).stdout(Stdio::piped());
    let failed = |error: &io::Error| tool(Kind::Rust, error);
    let mut child = command.spawn().map_err(|error| failed(&error))?;
    let mut made = None;
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines() {
            let line = line.map_err(|error| failed(&error))?;
            made = made_by(&line, &is_it).or(made);
        }
    }
    if !child.wait().map_err(|error| failed(&error))?.success() {
        let advice = "read what the compiler says above";
        return Err(Problem::new(Exit::Plugin, "the plugin does not build", advice));
    }
    made.ok_or_else(|| {
        let advice = "a component needs crate-type = [\"cdylib\", \"rlib\"], a process a binary of \
                      the name in plugin.toml";
        Problem::new(Exit::Plugin, "cargo built nothing that can be installed", advice)
    })
}

/// The file that a message of cargo's tells of. Those of dependencies come before the package's own.
fn made_by(line: &str, is_it: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(line).ok()?;
    if message.get("reason")? != "compiler-artifact" {
        return None;
    }
    let files = message.get("filenames")?.as_array()?.iter().chain(message.get("executable"));
    files.filter_map(Value::as_str).map(PathBuf::from).find(|path| is_it(path))
}

/// Copies what was built to where the manifest says it is.
fn place(built: &Path, into: &Path) -> Result<(), Problem> {
    let copied = || {
        if let Some(parent) = into.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::copy(built, into).map(drop)
    };
    copied().map_err(|error| {
        let what = format!("{} could not be written", into.display());
        Problem::caused(Exit::InputOutput, &what, &error, "check who may write to the folder")
    })
}

fn report(found: &PackageCheck) -> Result<(), Problem> {
    let manifest = &found.manifest;
    let size = found.component_bytes.map(|bytes| format!(", {} KiB", bytes.div_ceil(1024)));
    let lane = if size.is_some() { "component" } else { "process" };
    let size = size.unwrap_or_default();
    terminal::line(format!("{} {} ({lane}{size})", manifest.name, manifest.version))?;
    asks(&Asks::of(&manifest.capabilities))?;
    for text in unenforced(manifest.lane_kind()) {
        terminal::line(format!("  ! {text}"))?;
    }
    terminal::line("It can be installed.")
}

/// Prints what a plugin asks for.
pub(super) fn asks(all: &[Asks]) -> Result<(), Problem> {
    if all.is_empty() {
        return terminal::line("It asks for nothing.");
    }
    terminal::line("It asks to:")?;
    for one in all {
        let hosts = one.hosts.join(", ");
        let hosts = if hosts.is_empty() { hosts } else { format!(" ({hosts})") };
        terminal::line(format!("  {}: {}{hosts}", one.capability, one.about))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::made_by;

    #[test]
    fn what_cargo_made_is_read_from_its_messages() {
        let wasm = |path: &std::path::Path| path.extension().is_some_and(|end| end == "wasm");
        let made = r#"{"reason":"compiler-artifact","filenames":["a/x.rlib","a/x.wasm"]}"#;
        assert_eq!(made_by(made, wasm), Some(PathBuf::from("a/x.wasm")));
        let program = r#"{"reason":"compiler-artifact","filenames":[],"executable":"b/hello"}"#;
        let named = |path: &std::path::Path| path.ends_with("hello");
        assert_eq!(made_by(program, named), Some(PathBuf::from("b/hello")));
        for other in ["Compiling x", r#"{"reason":"build-finished"}"#, "{}"] {
            assert_eq!(made_by(other, wasm), None);
        }
    }
}
