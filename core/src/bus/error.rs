//! What can go wrong with the bus.

use super::{Epoch, Queue};
use crate::db::{DbError, JobError};

/// An error of the bus.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BusError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
    /// There is no row of that number.
    #[error("there is no {queue} row {id}")]
    NoSuchRow {
        /// The queue that was asked.
        queue: Queue,
        /// The number.
        id: i64,
    },
    /// The row is not leased to who says so: another owner took over, or the turn has ended.
    #[error("{queue} row {id} is not leased to this owner any more")]
    LeaseLost {
        /// The queue that was asked.
        queue: Queue,
        /// The row.
        id: i64,
    },
    /// Another owner took over; this one may not lease any more.
    #[error("the bus has a newer owner ({current:?}) than this one ({mine:?})")]
    Superseded {
        /// Who asked.
        mine: Epoch,
        /// Who owns the bus.
        current: Epoch,
    },
    /// The row is in a state that does not lead there.
    #[error("{queue} row {id} is {from} and cannot become {to}")]
    Refused {
        /// The queue that was asked.
        queue: Queue,
        /// The row.
        id: i64,
        /// Its state.
        from: &'static str,
        /// The state that was asked for.
        to: &'static str,
    },
}

impl From<sqlx::Error> for BusError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<rusqlite::Error> for BusError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.into())
    }
}

impl JobError for BusError {
    fn database(&self) -> Option<&DbError> {
        match self {
            Self::Database(error) => Some(error),
            _ => None,
        }
    }
}
