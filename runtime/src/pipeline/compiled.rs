//! What is made of a profile once and used by every message: its patterns.

use firstlight_core::config::{Pattern, PatternError, Patterns, Profile};

/// The patterns of a profile, compiled.
#[derive(Debug)]
pub(super) struct Compiled {
    /// What is not heard; `None` when there is nothing to look for.
    pub(super) keywords: Option<Patterns>,
    /// What one message of a split answer is.
    pub(super) segment: Option<Pattern>,
    /// What is left out of each message of a split answer.
    pub(super) cleanup: Option<Pattern>,
}

impl Compiled {
    pub(super) fn of(profile: &Profile) -> Result<Self, PatternError> {
        let segments = &profile.platform_settings.segmented_reply;
        Ok(Self {
            keywords: profile.content_safety.internal_keywords.patterns()?,
            segment: segments.enable.then(|| segments.pattern()).transpose()?,
            cleanup: segments.cleanup()?.filter(|_| segments.enable),
        })
    }
}
