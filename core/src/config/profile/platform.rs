//! `platform_settings`: who is heard, how often, and how answers are sent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::segments::SegmentedReply;
use crate::config::problem::Problem;

/// How messages are received and answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PlatformSettings {
    /// Whether each member of a group talks in a conversation of their own.
    pub unique_session: bool,
    /// Whether a private message, too, must begin with a wake prefix. The web chat never needs one.
    pub friend_message_needs_wake_prefix: bool,
    /// Whether what the bot itself sent is passed over.
    pub ignore_bot_self_message: bool,
    /// Whether a mention of everyone does not address the bot.
    pub ignore_at_all: bool,
    /// Whether somebody who may not run a command is told so.
    pub no_permission_reply: bool,
    /// Whether a mention of the bot without any text waits for what is meant.
    pub empty_mention_waiting: bool,
    /// Whether such a mention is answered at once with a short greeting.
    pub empty_mention_waiting_need_reply: bool,
    /// Whether only the sessions and groups of `id_whitelist` are served. An empty list serves all.
    pub enable_id_white_list: bool,
    /// Session keys (`platform:Type:session`), or ids of groups. Empty: everybody.
    pub id_whitelist: Vec<String>,
    /// Whether a message that is not served for this reason is logged.
    pub id_whitelist_log: bool,
    /// Whether admins are served in groups that are not listed.
    pub wl_ignore_admin_on_group: bool,
    /// Whether admins are served in private though they are not listed.
    pub wl_ignore_admin_on_friend: bool,
    /// How many messages of one session are worked on in a time.
    pub rate_limit: RateLimit,
    /// What every answer begins with. A streamed answer has none.
    pub reply_prefix: String,
    /// Whether an answer in a group mentions whom it is for.
    pub reply_with_mention: bool,
    /// Whether an answer quotes what it answers.
    pub reply_with_quote: bool,
    /// How answers are split into several messages.
    pub segmented_reply: SegmentedReply,
    /// On OneBot, an answer with more letters than this is sent as one forwarded message.
    pub forward_threshold: u32,
    /// Hosts from which pictures and voices are fetched though their addresses are private, such as
    /// a OneBot implementation that serves files itself. Everything else that is private is refused.
    pub media_private_hosts: Vec<String>,
}

/// How many messages of one session are worked on in a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RateLimit {
    /// The length of the time, in seconds.
    pub time: u32,
    /// How many messages in it; 0 or less: without limit.
    pub count: i32,
    /// What happens to one more.
    pub strategy: RateLimitStrategy,
}

/// What happens to a message above the limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RateLimitStrategy {
    /// It waits until there is room again, and what follows it in its session with it.
    #[default]
    Stall,
    /// It is passed over.
    Discard,
}

impl Default for PlatformSettings {
    fn default() -> Self {
        Self {
            unique_session: false,
            friend_message_needs_wake_prefix: false,
            ignore_bot_self_message: false,
            ignore_at_all: false,
            no_permission_reply: true,
            empty_mention_waiting: true,
            empty_mention_waiting_need_reply: true,
            enable_id_white_list: true,
            id_whitelist: Vec::new(),
            id_whitelist_log: true,
            wl_ignore_admin_on_group: true,
            wl_ignore_admin_on_friend: true,
            rate_limit: RateLimit::default(),
            reply_prefix: String::new(),
            reply_with_mention: false,
            reply_with_quote: false,
            segmented_reply: SegmentedReply::default(),
            forward_threshold: 1_500,
            media_private_hosts: Vec::new(),
        }
    }
}

impl Default for RateLimit {
    fn default() -> Self {
        Self { time: 60, count: 30, strategy: RateLimitStrategy::default() }
    }
}

impl PlatformSettings {
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        self.segmented_reply.check(problems);
        if self.rate_limit.count > 10_000 {
            let message = "at most 10000: each message of the time is remembered";
            problems.push(Problem::new("/platform_settings/rate_limit/count", message));
        }
    }
}
