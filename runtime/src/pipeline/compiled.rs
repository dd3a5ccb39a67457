//! What is made of a profile once and used by every message: its patterns, its moderation service.

use std::path::Path;

use firstlight_core::config::{Pattern, PatternError, Patterns, Profile, WhenDown};

use super::moderation::Moderator;

/// What is made of a profile once.
#[derive(Debug)]
pub(super) struct Compiled {
    /// What is not heard; `None` when there is nothing to look for.
    pub(super) keywords: Option<Patterns>,
    /// Who judges texts: nobody, a service, or one that cannot be asked.
    pub(super) moderator: Option<Result<Moderator, WhenDown>>,
    /// What one message of a split answer is.
    pub(super) segment: Option<Pattern>,
    /// What is left out of each message of a split answer.
    pub(super) cleanup: Option<Pattern>,
}

impl Compiled {
    pub(super) fn of(profile: &Profile, folder: &Path) -> Result<Self, PatternError> {
        let segments = &profile.platform_settings.segmented_reply;
        Ok(Self {
            keywords: profile.content_safety.internal_keywords.patterns()?,
            moderator: Moderator::of(&profile.content_safety.moderation, folder),
            segment: segments.enable.then(|| segments.pattern()).transpose()?,
            cleanup: segments.cleanup()?.filter(|_| segments.enable),
        })
    }
}
