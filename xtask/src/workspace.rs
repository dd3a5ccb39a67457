//! Where the workspace and its build output are, and how its binaries are built.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use cargo_metadata::MetadataCommand;
use xshell::{Shell, cmd};

/// The checkout this command was compiled from.
pub(crate) struct Workspace {
    /// The folder of the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Cargo's target folder, wherever the environment puts it.
    pub(crate) target: PathBuf,
}

/// What the gateway is built with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Faults {
    /// As it is released.
    Without,
    /// With the cargo feature `faults`, which lets a file pin or break a bootstrap.
    With,
}

impl Workspace {
    /// Finds the workspace by asking cargo.
    pub(crate) fn locate() -> Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
        let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec()?;
        Ok(Self {
            root: metadata.workspace_root.into_std_path_buf(),
            target: metadata.target_directory.into_std_path_buf(),
        })
    }

    /// A shell in the workspace's folder.
    pub(crate) fn shell(&self) -> Result<Shell> {
        let shell = Shell::new()?;
        shell.change_dir(&self.root);
        Ok(shell)
    }

    /// Builds the `firstlight` binary and returns a copy that no later build overwrites.
    ///
    /// Only our own crates differ between the two kinds, so they share one target folder and with
    /// it every dependency; the copy is what keeps them apart.
    pub(crate) fn gateway(&self, profile: &str, faults: Faults) -> Result<PathBuf> {
        let shell = self.shell()?;
        let (kind, features): (_, &[&str]) = match faults {
            Faults::Without => ("plain", &[]),
            Faults::With => ("faults", &["--features", "faults"]),
        };
        cmd!(
            shell,
            "cargo build -p firstlight-gateway --bin firstlight --profile {profile} {features...}"
        )
        .run()?;
        let copy = self.target.join("xtask").join(profile).join(kind).join("firstlight");
        keep(&self.built(profile, "firstlight"), &copy)?;
        if faults == Faults::Without {
            let binary = fs::read(&copy)?;
            for trace in [&b"FIRSTLIGHT_FAULTS"[..], b"accept-uncommitted"] {
                ensure!(
                    !contains(&binary, trace),
                    "the binary without the feature `faults` contains the fault code"
                );
            }
        }
        Ok(copy)
    }

    /// Builds a binary of `firstlight-tests` and returns its path.
    pub(crate) fn peer(&self, profile: &str, name: &str) -> Result<PathBuf> {
        let shell = self.shell()?;
        cmd!(shell, "cargo build -p firstlight-tests --bin {name} --profile {profile}").run()?;
        Ok(self.built(profile, name))
    }

    /// Builds an example of a package and returns its path.
    pub(crate) fn example(&self, profile: &str, package: &str, name: &str) -> Result<PathBuf> {
        let shell = self.shell()?;
        cmd!(shell, "cargo build -p {package} --example {name} --profile {profile}").run()?;
        let built = self.built(profile, name);
        Ok(built.with_file_name("examples").join(name))
    }

    fn built(&self, profile: &str, name: &str) -> PathBuf {
        let folder = if profile == "dev" { "debug" } else { profile };
        self.target.join(folder).join(name)
    }
}

/// Copies beside the destination and renames, so that a running copy is never written into.
fn keep(from: &Path, to: &Path) -> Result<()> {
    let folder = to.parent().context("the copy has no folder")?;
    fs::create_dir_all(folder)?;
    let fresh = to.with_extension("new");
    fs::copy(from, &fresh).with_context(|| format!("copying {}", from.display()))?;
    fs::rename(&fresh, to)?;
    Ok(())
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
