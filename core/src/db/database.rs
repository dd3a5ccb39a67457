//! Opening and closing the database, and the two ways into it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use sqlx::sqlite::{SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection, SqlitePool};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::direct::{Direct, DirectJob, Order};
use super::personas::PersonaCache;
use super::session_rules::RuleCache;
use super::talks_in::TalksCache;
use super::writer::{Job, JobError, Queued, Writer};
use super::{
    Accounts, ApiKeys, Attachments, ChatSessions, CommandSettings, Conversations, DbError, History,
    InstalledPlugins, LoginSessions, PersonaFolders, Personas, PluginCode, PluginTimers,
    PluginValues, PluginWaits, Preferences, Projects, SessionGroups, SessionRules, Statistics,
    files, migrations,
};

/// Now, as the database stores it: milliseconds since the epoch.
pub(crate) fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

/// How to open a database. The default is what the gateway uses.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// How long to wait for a lock that another process holds.
    pub busy_timeout: Duration,
    /// How many connections read at once. They are opened when first needed.
    pub readers: u32,
    /// How many jobs share one commit at most.
    pub batch: usize,
    /// How many jobs may wait before [`Database::write`] itself waits.
    pub queue: usize,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { busy_timeout: Duration::from_secs(5), readers: 4, batch: 256, queue: 1024 }
    }
}

/// Starts the writer on a thread of its own, because direct jobs hold it up. It ends after the last
/// [`Database`] has gone; `closed` tells when.
fn start(writer: Writer, closed: DropGuard, path: &Path) -> Result<(), DbError> {
    let runtime = tokio::runtime::Handle::current();
    let run = move || {
        let _closed = closed;
        runtime.block_on(writer.run());
    };
    let spawned = std::thread::Builder::new().name("firstlight-writer".to_owned()).spawn(run);
    spawned.map(drop).map_err(|source| DbError::from_io(path.to_owned(), source))
}

/// The open database. Clones share it.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

struct Inner {
    queue: mpsc::Sender<Queued>,
    readers: SqlitePool,
    closing: CancellationToken,
    /// Cancelled once the writer has ended.
    closed: CancellationToken,
    folder: PathBuf,
    rules: RuleCache,
    sessions: TalksCache,
    personas: PersonaCache,
}

impl Database {
    /// Opens the database at `path`, makes it when it is not there, and brings its schema up to date.
    pub async fn open(path: &Path) -> Result<Self, DbError> {
        Self::open_with(path, OpenOptions::default()).await
    }

    /// [`Self::open`] with other limits.
    pub async fn open_with(path: &Path, options: OpenOptions) -> Result<Self, DbError> {
        let folder = files::prepare(path)?;
        if files::is_empty(path) {
            files::create(path, &folder).await?;
        }
        let connect = files::connect_options(path, options.busy_timeout);
        let writing = connect
            .clone()
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true);
        let writing = files::WRITING.iter().fold(writing, |all, (name, to)| all.pragma(*name, *to));
        let mut connection =
            writing.connect().await.map_err(|error| files::opening(&folder, error))?;
        migrations::migrate(&mut connection).await?;

        let readers = SqlitePoolOptions::new()
            .max_connections(options.readers)
            .test_before_acquire(false)
            .idle_timeout(Duration::from_mins(1))
            .connect_lazy_with(connect.read_only(true).pragma("query_only", "on"));
        let (queue, jobs) = mpsc::channel(options.queue);
        let (closing, closed) = (CancellationToken::new(), CancellationToken::new());
        let writer = Writer {
            connection,
            options: writing,
            direct: Direct::open(path, options.busy_timeout)?,
            queue: jobs,
            closing: closing.clone(),
            batch: options.batch,
        };
        start(writer, closed.clone().drop_guard(), path)?;
        let (rules, personas) = (RuleCache::default(), PersonaCache::default());
        let sessions = TalksCache::default();
        let inner = Inner { queue, readers, closing, closed, folder, rules, sessions, personas };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Runs a job on the writing connection and answers after the commit that carries it.
    ///
    /// The job is inside a transaction that it shares with others; its own error takes back its
    /// own writes only. It should do nothing but talk to the database, because all writers wait
    /// for it. Once queued it runs, also when the caller stops waiting for the answer.
    pub async fn write<T, F>(&self, job: F) -> Result<T, DbError>
    where
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, DbError>>
            + Send
            + 'static,
        T: Send + 'static,
    {
        self.write_then(job, |_| ()).await
    }

