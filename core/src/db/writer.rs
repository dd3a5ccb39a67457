//! Group commit: what queued up while the last commit waited for the disk shares the next one.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::DbError;
use super::direct::{Direct, DirectWork};

/// A job whose result type has been forgotten, so that one queue holds all of them.
pub(super) trait Work: Send {
    /// Runs the job and returns how to answer its caller.
    fn run(self: Box<Self>, connection: &mut SqliteConnection) -> BoxFuture<'_, Ran>;
    /// Answers the caller without running the job.
    fn refuse(self: Box<Self>, error: DbError);
}

/// The error of a job: the database's, or a richer one that can hold the database's.
pub(crate) trait JobError: From<DbError> + Send + 'static {
    /// What the database said, if it is that.
    fn database(&self) -> Option<&DbError>;
}

impl JobError for DbError {
    fn database(&self) -> Option<&DbError> {
        Some(self)
    }
}

/// A job that ran inside a transaction which is not yet committed.
pub(super) struct Ran {
    succeeded: bool,
    failure: Option<DbError>,
    answer: Box<dyn FnOnce(Result<(), DbError>) + Send>,
}

impl Ran {
    /// Tells the caller: its own result when the commit held, else the error of the commit.
    fn answer(self, committed: Result<(), DbError>) {
        (self.answer)(committed);
    }
}

/// A closure and the caller that waits for it.
pub(super) struct Job<F, T, E> {
    pub(super) work: F,
    pub(super) caller: oneshot::Sender<Result<T, E>>,
    /// Runs once the job is committed, also when the caller has stopped waiting.
    pub(super) committed: Box<dyn FnOnce(&T) + Send>,
}

impl<F, T, E> Work for Job<F, T, E>
where
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: JobError,
{
    fn run(self: Box<Self>, connection: &mut SqliteConnection) -> BoxFuture<'_, Ran> {
        Box::pin(async move {
            let Self { work, caller, committed } = *self;
            let running = AssertUnwindSafe(async move { work(connection).await });
            let result = running
                .catch_unwind()
                .await
                .unwrap_or_else(|panic| Err(DbError::from_panic(panic.as_ref()).into()));
            Ran {
                succeeded: result.is_ok(),
                failure: result.as_ref().err().and_then(JobError::database).cloned(),
                answer: Box::new(move |outcome| {
                    let result = result.and_then(|value| Ok(outcome.map(|()| value)?));
                    if let Ok(value) = &result {
                        committed(value);
                    }
                    // The caller may have gone; its write stands all the same.
                    let _ = caller.send(result);
                }),
            }
        })
    }

    fn refuse(self: Box<Self>, error: DbError) {
        let _ = self.caller.send(Err(error.into()));
    }
}

/// What waits for the writer.
pub(super) enum Queued {
    /// A job for sqlx.
    Job(Box<dyn Work>),
    /// A direct one.
    Direct(Box<dyn DirectWork>),
}

/// The thread that writes, with its two connections: it uses one at a time.
pub(super) struct Writer {
    pub(super) connection: SqliteConnection,
    pub(super) options: SqliteConnectOptions,
    pub(super) direct: Direct,
    pub(super) queue: mpsc::Receiver<Queued>,
    pub(super) closing: CancellationToken,
    pub(super) batch: usize,
}

impl Writer {
    /// Runs until the database is closed or forgotten, and drains the queue before it ends.
    pub(super) async fn run(mut self) {
        let mut queued = Vec::with_capacity(self.batch);
        loop {
            let taken = tokio::select! {
                biased;
                taken = self.queue.recv_many(&mut queued, self.batch) => taken,
                () = self.closing.cancelled(), if !self.queue.is_closed() => {
                    self.queue.close();
                    continue;
                }
            };
            if taken == 0 {
                break;
            }
            let (mut jobs, mut direct) = (Vec::new(), Vec::with_capacity(taken));
            for each in queued.drain(..) {
                match each {
                    Queued::Job(job) => jobs.push(job),
                    Queued::Direct(job) => direct.push(job),
                }
            }
            if !jobs.is_empty() {
                self.commit(jobs).await;
            }
            if !direct.is_empty() {
                self.direct.commit(direct);
            }
        }
        if let Err(error) = self.end().await {
            tracing::warn!(%error, "the database was not closed cleanly; the next start recovers it");
        }
    }

