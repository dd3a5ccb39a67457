//! Repositories, by the `git` program: what it may do is told to it in full, and its own
//! configuration is left out.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use reqwest::Url;
use tokio::process::Command;

use super::intake::{ARCHIVE_LIMIT, CONTENT_LIMIT};
use super::program::{self, Bounds, Ended};
use crate::addresses::{is_closed_literal, is_public};

/// How long a clone may take.
const DEADLINE: Duration = Duration::from_mins(2);
/// How much of what git says is passed on, in characters.
const SAID: usize = 500;
/// What git is told whatever it does.
const SETTINGS: [&str; 9] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "submodule.recurse=false",
    "protocol.allow=never",
    "protocol.ext.allow=never",
    // Each host on the way would have to be looked at.
    "http.followRedirects=false",
    "http.proxy=",
    "credential.helper=",
    "advice.detachedHead=false",
];

/// Which repositories may be cloned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Repositories {
    /// Those behind `https` on the public internet.
    #[default]
    Public,
    /// Those on this machine as well, by `file`.
    Local,
}

/// Why a repository was not cloned. What git said is passed on; the addresses hold no secrets.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no `git`.
    #[error("git is not installed on the gateway's machine; install it, or use a zip archive")]
    Missing,
    /// It is no address of a repository.
    #[error("the address or the branch has a form that is not taken")]
    Address,
    /// The host is not a public one.
    #[error("its host is not a public one")]
    Private,
    /// The host has no address.
    #[error("its host cannot be found")]
    Unresolved,
    /// It took too long.
    #[error("it did not come within {} s", DEADLINE.as_secs())]
    TooSlow,
    /// It is too large.
    #[error("it is too large")]
    TooLarge,
    /// Git says no.
    #[error("git says: {0}")]
    Failed(String),
    /// Git could not be started.
    #[error("git cannot be started")]
    Start(#[source] std::io::Error),
}

/// Clones a repository into `into`, which is not there yet, and answers the commit it is at.
pub(super) async fn clone(
    url: &str,
    branch: Option<&str>,
    into: &Path,
    allowed: Repositories,
) -> Result<String, GitError> {
    let parsed = Url::parse(url).map_err(|_| GitError::Address)?;
    if branch.is_some_and(|branch| branch.is_empty() || branch.starts_with('-')) {
        return Err(GitError::Address);
    }
    let mut command = git();
    for setting in access(&parsed, allowed).await? {
        command.arg("-c").arg(setting);
    }
    command.args(["clone", "--quiet", "--depth", "1", "--no-tags", "--single-branch"]);
    command.args(["--no-recurse-submodules", "--template="]);
    if let Some(branch) = branch {
        command.args(["--branch", branch]);
    }
    command.arg("--").arg(parsed.as_str()).arg(into);
    run(command, into).await?;
    let mut command = git();
    command.arg("-C").arg(into).args(["rev-parse", "--verify", "HEAD"]);
    Ok(run(command, into).await?.trim().to_owned())
}

/// The program, told nothing by the machine's or anybody's configuration.
fn git() -> Command {
    let mut command = Command::new("git");
    command.env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command.env("GIT_TERMINAL_PROMPT", "0");
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    command.env("GIT_LFS_SKIP_SMUDGE", "1").env("LC_ALL", "C");
    for setting in SETTINGS {
        command.arg("-c").arg(setting);
    }
    command
}

/// Checks where an address leads, and says what git has to be told so that it goes there alone.
async fn access(url: &Url, allowed: Repositories) -> Result<Vec<String>, GitError> {
    match (url.scheme(), allowed) {
        ("https", _) => {}
        ("file", Repositories::Local) => return Ok(vec!["protocol.file.allow=always".to_owned()]),
        _ => return Err(GitError::Address),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(GitError::Address);
    }
    let mut settings = vec!["protocol.https.allow=always".to_owned()];
    if is_closed_literal(url) {
        return Err(GitError::Private);
    }
    if let Some(url::Host::Domain(name)) = url.host() {
        let port = url.port().unwrap_or(443);
        let found = tokio::net::lookup_host((name, port)).await;
        let found: Vec<SocketAddr> = found.map_err(|_| GitError::Unresolved)?.collect();
        let public = found.iter().map(SocketAddr::ip).filter(|address| is_public(*address));
        let public: Vec<String> = public.map(written).collect();
        if public.is_empty() {
            return Err(GitError::Private);
        }
        // What was looked at is what is connected to, whatever the name leads to by then.
        settings.push(format!("http.curloptResolve={name}:{port}:{}", public.join(",")));
    }
    Ok(settings)
}

