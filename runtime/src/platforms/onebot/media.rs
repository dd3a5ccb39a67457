//! Media on its way out: what the client is given to find a file by.
//!
//! A local path is never read and never passed on: it may have come in with a stranger's message.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use firstlight_core::db::{Attachments, DbError};

use super::segments::{is_inline, is_web};
use crate::pipeline::ATTACHMENT_SCHEME;

/// The largest file that is sent.
const LARGEST: u64 = 30 << 20;

/// Finds attachments.
pub(super) struct Media {
    attachments: Attachments,
}

/// Why a file cannot be sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum MediaError {
    /// The attachment is gone.
    #[error("the attachment {0} is not there any more")]
    Gone(String),
    /// It is larger than what is sent.
    #[error("the attachment {id} has more than {LARGEST} bytes")]
    TooLarge {
        /// Which.
        id: String,
    },
    /// Its row cannot be read.
    #[error(transparent)]
    Database(#[from] DbError),
    /// Its file cannot be read.
    #[error("the attachment {id} cannot be read")]
    Unreadable {
        /// Which.
        id: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Media {
    pub(super) fn new(attachments: Attachments) -> Self {
        Self { attachments }
    }

    /// What stands in the `file` of a segment, for the first reference that can be followed. None
    /// when there is none but paths.
    pub(super) async fn reference(
        &self,
        references: &[&str],
    ) -> Result<Option<String>, MediaError> {
        for reference in references {
            if let Some(id) = reference.strip_prefix(ATTACHMENT_SCHEME) {
                return self.attachment(id).await.map(Some);
            }
            if reference.starts_with("base64://") || is_web(reference) {
                return Ok(Some((*reference).to_owned()));
            }
            if is_inline(reference)
                && let Some((_, encoded)) = reference.split_once(";base64,")
            {
                return Ok(Some(format!("base64://{encoded}")));
            }
        }
        Ok(None)
    }

    async fn attachment(&self, id: &str) -> Result<String, MediaError> {
        let found = self.attachments.by_id(id).await?;
        let attachment = found.ok_or_else(|| MediaError::Gone(id.to_owned()))?;
        if attachment.size > LARGEST {
            return Err(MediaError::TooLarge { id: id.to_owned() });
        }
        let unreadable = |source| MediaError::Unreadable { id: id.to_owned(), source };
        let bytes = tokio::fs::read(&attachment.path).await.map_err(unreadable)?;
        Ok(format!("base64://{}", STANDARD.encode(bytes)))
    }
}
