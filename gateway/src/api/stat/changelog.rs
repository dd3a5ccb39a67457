//! What changed in which version, from the changelog that the binary was built with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http::{Answer, ApiError, Code, Query, Reply};

const CHANGELOG: &str = include_str!("../../../../CHANGELOG.md");

/// The versions, newest first.
#[derive(Serialize, JsonSchema)]
pub struct Versions {
    versions: Vec<&'static str>,
}

/// Which version.
#[derive(Deserialize, JsonSchema)]
pub struct Wanted {
    #[serde(default)]
    version: String,
}

/// What changed.
#[derive(Serialize, JsonSchema)]
pub struct Changes {
    content: &'static str,
    version: String,
}

/// `GET /api/stat/changelog/list`
pub async fn list() -> Answer<Versions> {
    Ok(Reply::data(Versions {
        versions: sections(CHANGELOG).map(|(version, _)| version).collect(),
    }))
}

/// `GET /api/stat/changelog`
pub async fn read(Query(wanted): Query<Wanted>) -> Answer<Changes> {
    let version = wanted.version.trim();
    let version = version.strip_prefix('v').unwrap_or(version).to_owned();
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if version.is_empty() || !version.chars().all(legal) || version.contains("..") {
        return Err(ApiError::with(Code::Invalid, "version is missing or not a version."));
    }
    let found = sections(CHANGELOG).find(|(name, _)| *name == version);
    let missing = || ApiError::with(Code::NotFound, "There is no changelog of this version.");
    let (_, content) = found.ok_or_else(missing)?;
    Ok(Reply::data(Changes { content, version }))
}

/// The sections of a changelog in the form of keepachangelog.com: `## [1.2.3] - date` and text.
fn sections(changelog: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    changelog.split("\n## ").skip(1).filter_map(|section| {
        let (heading, text) = section.split_once('\n').unwrap_or((section, ""));
        let name = heading.split_whitespace().next()?.trim_matches(['[', ']']);
        Some((name, text.trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_read_with_their_versions() {
        let text = "# Changelog\n\nIntro.\n\n## [0.2.0] - 2026-01-02\n\n- b\n\n## 0.1.0\n- a\n";
        let read: Vec<_> = sections(text).collect();
        assert_eq!(read, [("0.2.0", "- b"), ("0.1.0", "- a")]);
    }

    #[test]
    fn our_own_changelog_has_a_section() {
        assert!(sections(CHANGELOG).next().is_some());
    }
}