    async fn end(mut self) -> Result<(), sqlx::Error> {
        drop(self.direct);
        sqlx::raw_sql("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&mut self.connection)
            .await?;
        self.connection.close().await
    }

    /// One transaction for the whole batch.
    async fn commit(&mut self, jobs: Vec<Box<dyn Work>>) {
        if let Err(error) = self.begin().await {
            return jobs.into_iter().for_each(|job| job.refuse(error.clone()));
        }
        let (ran, mut outcome) = self.run_jobs(jobs).await;
        let worth_it = outcome.is_ok() && ran.iter().any(|job| job.succeeded);
        if worth_it {
            outcome = self.execute("COMMIT").await;
        }
        if !worth_it || outcome.is_err() {
            self.roll_back().await;
        }
        for job in ran {
            job.answer(outcome.clone());
        }
    }

    /// Runs the jobs of a batch. An error means that none of them can be committed.
    async fn run_jobs(&mut self, jobs: Vec<Box<dyn Work>>) -> (Vec<Ran>, Result<(), DbError>) {
        let alone = jobs.len() == 1;
        let mut ran = Vec::with_capacity(jobs.len());
        let mut jobs = jobs.into_iter();
        for job in jobs.by_ref() {
            if alone {
                // A rollback of the whole transaction takes back nobody else's writes.
                ran.push(job.run(&mut self.connection).await);
                continue;
            }
            match in_savepoint(&mut self.connection, job).await {
                Ok(done) => ran.push(done),
                Err(Broken { done, error }) => {
                    // The database ended the transaction by itself, and the jobs before with it.
                    ran.extend(done);
                    for job in jobs {
                        job.refuse(error.clone());
                    }
                    return (ran, Err(error));
                }
            }
        }
        (ran, Ok(()))
    }

    /// Opens a new connection when the old one cannot even begin.
    async fn begin(&mut self) -> Result<(), DbError> {
        match self.execute("BEGIN IMMEDIATE").await {
            Err(DbError::Statement(error)) => {
                tracing::warn!(%error, "the writing connection is unusable; opening another");
                self.connection = self.options.connect().await?;
                self.execute("BEGIN IMMEDIATE").await
            }
            other => other,
        }
    }

    async fn roll_back(&mut self) {
        if let Err(error) = self.execute("ROLLBACK").await {
            // Usual after a full disk: SQLite has rolled back on its own.
            tracing::debug!(%error, "nothing to roll back");
        }
    }

    async fn execute(&mut self, sql: &'static str) -> Result<(), DbError> {
        sqlx::query(sql).execute(&mut self.connection).await?;
        Ok(())
    }
}

/// The transaction is gone: nothing of this batch can be committed.
struct Broken {
    done: Option<Ran>,
    error: DbError,
}

/// Runs a job so that its failure takes back its own writes and nobody else's.
async fn in_savepoint(
    connection: &mut SqliteConnection,
    job: Box<dyn Work>,
) -> Result<Ran, Broken> {
    if let Err(error) = sqlx::query("SAVEPOINT job").execute(&mut *connection).await {
        let error = DbError::from(error);
        job.refuse(error.clone());
        return Err(Broken { done: None, error });
    }
    let done = job.run(&mut *connection).await;
    if !done.succeeded
        && let Err(error) = sqlx::query("ROLLBACK TO job").execute(&mut *connection).await
    {
        // What broke the job broke the transaction: a full disk, a failing device.
        let error = done.failure.clone().unwrap_or_else(|| error.into());
        return Err(Broken { done: Some(done), error });
    }
    match sqlx::query("RELEASE job").execute(&mut *connection).await {
        Ok(_) => Ok(done),
        Err(error) => Err(Broken { done: Some(done), error: error.into() }),
    }
}
