//! Direct jobs: what happens for every message, done on the writer's own thread by rusqlite.
//!
//! sqlx keeps each connection on a thread of its own and hands over to it for every statement, and
//! back for every row. A message costs a score of statements, and these hand-overs cost more than
//! what SQLite does for it. So the hot path has a connection of its own, which the writer uses in
//! turn with that of sqlx: there is one writer all the same.
//!
//! Its statements say `OR FAIL`: what a refused statement would take back by itself, for which SQLite
//! keeps a journal, is taken back with the whole job.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::{FromSqlError, Type, ValueRef};
use rusqlite::{Connection, OpenFlags, Row};
use serde_json::Value;
use tokio::sync::oneshot;

use super::DbError;
use super::writer::JobError;

/// How many statements stay prepared: more than there are.
const STATEMENTS: usize = 128;

/// When a job is done, among those that share its commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Order {
    /// As it came.
    AsItCame,
    /// After the others, because it looks for what they store.
    Last,
    /// The same, and not worth waiting for the disk: should the machine lose its power, it may not
    /// have happened. (Should only the process end, it has.)
    LastUnsynced,
}

/// What becomes of a job inside the transaction.
pub(super) enum Ran {
    Done,
    /// It failed by itself and has written nothing.
    Refused,
    /// It failed and may have written something.
    Broken(DbError),
}

/// A direct job whose types have been forgotten.
pub(super) trait DirectWork: Send {
    fn order(&self) -> Order;
    /// Does the job and keeps what becomes of it, in place of what was kept before.
    fn run(&mut self, connection: &Connection) -> Ran;
    /// Tells the caller: its own result when the commit held, else the error of the commit.
    fn answer(self: Box<Self>, committed: Result<(), DbError>);
}

/// A job and the caller that waits for it.
pub(super) struct DirectJob<F, T, E> {
    pub(super) order: Order,
    pub(super) work: F,
    pub(super) caller: oneshot::Sender<Result<T, E>>,
    /// Runs once the job is committed, also when the caller has stopped waiting.
    pub(super) committed: Box<dyn FnOnce(&T) + Send>,
    pub(super) outcome: Option<Result<T, E>>,
}

impl<F, T, E> DirectWork for DirectJob<F, T, E>
where
    F: Fn(&Connection) -> Result<T, E> + Send,
    T: Send,
    E: JobError,
{
    fn order(&self) -> Order {
        self.order
    }

    fn run(&mut self, connection: &Connection) -> Ran {
        let before = connection.total_changes();
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.work)(connection)))
            .unwrap_or_else(|panic| Err(DbError::from_panic(panic.as_ref()).into()));
        let ran = match &outcome {
            Ok(_) => Ran::Done,
            Err(error) => match error.database() {
                Some(error) => Ran::Broken(error.clone()),
                None if connection.total_changes() == before => Ran::Refused,
                None => Ran::Broken(DbError::Closed),
            },
        };
        self.outcome = Some(outcome);
        ran
    }

    fn answer(self: Box<Self>, committed: Result<(), DbError>) {
        let outcome = match self.outcome {
            Some(outcome) => outcome.and_then(|value| Ok(committed.map(|()| value)?)),
            None => Err(committed.err().unwrap_or(DbError::Closed).into()),
        };
        if let Ok(value) = &outcome {
            (self.committed)(value);
        }
        // The caller may have gone; its write stands all the same.
        let _ = self.caller.send(outcome);
    }
}

/// The connection of direct jobs.
pub(super) struct Direct {
    connection: Connection,
    path: PathBuf,
    busy_timeout: Duration,
    synced: bool,
}

impl Direct {
    /// Opens the database, which is there and up to date.
    pub(super) fn open(path: &Path, busy_timeout: Duration) -> Result<Self, DbError> {
        let connection = connect(path, busy_timeout)?;
        Ok(Self { connection, path: path.to_owned(), busy_timeout, synced: true })
    }

    /// One transaction for all these jobs. When one of them breaks, each is done again on its own,
    /// so that a bad one fails alone.
    pub(super) fn commit(&mut self, mut jobs: Vec<Box<dyn DirectWork>>) {
        jobs.sort_by_key(|job| job.order());
        let synced = jobs.iter().any(|job| job.order() != Order::LastUnsynced);
        let committed = self.sync(synced).and_then(|()| self.together(&mut jobs));
        if committed.is_err() {
            self.roll_back();
        }
        for job in jobs {
            job.answer(committed.clone());
        }
    }

    fn together(&mut self, jobs: &mut [Box<dyn DirectWork>]) -> Result<(), DbError> {
        self.begin()?;
        for job in jobs.iter_mut() {
            if let Ran::Broken(error) = job.run(&self.connection) {
                tracing::debug!(%error, "jobs were refused together; each is done on its own");
                self.roll_back();
                return self.one_by_one(jobs);
            }
        }
        self.execute("COMMIT")
    }

    fn one_by_one(&mut self, jobs: &mut [Box<dyn DirectWork>]) -> Result<(), DbError> {
        self.begin()?;
        for job in jobs {
            self.execute("SAVEPOINT job")?;
            let broken = match job.run(&self.connection) {
                Ran::Done => {
                    self.execute("RELEASE job")?;
                    continue;
                }
                Ran::Refused => None,
                Ran::Broken(error) => Some(error),
            };
            let taken_back =
                self.execute("ROLLBACK TO job").and_then(|()| self.execute("RELEASE job"));
            // What broke the job broke the transaction: a full disk, a failing device.
            taken_back.map_err(|error| broken.unwrap_or(error))?;
        }
        self.execute("COMMIT")
    }

    /// Opens a new connection when the old one cannot even begin.
    fn begin(&mut self) -> Result<(), DbError> {
        match self.execute("BEGIN IMMEDIATE") {
            Err(DbError::Statement(error)) => {
                tracing::warn!(%error, "the writing connection is unusable; opening another");
                *self = Self::open(&self.path, self.busy_timeout)?;
                self.execute("BEGIN IMMEDIATE")
            }
            other => other,
        }
    }

    fn roll_back(&self) {
        // After a full disk SQLite has rolled back on its own.
        if !self.connection.is_autocommit()
            && let Err(error) = self.execute("ROLLBACK")
        {
            tracing::warn!(%error, "a transaction could not be rolled back");
        }
    }

    /// Whether commits wait for the disk from now on. SQLite obeys when the statement is prepared, so
    /// a prepared one would do nothing the second time.
    fn sync(&mut self, wanted: bool) -> Result<(), DbError> {
        if self.synced != wanted {
            let level = if wanted { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", level)?;
            self.synced = wanted;
        }
        Ok(())
    }

    fn execute(&self, sql: &'static str) -> Result<(), DbError> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}

/// The settings are those of the writer's other connection.
fn connect(path: &Path, busy_timeout: Duration) -> Result<Connection, DbError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    for (name, value) in super::files::WRITING {
        connection.pragma_update(None, name, value)?;
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection)
}

/// A column that holds JSON.
pub(super) fn json(row: &Row<'_>, column: &str) -> rusqlite::Result<Value> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text).map_err(|error| {
        let place = row.as_ref().column_index(column).unwrap_or_default();
        let error = FromSqlError::Other(Box::new(error));
        rusqlite::Error::FromSqlConversionFailure(place, Type::Text, Box::new(error))
    })
}

/// [`json`], of a column that may hold nothing.
pub(crate) fn maybe_json(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Value>> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(None),
        _ => json(row, column).map(Some),
    }
}
