//! Bot configuration: revisioned documents in the database.
//!
//! | document | what it holds |
//! |---|---|
//! | `profile:<id>` | how the bot behaves: [`Profile`]; `profile:default` is always there |
//! | `providers` | connections to models: [`ProvidersConfig`] |
//! | `platforms` | connections to chat platforms: [`PlatformsConfig`] |
//! | `mcp` | connections to MCP servers: [`McpConfig`] |
//! | `routing` | which session uses which profile: [`RoutingConfig`] |
//! | `plugin:<name>` | one plugin's settings, by the schema that the plugin brings |
//!
//! The stored value is the JSON as it was saved: keys that this version does not know are kept.
//! Typed views are read from it. [`ConfigStore`] saves by compare-and-set on the revision, keeps
//! every revision, and hands out [`ConfigSnapshot`]s, which never change.
//!
//! **Secrets.** A secret is a plain value, or a reference (`env:NAME`, `file:PATH`, `$NAME`) that
//! is resolved where it is used ([`Secret::resolve`]). Whatever leaves the process is masked
//! ([`ConfigStore::view`]); a masked value that comes back in a save stands for the stored one.
//! Which values are secret is said by the schema (`x-secret`); where the schema knows nothing of a
//! key, by its name; and an address that holds a password always is one.

mod diff;
mod document;
mod error;
mod glob;
mod mask;
mod mcp;
mod platforms;
mod problem;
mod profile;
mod providers;
mod repository;
mod routing;
mod saving;
mod schema;
mod secret;
mod snapshot;
mod store;

pub use diff::Change;
pub use document::{Document, DocumentId, DocumentView, RevisionInfo};
pub use error::ConfigError;
pub(crate) use mask::holds_password;
pub use mask::{MASK, is_masked, mask};
pub use mcp::{McpConfig, McpEntry};
pub use platforms::{PlatformEntry, PlatformsConfig};
pub use problem::Problem;
pub use profile::{
    ContentSafety, InternalKeywords, IntervalMethod, Moderation, Pattern, PatternError, Patterns,
    Persona, PlatformSettings, PlatformSpecific, PreAcknowledgement, PreAcknowledgementEmoji,
    Profile, ProviderSettings, QuotedMessageParser, RateLimit, RateLimitStrategy, SegmentedReply,
    SplitMode, WhenDown,
};
pub use providers::{ProviderEntry, ProviderSource, ProvidersConfig};
pub use routing::{Route, RoutingConfig};
pub use secret::{Secret, SecretError};
pub use snapshot::{ConfigSnapshot, DEFAULT_PROFILE, SessionProfile};
pub use store::ConfigStore;
