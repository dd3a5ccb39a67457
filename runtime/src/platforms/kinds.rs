//! Which platforms there are.

use std::sync::Arc;

use firstlight_core::config::PlatformEntry;
use firstlight_core::model::{InvalidPlatformId, PlatformId};

use super::adapter::Adapter;
use super::onebot::{self, OneBot, OneBotError};
use super::registry::Surroundings;

/// Why a platform cannot run.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// This version has no such platform.
    #[error("this version knows no platform type {kind:?}")]
    UnknownType {
        /// The type as configured.
        kind: String,
    },
    /// The built-in chats are always there.
    #[error("the id `{id}` belongs to a built-in chat")]
    BuiltIn {
        /// The id as configured.
        id: String,
    },
    /// The id cannot be part of a session key.
    #[error(transparent)]
    Id(#[from] InvalidPlatformId),
    /// What the OneBot adapter does not accept.
    #[error(transparent)]
    OneBot(#[from] OneBotError),
}

/// Makes the adapter that an entry describes. Nothing is opened yet.
pub(super) fn build(
    entry: &PlatformEntry,
    surroundings: &Surroundings,
) -> Result<Arc<dyn Adapter>, PlatformError> {
    let id = PlatformId::new(&entry.id)?;
    match entry.kind.as_str() {
        kind if onebot::KINDS.contains(&kind) => {
            let attachments = surroundings.attachments.clone();
            Ok(Arc::new(OneBot::new(id, &entry.rest, &surroundings.folder, attachments)?))
        }
        other => Err(PlatformError::UnknownType { kind: other.to_owned() }),
    }
}