fn written(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

async fn run(command: Command, folder: &Path) -> Result<String, GitError> {
    // What is checked out, and what is below `.git`.
    let most = CONTENT_LIMIT + ARCHIVE_LIMIT;
    let bounds = Bounds { deadline: DEADLINE, folder, most };
    match program::run(command, bounds).await {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(GitError::Missing),
        Err(error) => Err(GitError::Start(error)),
        Ok(Ended::TooSlow) => Err(GitError::TooSlow),
        Ok(Ended::TooLarge) => Err(GitError::TooLarge),
        Ok(Ended::Itself { status, output, .. }) if status.success() => Ok(output),
        Ok(Ended::Itself { errors, .. }) => {
            let plain = errors.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
            Err(GitError::Failed(plain.take(SAID).collect()))
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;
    use std::process::Command as Program;

    use super::*;

    /// A repository with these files, and its address.
    pub(in super::super) fn repository(folder: &Path, files: &[(&str, &str)]) -> String {
        let git = |arguments: &[&str]| {
            let mut git = Program::new("git");
            git.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
            git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
            git.args(["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]);
            assert!(git.current_dir(folder).args(arguments).status().unwrap().success());
        };
        git(&["init", "-q", "-b", "main"]);
        for (name, text) in files {
            fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
            fs::write(folder.join(name), text).unwrap();
        }
        git(&["add", "."]);
        git(&["commit", "-q", "-m", "first"]);
        git(&["branch", "-q", "next"]);
        Url::from_directory_path(folder).unwrap().to_string()
    }

    #[tokio::test]
    async fn a_repository_is_cloned_at_the_branch_that_was_named() {
        let (from, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let url = repository(from.path(), &[("plugin.toml", "x"), ("a/b", "c")]);
        for (at, branch) in [(0, None), (1, Some("next"))] {
            let into = into.path().join(at.to_string());
            let commit = clone(&url, branch, &into, Repositories::Local).await.unwrap();
            assert_eq!(commit.len(), 40, "{commit}");
            assert_eq!(fs::read_to_string(into.join("a/b")).unwrap(), "c");
        }
        let nowhere = into.path().join("nowhere");
        let error = clone(&url, Some("other"), &nowhere, Repositories::Local).await.unwrap_err();
        assert!(error.to_string().contains("other"), "{error}");
    }

    #[tokio::test]
    async fn no_hook_of_this_machine_runs_and_no_submodule_is_fetched() {
        let (from, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let modules = "[submodule \"x\"]\n\tpath = x\n\turl = https://127.0.0.1/x.git\n";
        let url = repository(from.path(), &[(".gitmodules", modules), ("plugin.toml", "x")]);
        let into = into.path().join("clone");
        clone(&url, None, &into, Repositories::Local).await.unwrap();
        assert!(!into.join("x").exists() && !into.join(".git/hooks").exists());
    }

    #[tokio::test]
    async fn only_public_hosts_are_reached_and_only_by_https() {
        let into = tempfile::tempdir().unwrap();
        let into = into.path().join("clone");
        for url in ["https://127.0.0.1/x.git", "https://[::1]/x.git", "https://localhost/x.git"] {
            let error = clone(url, None, &into, Repositories::Local).await.unwrap_err();
            assert!(matches!(error, GitError::Private), "{url}: {error}");
        }
        for url in ["http://example.org/x", "ssh://example.org/x", "ext::sh -c x", "file:///x", "x"]
        {
            let error = clone(url, None, &into, Repositories::Public).await.unwrap_err();
            assert!(matches!(error, GitError::Address), "{url}: {error}");
        }
        let url = "https://example.org/x";
        let error = clone(url, Some("--upload-pack=x"), &into, Repositories::Public).await;
        assert!(matches!(error, Err(GitError::Address)));
    }
}
