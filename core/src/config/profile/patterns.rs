//! Regular expressions that operators write: compiled once, within limits, matched in linear time.
//!
//! The engine has no look-around and no back references, so that no pattern makes it slow: matching
//! takes time in proportion to pattern and text (reference 7.1 S13). A pattern that it does not
//! understand is refused when the profile is saved.

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

/// How many bytes one written pattern may have.
const MOST_BYTES: usize = 2_000;
/// How many patterns there may be in one list.
const MOST_PATTERNS: usize = 2_000;
/// How many bytes a compiled pattern, and all of a list together, may take.
const MOST_COMPILED: usize = 8 << 20;

/// Why a pattern is refused. The texts do not quote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is longer than allowed.
    #[error("a pattern has at most {MOST_BYTES} bytes")]
    TooLong,
    /// There are more than allowed.
    #[error("there are at most {MOST_PATTERNS} patterns")]
    TooMany,
    /// Compiled, it takes more memory than allowed.
    #[error("the pattern is too large when it is compiled")]
    TooLarge,
    /// The engine does not understand it.
    #[error("it is no regular expression of this engine (there is no look-around)")]
    Syntax,
}

impl From<regex::Error> for PatternError {
    fn from(error: regex::Error) -> Self {
        match error {
            regex::Error::CompiledTooBig(_) => Self::TooLarge,
            _ => Self::Syntax,
        }
    }
}

/// One pattern; `.` matches line breaks, `^` and `$` match at each line.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// Compiles a pattern.
    pub fn new(written: &str) -> Result<Self, PatternError> {
        if written.len() > MOST_BYTES {
            return Err(PatternError::TooLong);
        }
        let mut builder = RegexBuilder::new(written);
        builder.multi_line(true).dot_matches_new_line(true);
        Ok(Self(builder.size_limit(MOST_COMPILED).dfa_size_limit(MOST_COMPILED).build()?))
    }

    /// All matches that do not overlap, in order.
    pub fn matches<'t>(&self, text: &'t str) -> impl Iterator<Item = &'t str> {
        self.0.find_iter(text).map(|found| found.as_str())
    }

    /// The text without what matches.
    pub fn remove_from(&self, text: &str) -> String {
        self.0.replace_all(text, "").into_owned()
    }
}

/// A list of patterns that are looked for together, in one pass over the text.
#[derive(Debug, Clone)]
pub struct Patterns(RegexSet);

impl Patterns {
    /// Compiles a list.
    pub fn new(written: &[String]) -> Result<Self, PatternError> {
        if written.len() > MOST_PATTERNS {
            return Err(PatternError::TooMany);
        }
        if written.iter().any(|pattern| pattern.len() > MOST_BYTES) {
            return Err(PatternError::TooLong);
        }
        let mut builder = RegexSetBuilder::new(written);
        Ok(Self(builder.size_limit(MOST_COMPILED).dfa_size_limit(MOST_COMPILED).build()?))
    }

    /// Whether one of them is anywhere in the text.
    pub fn found_in(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s13_a_pattern_that_would_hang_other_engines_is_matched_in_linear_time_or_refused() {
        let nested = Patterns::new(&["^(a+)+$".to_owned()]).unwrap();
        assert!(!nested.found_in(&format!("{}b", "a".repeat(100_000))));
        let refused = |pattern: &str| Pattern::new(pattern).unwrap_err();
        assert_eq!(refused("(?=look)around"), PatternError::Syntax);
        assert_eq!(refused("(unclosed"), PatternError::Syntax);
        assert_eq!(refused(&"a".repeat(2_001)), PatternError::TooLong);
        assert_eq!(refused(r"\w{1000}{1000}"), PatternError::TooLarge);
        assert_eq!(Patterns::new(&vec!["a".to_owned(); 2_001]).unwrap_err(), PatternError::TooMany);
    }

    #[test]
    fn an_empty_list_finds_nothing() {
        assert!(!Patterns::new(&[]).unwrap().found_in("anything"));
    }
}
