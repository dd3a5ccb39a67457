//! `cargo xtask plugins`: the example plugins as WebAssembly, for the tests.
//!
//! Cargo's own compiler builds them when it has the target. Else the packages of Debian do, which
//! bring the source of the standard library and a linker (`.ci/run` installs them). Where there is
//! neither, it says so, and the tests that need a component say that they were skipped.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::workspace::Workspace;

const TARGET: &str = "wasm32-unknown-unknown";
/// The examples that are components.
const EXAMPLES: [&str; 3] = ["dice", "keyword-guard", "weather"];
/// Where a distribution puts its programs.
const SYSTEM: &str = "/usr/bin";

/// A toolchain for [`TARGET`].
enum Toolchain {
    Own,
    System { linker: PathBuf },
}

/// What was built.
pub(crate) enum Built {
    /// The folder with a `<name>.wasm` for each example.
    In(PathBuf),
    /// Nothing, for that reason.
    Skipped(String),
}

/// Builds the examples and says where they are.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    match build(workspace)? {
        Built::In(folder) => println!("built: {}", folder.display()),
        Built::Skipped(reason) => println!("SKIPPED: {reason}"),
    }
    Ok(())
}

/// Builds the examples.
pub(crate) fn build(workspace: &Workspace) -> Result<Built> {
    let shell = workspace.shell()?;
    let Some(toolchain) = find(&shell) else {
        let reason = format!(
            "no Rust toolchain here compiles for {TARGET}: `rustup target add {TARGET}`, or on \
             Debian `apt-get install rustc-web cargo-web rust-web-src lld-19`"
        );
        return Ok(Built::Skipped(reason));
    };
    let folder = workspace.target.join("xtask/plugins");
    let target = folder.join("target");
    shell.create_dir(&folder)?;
    shell.change_dir(workspace.root.join("plugins-api/examples"));
    let arguments = ["--release", "--lib", "--target", TARGET];
    let packages = EXAMPLES.iter().flat_map(|name| ["-p", *name]);
    let command = match &toolchain {
        Toolchain::Own => cmd!(shell, "cargo build {arguments...} {packages...}"),
        Toolchain::System { linker } => {
            let system = Path::new(SYSTEM);
            let (cargo, rustc) = (system.join("cargo"), system.join("rustc"));
            let path = shell.var_os("PATH").unwrap_or_default();
            let others = std::env::split_paths(&path);
            let path = std::env::join_paths([system.to_owned()].into_iter().chain(others))?;
            let std = "-Zbuild-std=std,panic_abort";
            cmd!(shell, "{cargo} build {std} {arguments...} {packages...}")
                .env("PATH", path)
                .env("RUSTC", rustc)
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
                .env_remove("RUSTUP_TOOLCHAIN")
        }
    };
    command.env("CARGO_TARGET_DIR", &target).run()?;
    for name in EXAMPLES {
        let built = format!("{}.wasm", name.replace('-', "_"));
        let built = target.join(TARGET).join("release").join(built);
        let copy = folder.join(format!("{name}.wasm"));
        shell.copy_file(&built, &copy).with_context(|| format!("the example {name}"))?;
    }
    Ok(Built::In(folder))
}

fn find(shell: &Shell) -> Option<Toolchain> {
    let own = sysroot(shell, Path::new("rustc"))?.join("lib/rustlib").join(TARGET);
    if own.is_dir() {
        return Some(Toolchain::Own);
    }
    let root = sysroot(shell, &Path::new(SYSTEM).join("rustc"))?;
    let source = root.join("lib/rustlib/src/rust/library/Cargo.lock");
    let linker = linker().filter(|_| source.is_file())?;
    Some(Toolchain::System { linker })
}

fn sysroot(shell: &Shell, rustc: &Path) -> Option<PathBuf> {
    let asked = cmd!(shell, "{rustc} --print sysroot").quiet().ignore_stderr();
    asked.read().ok().map(|text| PathBuf::from(text.trim()))
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
