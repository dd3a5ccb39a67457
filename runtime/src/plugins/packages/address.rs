//! Where a package comes from: what an address means, and what is remembered of it.

use std::path::PathBuf;

use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::error::PackageError;

/// Where a package is to be taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackageSource {
    /// A folder on this machine.
    Folder {
        /// The folder that holds `plugin.toml`.
        path: PathBuf,
    },
    /// A zip archive on this machine.
    Archive {
        /// The archive.
        path: PathBuf,
        /// What it was called by whoever sent it.
        name: String,
    },
    /// A repository.
    Git {
        /// Its address.
        url: String,
        /// The branch or tag; `None`: what the repository shows.
        branch: Option<String>,
    },
    /// A zip archive behind a web address.
    Url {
        /// The address.
        url: String,
        /// The SHA-256 that it must have, in hex.
        sha256: Option<String>,
    },
}

/// What is remembered of where a plugin came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "kebab-case")]
pub enum PackageOrigin {
    /// A folder on this machine.
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// An archive that somebody sent.
    Upload {
        /// What it was called.
        name: String,
    },
    /// A repository.
    Git {
        /// Its address.
        url: String,
        /// The branch or tag, when one was named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        branch: Option<String>,
        /// What it was at.
        commit: String,
    },
    /// A web address.
    Url {
        /// The address.
        url: String,
        /// The SHA-256 of the archive.
        sha256: String,
        /// Whether another one would have been refused, and is from now on.
        pinned: bool,
    },
}

impl PackageSource {
    /// What a web address means: a repository on GitHub or anything that ends in `.git` is a
    /// repository, everything else is an archive.
    pub fn of_address(address: &str, sha256: Option<&str>) -> Result<Self, PackageError> {
        let address = address.trim();
        let refused = |reason| PackageError::Address { reason };
        let url = Url::parse(address).map_err(|_| refused("it is no web address"))?;
        if url.scheme() != "https" {
            return Err(refused("only https is taken"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("it holds a name or a password, which would be stored and logged"));
        }
        let sha256 = sha256.map(checked_digest).transpose()?;
        let repository = github(&url).or_else(|| {
            let is_repository = url.path().strip_suffix(".git").is_some();
            is_repository.then(|| Self::Git { url: url.to_string(), branch: None })
        });
        match (repository, sha256) {
            (Some(_), Some(_)) => Err(refused("a checksum pins an archive, this is a repository")),
            (Some(repository), None) => Ok(repository),
            (None, sha256) => Ok(Self::Url { url: url.into(), sha256 }),
        }
    }
}

impl PackageOrigin {
    /// Where a newer version may be had; `None` when nobody knows.
    pub fn again(&self) -> Option<PackageSource> {
        match self.clone() {
            Self::Upload { .. } => None,
            Self::Folder { path } => Some(PackageSource::Folder { path }),
            Self::Git { url, branch, .. } => Some(PackageSource::Git { url, branch }),
            Self::Url { url, sha256, pinned } => {
                Some(PackageSource::Url { url, sha256: pinned.then_some(sha256) })
            }
        }
    }
}

/// `https://github.com/owner/repository`, perhaps with `/tree/branch`.
fn github(url: &Url) -> Option<PackageSource> {
    if url.host_str() != Some("github.com") || url.port().is_some() {
        return None;
    }
    let path = url.path().trim_matches('/');
    let mut parts = path.splitn(4, '/');
    let (owner, name) = (parts.next()?, parts.next()?);
    let name = name.strip_suffix(".git").unwrap_or(name);
    let plain = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    if !plain(owner) || !plain(name) {
        return None;
    }
    let branch = match (parts.next(), parts.next()) {
        (None, _) => None,
        (Some("tree"), Some(branch)) => Some(branch.to_owned()),
        // Something else of it, such as the archive of a release.
        _ => return None,
    };
    Some(PackageSource::Git { url: format!("https://github.com/{owner}/{name}"), branch })
}

pub(super) fn checked_digest(text: &str) -> Result<String, PackageError> {
    let text = text.trim().to_ascii_lowercase();
    match hex::decode(&text) {
        Ok(bytes) if bytes.len() == 32 => Ok(text),
        _ => Err(PackageError::Address { reason: "the checksum is no SHA-256 in hex" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(url: &str, branch: Option<&str>) -> PackageSource {
        PackageSource::Git { url: url.to_owned(), branch: branch.map(str::to_owned) }
    }

    #[test]
    fn an_address_of_a_repository_is_taken_with_git() {
        let check = |address: &str, expected: PackageSource| {
            assert_eq!(PackageSource::of_address(address, None).unwrap(), expected, "{address}");
        };
        let plain = git("https://github.com/ann/dice", None);
        check("https://github.com/ann/dice", plain.clone());
        check(" https://github.com/ann/dice/ ", plain.clone());
        check("https://github.com/ann/dice.git", plain);
        check(
            "https://github.com/ann/dice/tree/feature/x",
            git("https://github.com/ann/dice", Some("feature/x")),
        );
        check("https://example.org/a/dice.git", git("https://example.org/a/dice.git", None));
        let zip = "https://github.com/ann/dice/archive/refs/tags/v1.zip";
        check(zip, PackageSource::Url { url: zip.to_owned(), sha256: None });
    }

    #[test]
    fn other_addresses_are_refused_with_the_reason() {
        let digest = "ab".repeat(32);
        for (address, sha256, expected) in [
            ("dice", None, "no web address"),
            ("http://example.org/dice.zip", None, "only https"),
            ("ssh://git@example.org/dice.git", None, "only https"),
            ("file:///etc", None, "only https"),
            ("https://ann:secret@example.org/dice.zip", None, "name or a password"),
            ("https://example.org/dice.zip", Some("abc"), "no SHA-256"),
            ("https://github.com/ann/dice", Some(digest.as_str()), "pins an archive"),
        ] {
            let said = PackageSource::of_address(address, sha256).unwrap_err().to_string();
            assert!(said.contains(expected) && !said.contains("secret"), "{address}: {said}");
        }
    }

    #[test]
    fn what_was_pinned_stays_pinned() {
        let (url, sha256) = ("https://example.org/dice.zip".to_owned(), "ab".repeat(32));
        for pinned in [true, false] {
            let origin = PackageOrigin::Url { url: url.clone(), sha256: sha256.clone(), pinned };
            let stored = serde_json::to_value(&origin).unwrap();
            let read: PackageOrigin = serde_json::from_value(stored).unwrap();
            let sha256 = pinned.then(|| sha256.clone());
            assert_eq!(read.again(), Some(PackageSource::Url { url: url.clone(), sha256 }));
        }
        assert_eq!(PackageOrigin::Upload { name: "a.zip".into() }.again(), None);
    }
}
