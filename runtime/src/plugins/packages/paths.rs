//! Paths within a package. One that was parsed leads nowhere else, whatever it is joined to.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

/// The longest part of a path, in bytes.
const PART_LIMIT: usize = 200;
/// The longest path, in bytes.
const PATH_LIMIT: usize = 1000;
/// How deep a package may be.
const DEPTH_LIMIT: usize = 32;

/// A relative path with `/` between its parts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackagePath(String);

/// Why a path is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathProblem {
    /// Nothing, or two separators side by side.
    #[error("it has an empty part")]
    Empty,
    /// It begins at the root of the file system, or at a drive.
    #[error("it is absolute")]
    Absolute,
    /// It has a part `.` or `..`.
    #[error("it has the part . or ..")]
    Dots,
    /// Other systems take it for a separator.
    #[error("it has a backslash")]
    Backslash,
    /// Line breaks, NUL and the like.
    #[error("it has control characters")]
    Control,
    /// A part is too long.
    #[error("a part of it is longer than {PART_LIMIT} bytes")]
    LongPart,
    /// All of it is too long.
    #[error("it is longer than {PATH_LIMIT} bytes")]
    Long,
    /// It has too many parts.
    #[error("it has more than {DEPTH_LIMIT} parts")]
    Deep,
}

impl PackagePath {
    /// Checks a path. `./` in front is left out.
    pub fn parse(text: &str) -> Result<Self, PathProblem> {
        let text = text.strip_prefix("./").unwrap_or(text);
        if text.len() > PATH_LIMIT {
            return Err(PathProblem::Long);
        }
        if text.starts_with('/') {
            return Err(PathProblem::Absolute);
        }
        if text.contains('\\') {
            return Err(PathProblem::Backslash);
        }
        if text.chars().any(char::is_control) {
            return Err(PathProblem::Control);
        }
        for (depth, part) in text.split('/').enumerate() {
            if depth >= DEPTH_LIMIT {
                return Err(PathProblem::Deep);
            }
            check_part(part)?;
        }
        Ok(Self(text.to_owned()))
    }

    /// The path as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where it is when the package is in `folder`.
    pub fn below(&self, folder: &Path) -> PathBuf {
        folder.join(&self.0)
    }

    /// The folders above it, the outermost first.
    pub(super) fn ancestors(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').filter_map(|(at, _)| self.0.get(..at))
    }

    /// The first part, and what follows it.
    pub(super) fn split_first(&self) -> (&str, Option<&str>) {
        match self.0.split_once('/') {
            Some((first, rest)) => (first, Some(rest)),
            None => (&self.0, None),
        }
    }

    /// The path of something in the folder that this path is.
    pub(super) fn child(&self, name: &str) -> Result<Self, PathProblem> {
        Self::parse(&format!("{}/{name}", self.0))
    }
}

fn check_part(part: &str) -> Result<(), PathProblem> {
    let mut bytes = part.bytes();
    match (part, bytes.next(), bytes.next()) {
        ("", ..) => Err(PathProblem::Empty),
        ("." | "..", ..) => Err(PathProblem::Dots),
        (_, Some(letter), Some(b':')) if letter.is_ascii_alphabetic() => Err(PathProblem::Absolute),
        _ if part.len() > PART_LIMIT => Err(PathProblem::LongPart),
        _ => Ok(()),
    }
}

impl fmt::Display for PackagePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for PackagePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Component;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_that_leads_out_is_refused_with_the_reason() {
        let check = |text: &str, expected| {
            assert_eq!(PackagePath::parse(text).unwrap_err(), expected, "{text:?}");
        };
        check("", PathProblem::Empty);
        check("./", PathProblem::Empty);
        check("a//b", PathProblem::Empty);
        check("a/", PathProblem::Empty);
        check("/etc/passwd", PathProblem::Absolute);
        check(".//etc/passwd", PathProblem::Absolute);
        check("C:/windows", PathProblem::Absolute);
        check("a/c:b", PathProblem::Absolute);
        check("..", PathProblem::Dots);
        check("a/../../b", PathProblem::Dots);
        check("a/./b", PathProblem::Dots);
        check("..\\b", PathProblem::Backslash);
        check("a\0b", PathProblem::Control);
        check("a\nb", PathProblem::Control);
        check(&"a".repeat(201), PathProblem::LongPart);
        check(&"a/".repeat(600), PathProblem::Long);
        check(&vec!["a"; 33].join("/"), PathProblem::Deep);
    }

    #[test]
    fn ordinary_paths_are_taken_as_they_are() {
        for text in ["plugin.toml", "pages/main/index.html", "...", "a b", "图标.png", "a:b:c/::"]
        {
            let expected =
                if text.starts_with("a:") { Err(PathProblem::Absolute) } else { Ok(text) };
            let parsed = PackagePath::parse(text);
            assert_eq!(parsed.as_ref().map(PackagePath::as_str).map_err(|e| *e), expected);
        }
        assert_eq!(PackagePath::parse("./a/b").unwrap().as_str(), "a/b");
        let path = PackagePath::parse("a/b/c").unwrap();
        assert_eq!(path.ancestors().collect::<Vec<_>>(), ["a", "a/b"]);
        assert_eq!(path.split_first(), ("a", Some("b/c")));
    }

    /// Paths, half of whose parts are up to something.
    pub(in super::super) fn any_path() -> impl Strategy<Value = String> {
        const TRICKS: [&str; 10] = ["", ".", "..", "...", "C:", "c:d", "..\\", "~", "%2e%2e", "\0"];
        let part = prop_oneof![
            proptest::sample::select(TRICKS.to_vec()).prop_map(str::to_owned),
            "\\PC{0,6}"
        ];
        proptest::collection::vec(part, 1..6).prop_map(|parts| parts.join("/"))
    }

    proptest! {
        #[test]
        fn no_path_leads_out_of_its_package(text in any_path()) {
            if let Ok(path) = PackagePath::parse(&text) {
                let joined = path.below(Path::new("/package"));
                let inside = joined.strip_prefix("/package").unwrap();
                prop_assert!(inside.components().all(|part| matches!(part, Component::Normal(_))));
                prop_assert!(inside.components().count() > 0);
                prop_assert_eq!(&PackagePath::parse(path.as_str()).unwrap(), &path);
            }
        }
    }
}
