//! What can go wrong with bot configuration. No variant ever carries a secret.

use crate::db::DbError;

use super::document::DocumentId;
use super::problem::Problem;

/// What can go wrong with bot configuration.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConfigError {
    /// The document was saved by somebody else in between.
    #[error("{id} is at revision {found}, not {expected}; read it again, then repeat the change")]
    RevisionConflict {
        /// The document.
        id: DocumentId,
        /// The revision that the save was based on; 0 means that the document was not there.
        expected: i64,
        /// The revision it has; 0 means that it is not there.
        found: i64,
    },
    /// The content does not fit.
    #[error("{id} is not valid: {}", summary(problems))]
    Invalid {
        /// The document.
        id: DocumentId,
        /// Every place that does not fit.
        problems: Vec<Problem>,
    },
    /// There is no such document.
    #[error("there is no document {id}")]
    Missing {
        /// The name that was asked for.
        id: DocumentId,
    },
    /// The document has no such revision, or the revision is a deletion.
    #[error("{id} has no revision {revision}")]
    NoRevision {
        /// The document.
        id: DocumentId,
        /// The revision that was asked for.
        revision: i64,
    },
    /// A name that is no document.
    #[error("{name:?} is not the name of a document")]
    UnknownKind {
        /// The name, cut to a sensible length.
        name: String,
    },
    /// The document belongs to every installation.
    #[error("{id} cannot be deleted")]
    BuiltIn {
        /// The document.
        id: DocumentId,
    },
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The process is ending, or a save panicked.
    #[error("the save was interrupted")]
    Interrupted,
}

fn summary(problems: &[Problem]) -> String {
    let shown: Vec<String> = problems.iter().take(5).map(ToString::to_string).collect();
    let more = problems.len().saturating_sub(shown.len());
    let tail = if more > 0 { format!("; and {more} more") } else { String::new() };
    shown.join("; ") + &tail
}
