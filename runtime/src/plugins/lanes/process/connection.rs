//! One run of a program: calls in both directions, until it ends.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use firstlight_plugins_api::wire::frame::{self, Frame};
use firstlight_plugins_api::wire::{GuestCall, HostCall, MESSAGE_LIMIT, WireError};
use firstlight_plugins_api::{Level, PluginError};
use futures_util::StreamExt as _;
use parking_lot::Mutex;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::program::Program;
use super::watch::{Usage, Watch};
use crate::child_process::{ChildProcess, Started};
use crate::plugins::budgets::Budgets;
use crate::plugins::lanes::HostLine;

/// How many lines may wait to be written: a program that does not read holds up its callers.
const LINES: usize = 64;
/// How many calls of the program are worked on at the same time; further ones are not read.
const CALLS: usize = 32;
/// The longest line of its error output; the rest of a longer one is a line of its own.
const ERROR_LINE: usize = 4096;
/// Loading may take more of the processor than a call.
const LOAD_CPU: Duration = Duration::from_secs(10);
/// How long a program may take to go when its input is closed.
const GRACE: Duration = Duration::from_millis(1500);
/// How long what is left to do may take when the program ends.
const LAST_STEPS: Duration = Duration::from_secs(2);

type Answer = Result<String, PluginError>;

/// A program that runs.
pub(super) struct Connection {
    shared: Arc<Shared>,
    lines: mpsc::Sender<String>,
    tasks: TaskTracker,
}

struct Shared {
    line: HostLine,
    pending: Mutex<Pending>,
    next: AtomicU64,
    answered: AtomicU64,
    loaded: std::sync::atomic::AtomicBool,
    usage: Mutex<Usage>,
    /// Cancelled when the program's input is to be closed, which asks it to go.
    closing: CancellationToken,
    /// Cancelled when the program ends or is to end at once; `closing` with it.
    over: CancellationToken,
}

/// Calls that wait for an answer.
enum Pending {
    Open(HashMap<u64, oneshot::Sender<Answer>>),
    /// The program is gone, for this reason.
    Gone(String),
}

impl Connection {
    /// Starts the program.
    pub(super) fn start(
        program: &Program,
        line: HostLine,
        watch: &Watch,
    ) -> Result<Arc<Self>, PluginError> {
        let budgets = line.terms().budgets;
        let Started { process, input, output, errors } = program.start(&budgets).map_err(|e| {
            let command = program.command.first().map_or("", String::as_str);
            PluginError::Failed(format!("`{command}` could not be started: {e}"))
        })?;
        let group = process.id();
        let over = CancellationToken::new();
        let shared = Arc::new(Shared {
            line,
            pending: Mutex::new(Pending::Open(HashMap::new())),
            next: AtomicU64::new(1),
            answered: AtomicU64::new(0),
            loaded: false.into(),
            usage: Mutex::default(),
            closing: over.child_token(),
            over,
        });
        let (lines, queue) = mpsc::channel(LINES);
        let tasks = TaskTracker::new();
        tasks.spawn(write(Arc::clone(&shared), input, queue));
        tasks.spawn(note(Arc::clone(&shared), errors));
        let calls = tasks.clone();
        let (reading, answers) = (Arc::clone(&shared), lines.clone());
        tasks.spawn(async move {
            let ended = read(&reading, output, answers, &calls).await;
            reading.gone(&ended);
            look_after(&reading, process).await;
        });
        let connection = Arc::new(Self { shared, lines, tasks });
        if let Some(group) = group {
            watch.add(group, &connection);
        }
        Ok(connection)
    }

