//! Bundles: jobs of one kind that queued up together and are done together, by few statements.
//!
//! A job on its own costs a round trip to the database's thread for each of its statements. The hot
//! steps of the bus are therefore written for a slice of jobs, of which one job is the shortest.
//! Should the database refuse the slice, each job is done again on its own, so that a bad one fails
//! alone. That is also why the statements say `OR FAIL`: what they would take back by themselves,
//! for which SQLite keeps a journal, is taken back here.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::SqliteConnection;
use tokio::sync::oneshot;

use super::DbError;
use super::writer::JobError;

/// What became of each job of a slice, in the same order. A job that failed has written nothing.
pub(crate) type Done<B> = Vec<Result<<B as Bundled>::Output, <B as Bundled>::Error>>;

/// A job that can be done together with others of its kind.
pub(crate) trait Bundled: Sized + Send + Sync + 'static {
    /// What it answers with.
    type Output: Send + 'static;
    /// How it can fail.
    type Error: JobError;
    /// Whether it looks for what other jobs of the same commit have stored, and so goes last.
    const LAST: bool = false;

    /// Does all of them. An error takes back all that was written.
    fn done<'c>(
        jobs: &'c [Self],
        connection: &'c mut SqliteConnection,
    ) -> BoxFuture<'c, Result<Done<Self>, Self::Error>>;
}

/// What is done with the output of a job once it is committed.
pub(super) type Committed<T> = Box<dyn FnOnce(&T) + Send>;

/// Who waits for a job, and what is done once it is committed, whether or not anybody waits.
pub(super) struct Caller<B: Bundled> {
    pub(super) answer: oneshot::Sender<Result<B::Output, B::Error>>,
    pub(super) committed: Committed<B::Output>,
}

/// Jobs of one kind.
pub(super) struct Bundle<B: Bundled> {
    jobs: Vec<B>,
    callers: Vec<Caller<B>>,
    outcomes: Done<B>,
}

impl<B: Bundled> Bundle<B> {
    pub(super) fn new(job: B, caller: Caller<B>) -> Self {
        Self { jobs: vec![job], callers: vec![caller], outcomes: Vec::new() }
    }
}

/// A bundle whose kind has been forgotten.
pub(super) trait AnyBundle: Send + Any {
    /// How many jobs it has.
    fn len(&self) -> usize;
    /// Whether it goes after the others of its commit.
    fn goes_last(&self) -> bool;
    /// Takes in the jobs of another bundle, or gives it back when it is of another kind.
    fn absorb(&mut self, other: Box<dyn AnyBundle>) -> Option<Box<dyn AnyBundle>>;
    /// Does all jobs, and fails as a whole.
    fn run_all<'c>(
        &'c mut self,
        connection: &'c mut SqliteConnection,
    ) -> BoxFuture<'c, Result<(), DbError>>;
    /// Does one job and keeps what becomes of it. Call it for each in order.
    fn run_one<'c>(
        &'c mut self,
        index: usize,
        connection: &'c mut SqliteConnection,
    ) -> BoxFuture<'c, OneRan>;
    /// Forgets what was kept, because it was taken back.
    fn forget(&mut self);
    /// Whether there is something to commit.
    fn succeeded(&self) -> bool;
    /// Tells each caller: its own result when the commit held, else the error of the commit.
    fn answer(self: Box<Self>, committed: Result<(), DbError>);
}

/// What became of a job that was done alone.
pub(super) struct OneRan {
    pub(super) succeeded: bool,
    pub(super) failure: Option<DbError>,
}

impl<B: Bundled> AnyBundle for Bundle<B> {
    fn len(&self) -> usize {
        self.jobs.len()
    }

    fn goes_last(&self) -> bool {
        B::LAST
    }

    fn absorb(&mut self, other: Box<dyn AnyBundle>) -> Option<Box<dyn AnyBundle>> {
        if (*other).type_id() != std::any::TypeId::of::<Self>() {
            return Some(other);
        }
        let other: Box<dyn Any> = other;
        if let Ok(other) = other.downcast::<Self>() {
            self.jobs.extend(other.jobs);
            self.callers.extend(other.callers);
        }
        None
    }

