//! Finding a Rust toolchain that compiles for WebAssembly.
//!
//! Cargo's own compiler does when the target was added to it. Else the packages of Debian do, which
//! bring the source of the standard library and a linker instead (`rustc-web`, `cargo-web`,
//! `rust-web-src`, `lld-19`): the standard library is then built along with the plugin.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::exit::{Exit, Problem};

/// What plugins are compiled for.
pub(super) const TARGET: &str = "wasm32-unknown-unknown";
/// Where a distribution puts its programs.
const SYSTEM: &str = "/usr/bin";

/// A toolchain for [`TARGET`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Toolchain {
    /// Cargo as it is on the path.
    OnPath,
    /// The distribution's, with the source of the standard library.
    System { linker: PathBuf },
}

/// Looks for one, as it is seen from the folder of a plugin.
pub(super) fn find(folder: &Path) -> Result<Toolchain, Problem> {
    let target = |root: &Path| root.join("lib/rustlib").join(TARGET).is_dir();
    if sysroot("rustc", folder).is_some_and(|root| target(&root)) {
        return Ok(Toolchain::OnPath);
    }
    let source = |root: &Path| root.join("lib/rustlib/src/rust/library/Cargo.lock").is_file();
    let system = Path::new(SYSTEM).join("rustc");
    let has_source = sysroot(&system.to_string_lossy(), folder).is_some_and(|root| source(&root));
    if let Some(linker) = linker().filter(|_| has_source) {
        return Ok(Toolchain::System { linker });
    }
    let what = format!("no Rust toolchain here compiles for {TARGET}");
    Err(Problem::new(Exit::Plugin, what, format!("rustup target add {TARGET}")))
}

fn sysroot(rustc: &str, folder: &Path) -> Option<PathBuf> {
    let asked =
        Command::new(rustc).args(["--print", "sysroot"]).current_dir(folder).output().ok()?;
    let text = String::from_utf8(asked.stdout).ok().filter(|_| asked.status.success())?;
    Some(PathBuf::from(text.trim()))
}

/// `wasm-ld`, or one with a version behind its name.
fn linker() -> Option<PathBuf> {
    let entries = std::fs::read_dir(SYSTEM).ok()?.filter_map(Result::ok);
    let named = entries.map(|entry| entry.path()).filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name == "wasm-ld" || name.starts_with("wasm-ld-")
    });
    named.max()
}

impl Toolchain {
    /// `cargo build` with it.
    pub(super) fn command(&self) -> Command {
        let Self::System { linker } = self else {
            let mut command = Command::new("cargo");
            command.arg("build");
            return command;
        };
        let system = Path::new(SYSTEM);
        let mut command = Command::new(system.join("cargo"));
        // Another compiler on the path would be taken for this one's.
        let path = std::env::var_os("PATH").unwrap_or_default();
        let rest = std::env::split_paths(&path);
        if let Ok(path) = std::env::join_paths([system.to_owned()].into_iter().chain(rest)) {
            command.env("PATH", path);
        }
        command.env("RUSTC", system.join("rustc"));
        command.env_remove("RUSTUP_TOOLCHAIN");
        // To build the standard library is not a stable wish of cargo's.
        command.env("RUSTC_BOOTSTRAP", "1");
        command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        command.args(["build", "-Zbuild-std=std,panic_abort"]);
        command
    }
}