    /// Makes a call. Dropping the future tells the program that nobody waits any more.
    pub(super) async fn call(&self, call: &GuestCall) -> Answer {
        let id = self.shared.next.fetch_add(1, Ordering::Relaxed);
        let line = frame::request(id, call).map_err(PluginError::failed)?;
        if line.len() > MESSAGE_LIMIT {
            return Err(PluginError::Failed("the message is too large for a plugin".to_owned()));
        }
        let (sender, receiver) = oneshot::channel();
        match &mut *self.shared.pending.lock() {
            Pending::Gone(reason) => return Err(PluginError::Fault(reason.clone())),
            Pending::Open(pending) => drop(pending.insert(id, sender)),
        }
        let mut wanted = Wanted { connection: self, id, answered: false };
        // A writer that has ended leaves the call to whoever tells the reason.
        let _ended = self.lines.send(line).await;
        let answer = receiver.await;
        wanted.answered = true;
        let answer = answer.map_err(|_| PluginError::Fault("it ended".to_owned()))?;
        if matches!(call, GuestCall::Load(_)) && answer.is_ok() {
            self.shared.loaded.store(true, Ordering::Relaxed);
        }
        answer
    }

    /// Whether the program is gone.
    pub(super) fn is_gone(&self) -> bool {
        matches!(&*self.shared.pending.lock(), Pending::Gone(_))
    }

    /// Ends the program at once, for this reason.
    pub(super) fn kill(&self, reason: &str) {
        self.shared.gone(reason);
        self.shared.over.cancel();
    }

    /// Lets the program go: its input is closed, and a moment later what is left of it is killed.
    pub(super) async fn end(&self) {
        self.shared.gone("it was ended");
        self.shared.closing.cancel();
        self.tasks.close();
        if tokio::time::timeout(GRACE, self.tasks.wait()).await.is_ok() {
            return;
        }
        self.shared.over.cancel();
        if tokio::time::timeout(LAST_STEPS, self.tasks.wait()).await.is_err() {
            tracing::warn!("what a plugin's process had begun did not end");
        }
    }

    pub(super) fn budgets(&self) -> Budgets {
        self.shared.line.terms().budgets
    }

    /// How much processor time the call under way may use.
    pub(super) fn cpu_budget(&self) -> Duration {
        let loaded = self.shared.loaded.load(Ordering::Relaxed);
        let budget = self.budgets().cpu;
        if loaded { budget } else { budget.max(LOAD_CPU) }
    }

    /// How many calls are under way, and how many were answered.
    pub(super) fn progress(&self) -> (usize, u64) {
        let under_way = match &*self.shared.pending.lock() {
            Pending::Open(pending) => pending.len(),
            Pending::Gone(_) => 0,
        };
        (under_way, self.shared.answered.load(Ordering::Relaxed))
    }

    pub(super) fn uses(&self, usage: Usage) {
        *self.shared.usage.lock() = usage;
    }

    pub(super) fn usage(&self) -> Usage {
        *self.shared.usage.lock()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.shared.over.cancel();
    }
}

/// A call whose answer is wanted.
struct Wanted<'a> {
    connection: &'a Connection,
    id: u64,
    answered: bool,
}

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        if self.answered {
            return;
        }
        if let Pending::Open(pending) = &mut *self.connection.shared.pending.lock() {
            pending.remove(&self.id);
        }
        // A program that does not read has more to worry about.
        let _full = self.connection.lines.try_send(frame::cancel(self.id));
    }
}

impl Shared {
    /// Tells everyone who waits that the program is gone. The first reason counts.
    fn gone(&self, reason: &str) {
        let before = {
            let mut pending = self.pending.lock();
            if matches!(&*pending, Pending::Gone(_)) {
                return;
            }
            std::mem::replace(&mut *pending, Pending::Gone(reason.to_owned()))
        };
        if let Pending::Open(waiting) = before {
            for sender in waiting.into_values() {
                let _nobody_waits = sender.send(Err(PluginError::Fault(reason.to_owned())));
            }
        }
    }

    fn answered(&self, id: u64, answer: Answer) {
        let sender = match &mut *self.pending.lock() {
            Pending::Open(pending) => pending.remove(&id),
            Pending::Gone(_) => None,
        };
        if let Some(sender) = sender {
            self.answered.fetch_add(1, Ordering::Relaxed);
            let _nobody_waits = sender.send(answer);
        }
    }
}

