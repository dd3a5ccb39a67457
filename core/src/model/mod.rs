//! What a message is, whoever sent it: the session it belongs to, its sender, its parts.
//!
//! | type | what it is |
//! |---|---|
//! | [`SessionKey`] | the address of a conversation partner, `platform:Type:session` (the "UMO") |
//! | [`ChatAddress`] | a session of one of the chats that are built in |
//! | [`UserKey`] | a person on one platform; roles are granted to these, never to a bare id |
//! | [`Component`], [`MessageChain`] | the typed segments of a message |
//! | [`MessageEvent`] | one inbound message with everything the pipeline knows about it |
//! | [`Outgoing`] | one message on its way out |
//! | [`Part`] | the form of a message that the web chat and the HTTP API speak |
//!
//! Everything here is plain data and comes from strangers: parsing has limits and never panics.

mod built_in;
mod chain;
mod component;
mod discord;
mod event;
mod lenient;
mod outgoing;
mod part;
mod segments;
mod session;
mod shortened;
mod user;

pub use built_in::{BuiltInChat, ChatAddress, InvalidChatAddress};
pub use chain::{ChainKind, ChainLimits, ChainRefused, MessageChain};
pub use component::{Component, Unknown};
pub use discord::{DiscordButton, DiscordEmbed, DiscordReference, DiscordView, EmbedField};
pub use event::{EventOptions, Group, MessageEvent};
pub use outgoing::Outgoing;
pub use part::{MAX_PARTS, MAX_TEXT, MediaPart, Part, PartError, ToolCallRecord, parse_request};
pub use segments::{
    At, Contact, Face, File, Forward, Image, Json, Location, Marker, Music, Node, Nodes, Plain,
    Poke, Record, Reply, Share, Video,
};
pub use session::{InvalidPlatformId, InvalidSessionKey, MessageKind, PlatformId, SessionKey};
pub use user::{InvalidUserKey, Role, Sender, UserKey};
