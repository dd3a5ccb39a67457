//! `platform_settings.segmented_reply`: an answer as several messages, as people write them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::patterns::{Pattern, PatternError};
use crate::config::problem::{Problem, join};

/// How answers are split into several messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SegmentedReply {
    /// Whether they are.
    pub enable: bool,
    /// Whether only what a model said is split.
    pub only_llm_result: bool,
    /// How long the pause before each message but the first is.
    pub interval_method: IntervalMethod,
    /// The least and the longest pause of the method `random`, in seconds.
    pub interval: String,
    /// The base of the logarithm of the method `log`.
    pub log_base: f64,
    /// A text with more letters than this is not split.
    pub words_count_threshold: u32,
    /// Where a text is split.
    pub split_mode: SplitMode,
    /// What a message is, for the mode `regex`. `.` matches line breaks, `$` the end of a line.
    pub regex: String,
    /// What ends a message, for the mode `words`. It is left out.
    pub split_words: Vec<String>,
    /// A regular expression; what matches it is left out of each message.
    pub content_cleanup_rule: String,
}

/// How long the pause before a message is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IntervalMethod {
    /// By chance, between two times.
    #[default]
    Random,
    /// By the length of the message.
    Log,
}

/// Where a text is split.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SplitMode {
    /// Each match of the pattern is a message.
    #[default]
    Regex,
    /// After each of the words.
    Words,
}

impl Default for SegmentedReply {
    fn default() -> Self {
        Self {
            enable: false,
            only_llm_result: true,
            interval_method: IntervalMethod::default(),
            interval: "1.5,3.5".to_owned(),
            log_base: 2.6,
            words_count_threshold: 150,
            split_mode: SplitMode::default(),
            regex: ".*?[。？！~…]+|.+$".to_owned(),
            split_words: ["。", "？", "！", "~", "…"].map(str::to_owned).to_vec(),
            content_cleanup_rule: String::new(),
        }
    }
}

impl SegmentedReply {
    /// The least and the longest pause of the method `random`, in seconds.
    pub fn bounds(&self) -> Option<(f64, f64)> {
        let (least, most) = self.interval.split_once(',')?;
        let (least, most) = (least.trim().parse().ok()?, most.trim().parse().ok()?);
        let fits = |seconds: f64| (0.0..=600.0).contains(&seconds);
        (fits(least) && fits(most) && least <= most).then_some((least, most))
    }

    /// The compiled pattern of a message.
    pub fn pattern(&self) -> Result<Pattern, PatternError> {
        Pattern::new(&self.regex)
    }

    /// The compiled pattern of what is left out; `None` when nothing is.
    pub fn cleanup(&self) -> Result<Option<Pattern>, PatternError> {
        let rule = self.content_cleanup_rule.as_str();
        (!rule.is_empty()).then(|| Pattern::new(rule)).transpose()
    }

    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        let mut wrong = |key: &str, message: String| {
            let place = join("/platform_settings/segmented_reply", key);
            problems.push(Problem::new(place, message));
        };
        if let Err(error) = self.pattern() {
            wrong("regex", error.to_string());
        }
        if let Err(error) = self.cleanup() {
            wrong("content_cleanup_rule", error.to_string());
        }
        if self.bounds().is_none() {
            wrong("interval", "two numbers of seconds from 0 to 600, such as 1.5,3.5".to_owned());
        }
        if self.log_base.is_nan() || self.log_base <= 1.0 {
            wrong("log_base", "the base of a logarithm is greater than 1".to_owned());
        }
    }
}