/// Writes lines until there are none any more, then closes the input.
async fn write(shared: Arc<Shared>, mut input: ChildStdin, mut queue: mpsc::Receiver<String>) {
    let writing = async {
        while let Some(mut line) = queue.recv().await {
            line.push('\n');
            if input.write_all(line.as_bytes()).await.is_err() {
                return;
            }
        }
    };
    shared.closing.run_until_cancelled(writing).await;
}

/// Reads lines until the program ends or says something that it must not, and answers why.
async fn read(
    shared: &Arc<Shared>,
    output: ChildStdout,
    answers: mpsc::Sender<String>,
    tasks: &TaskTracker,
) -> String {
    let mut lines = FramedRead::new(output, LinesCodec::new_with_max_length(MESSAGE_LIMIT));
    let places = Arc::new(Semaphore::new(CALLS));
    loop {
        let line = shared.over.run_until_cancelled(lines.next()).await;
        let line = match line {
            None => return "it was ended".to_owned(),
            Some(None) => return "it ended".to_owned(),
            Some(Some(Ok(line))) => line,
            Some(Some(Err(LinesCodecError::MaxLineLengthExceeded))) => {
                return format!("it wrote a line of more than {} MiB", MESSAGE_LIMIT >> 20);
            }
            Some(Some(Err(LinesCodecError::Io(error)))) => {
                return format!("what it wrote cannot be read: {error}");
            }
        };
        match Frame::parse(&line) {
            Err(error) => return format!("it wrote what is no message: {error}"),
            Ok(Frame::Notification { .. }) => {}
            Ok(Frame::Answer { id, result }) => {
                let answer = result.map(|text| text.get().to_owned()).map_err(PluginError::from);
                shared.answered(id, answer);
            }
            Ok(Frame::Request { id, method, params }) => {
                let call = frame::call::<HostCall>(&method, params);
                let place = shared.over.run_until_cancelled(Arc::clone(&places).acquire_owned());
                let Some(Ok(place)) = place.await else { return "it was ended".to_owned() };
                let (shared, answers) = (Arc::clone(shared), answers.clone());
                tasks.spawn(async move {
                    let _place = place;
                    let answering = answer(&shared, id, call, &answers);
                    shared.over.run_until_cancelled(answering).await;
                });
            }
        }
    }
}

async fn answer(
    shared: &Shared,
    id: u64,
    call: Result<HostCall, serde_json::Error>,
    answers: &mpsc::Sender<String>,
) {
    let result = match call {
        Ok(call) => shared.line.answer(call).await,
        Err(error) => Err(WireError::new("unknown", error)),
    };
    let text = frame::answer(id, result.as_deref());
    let _ended = answers.send(text).await;
}

/// Takes the error output into the log.
async fn note(shared: Arc<Shared>, errors: ChildStderr) {
    let mut lines = FramedRead::new(errors, LinesCodec::new_with_max_length(ERROR_LINE));
    let noting = async {
        while let Some(line) = lines.next().await {
            match line {
                Ok(line) => shared.line.terms().log.write(Level::Info, &line),
                // The rest of it is read as the next line.
                Err(LinesCodecError::MaxLineLengthExceeded) => {}
                Err(LinesCodecError::Io(_)) => return,
            }
        }
    };
    shared.over.run_until_cancelled(noting).await;
}

/// Sees the program off: it has time to end when it did so by itself or was asked to.
async fn look_after(shared: &Shared, process: ChildProcess) {
    let killed = shared.over.is_cancelled();
    shared.over.cancel();
    if killed {
        process.kill().await;
        return;
    }
    if let Some(status) = process.end().await {
        shared.line.terms().log.write(Level::Warn, &format!("the process ended: {status}"));
    }
}