    fn run_all<'c>(
        &'c mut self,
        connection: &'c mut SqliteConnection,
    ) -> BoxFuture<'c, Result<(), DbError>> {
        Box::pin(async move {
            match caught::<B>(&self.jobs, connection).await {
                Ok(outcomes) => {
                    self.outcomes = outcomes;
                    Ok(())
                }
                Err(error) => Err(error.database().cloned().unwrap_or(DbError::Closed)),
            }
        })
    }

    fn run_one<'c>(
        &'c mut self,
        index: usize,
        connection: &'c mut SqliteConnection,
    ) -> BoxFuture<'c, OneRan> {
        Box::pin(async move {
            let job = self.jobs.get(index..=index).unwrap_or_default();
            let outcome = match caught::<B>(job, connection).await {
                Ok(mut outcomes) => outcomes.pop().unwrap_or_else(|| Err(DbError::Closed.into())),
                Err(error) => Err(error),
            };
            let failure = outcome.as_ref().err().and_then(JobError::database).cloned();
            let ran = OneRan { succeeded: outcome.is_ok(), failure };
            self.outcomes.push(outcome);
            ran
        })
    }

    fn forget(&mut self) {
        self.outcomes.clear();
    }

    fn succeeded(&self) -> bool {
        self.outcomes.iter().any(Result::is_ok)
    }

    fn answer(self: Box<Self>, committed: Result<(), DbError>) {
        let mut outcomes = self.outcomes.into_iter();
        for caller in self.callers {
            let not_run = || Err(committed.clone().err().unwrap_or(DbError::Closed).into());
            let outcome = outcomes.next().unwrap_or_else(not_run);
            let outcome = outcome.and_then(|value| Ok(committed.clone().map(|()| value)?));
            if let Ok(value) = &outcome {
                (caller.committed)(value);
            }
            // The caller may have gone; its write stands all the same.
            let _ = caller.answer.send(outcome);
        }
    }
}

/// Does the jobs; a panic is an error like others.
async fn caught<B: Bundled>(
    jobs: &[B],
    connection: &mut SqliteConnection,
) -> Result<Done<B>, B::Error> {
    AssertUnwindSafe(B::done(jobs, connection))
        .catch_unwind()
        .await
        .unwrap_or_else(|panic| Err(DbError::from_panic(panic.as_ref()).into()))
}

/// Slices whose lengths are powers of two, so that the statements of all lengths stay prepared.
pub(crate) fn slices<T>(all: &[T]) -> impl Iterator<Item = &[T]> {
    const MOST: usize = 64;
    let mut rest = all;
    std::iter::from_fn(move || {
        let length = match rest.len() {
            0 => return None,
            MOST.. => MOST,
            length => 1 << length.ilog2(),
        };
        let (slice, after) = rest.split_at_checked(length)?;
        rest = after;
        Some(slice)
    })
}

/// A statement whose `{rows}` are that many times the row.
pub(crate) fn with_rows(statement: &str, row: &str, count: usize) -> String {
    let mut rows = String::with_capacity(count * (row.len() + 1));
    for index in 0..count {
        if index > 0 {
            rows.push(',');
        }
        rows.push_str(row);
    }
    statement.replacen("{rows}", &rows, 1)
}

#[cfg(test)]
mod tests {
    use super::{slices, with_rows};

    #[test]
    fn slices_are_powers_of_two_and_leave_nothing_out() {
        for length in 0..200_usize {
            let all: Vec<usize> = (0..length).collect();
            let parts: Vec<&[usize]> = slices(&all).collect();
            assert_eq!(parts.concat(), all);
            assert!(parts.iter().all(|part| part.len().is_power_of_two() && part.len() <= 64));
            assert!(parts.len() <= length / 64 + 6);
        }
    }

    #[test]
    fn rows_are_repeated_in_their_place() {
        assert_eq!(
            with_rows("VALUES {rows} RETURNING id", "(?, ?)", 2),
            "VALUES (?, ?),(?, ?) RETURNING id"
        );
    }
}