    /// [`Self::write`] for jobs that can fail in ways of their own, and that others wait for.
    ///
    /// `committed` runs right after the commit, also when the caller stops waiting for the answer:
    /// a wake-up given after the answer would be lost with a caller that hangs up.
    pub(crate) async fn write_then<T, E, F, C>(&self, job: F, committed: C) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: JobError,
        C: FnOnce(&T) + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let committed = Box::new(committed);
        let job = Queued::Job(Box::new(Job { work: job, caller, committed }));
        self.inner.queue.send(job).await.map_err(|_| DbError::Closed)?;
        answer.await.map_err(|_| DbError::Closed)?
    }

    /// [`Self::write_then`] for what happens with every message: a job that holds up the writer's
    /// thread rather than handing each statement over to another one.
    ///
    /// It is done together with others. Should one of these break, all are done again, each alone.
    pub(crate) async fn write_directly<T, E, F, C>(
        &self,
        order: Order,
        work: F,
        committed: C,
    ) -> Result<T, E>
    where
        F: Fn(&rusqlite::Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: JobError,
        C: FnOnce(&T) + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let committed = Box::new(committed);
        let job = DirectJob { order, work, caller, committed, outcome: None };
        let job = Queued::Direct(Box::new(job));
        self.inner.queue.send(job).await.map_err(|_| DbError::Closed)?;
        answer.await.map_err(|_| DbError::Closed)?
    }

    /// The read-only connections. They see what has been committed.
    pub fn readers(&self) -> &SqlitePool {
        &self.inner.readers
    }

    /// The folder that the database file is in.
    pub fn folder(&self) -> &Path {
        &self.inner.folder
    }

    /// Writes what is queued, refuses what comes later, and closes the file.
    pub async fn close(&self) {
        /// A reader that is never given back must not keep the process from ending.
        const PATIENCE: Duration = Duration::from_secs(5);
        self.inner.closing.cancel();
        if tokio::time::timeout(PATIENCE, self.inner.readers.close()).await.is_err() {
            tracing::warn!("a reading connection is still in use; closing the database without it");
        }
        self.inner.closed.cancelled().await;
    }

    /// Who may log in.
    pub fn accounts(&self) -> Accounts {
        Accounts::new(self.clone())
    }

    /// Who is logged in.
    pub fn login_sessions(&self) -> LoginSessions {
        LoginSessions::new(self.clone())
    }

    /// Keys for programs.
    pub fn api_keys(&self) -> ApiKeys {
        ApiKeys::new(self.clone())
    }

    /// Small values by scope and key.
    pub fn preferences(&self) -> Preferences {
        Preferences::new(self.clone())
    }

    /// Plugins of others, as they are installed.
    pub fn installed_plugins(&self) -> InstalledPlugins {
        InstalledPlugins::new(self.clone())
    }

    /// Which compiled code of theirs is good.
    pub fn plugin_code(&self) -> PluginCode {
        PluginCode::new(self.clone())
    }

    /// What plugins store.
    pub fn plugin_values(&self) -> PluginValues {
        PluginValues::new(self.clone())
    }

    /// Timers of plugins.
    pub fn plugin_timers(&self) -> PluginTimers {
        PluginTimers::new(self.clone())
    }

    /// Replies that plugins wait for.
    pub fn plugin_waits(&self) -> PluginWaits {
        PluginWaits::new(self.clone())
    }

    /// What an operator changed about commands.
    pub fn command_settings(&self) -> CommandSettings {
        CommandSettings::new(self.clone())
    }

    /// What an operator set for single sessions.
    pub fn session_rules(&self) -> SessionRules {
        SessionRules::new(self.clone())
    }

    pub(super) fn talks_cache(&self) -> &TalksCache {
        &self.inner.sessions
    }

    /// Groups of sessions that the operator put together.
    pub fn session_groups(&self) -> SessionGroups {
        SessionGroups::new(self.clone())
    }

    pub(super) fn rule_cache(&self) -> &RuleCache {
        &self.inner.rules
    }

    /// The characters the bot can play.
    pub fn personas(&self) -> Personas {
        Personas::new(self.clone())
    }

    pub(super) fn persona_cache(&self) -> &PersonaCache {
        &self.inner.personas
    }

    /// The folders of these characters.
    pub fn persona_folders(&self) -> PersonaFolders {
        PersonaFolders::new(self.clone())
    }

    /// What the chat page lists.
    pub fn chat_sessions(&self) -> ChatSessions {
        ChatSessions::new(self.clone())
    }

    /// Folders of chat sessions.
    pub fn projects(&self) -> Projects {
        Projects::new(self.clone())
    }

    /// What a person sees in a chat.
    pub fn history(&self) -> History {
        History::new(self.clone())
    }

    /// What a model is shown.
    pub fn conversations(&self) -> Conversations {
        Conversations::new(self.clone())
    }

    /// Files that came with messages.
    pub fn attachments(&self) -> Attachments {
        Attachments::new(self.clone())
    }

    /// Counters.
    pub fn statistics(&self) -> Statistics {
        Statistics::new(self.clone())
    }
}
