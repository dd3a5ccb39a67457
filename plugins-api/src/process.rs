//! The process lane, from inside: a plugin as a program of its own.
//!
//! ```ignore
//! fn main() -> std::process::ExitCode {
//!     firstlight_plugins_api::process::run::<Dice>()
//! }
//! ```
//!
//! Standard input and output belong to the protocol; what the program writes to its error output is
//! in the plugin's log. Calls come at the same time, up to [`WORKERS`]; further ones wait.

use std::collections::HashMap;
use std::io::{self, BufRead, Read, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use crate::Plugin;
use crate::component::Instance;
use crate::wire::frame::{self, Frame};
use crate::wire::{GuestCall, HostCall, Line, MESSAGE_LIMIT, WireError};

/// How many calls a program works on at the same time.
pub const WORKERS: usize = 8;

type Answer = Result<String, WireError>;
type Job = (u64, GuestCall);

/// The pipes to the gateway.
struct Pipes<W> {
    output: Mutex<W>,
    /// Who waits for which answer; `None` when the gateway is gone.
    waiting: Mutex<Option<HashMap<u64, mpsc::SyncSender<Answer>>>>,
    next: AtomicU64,
}

/// Speaks with the gateway until it closes the input, or says `unload`.
pub fn run<P: Plugin>() -> ExitCode {
    match serve::<P, _>(io::stdin().lock(), io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        // The gateway is gone: there is nobody to tell.
        Err(_) => ExitCode::FAILURE,
    }
}

/// The same over other pipes, as tests have them: the plugin reads `input` and writes `output`.
pub fn serve<P: Plugin, W: Write + Send + 'static>(
    mut input: impl BufRead,
    output: W,
) -> io::Result<()> {
    let pipes = Arc::new(Pipes {
        output: Mutex::new(output),
        waiting: Mutex::new(Some(HashMap::new())),
        next: AtomicU64::new(1),
    });
    let (jobs, queue) = mpsc::channel::<Job>();
    let (queue, plugin) = (Arc::new(Mutex::new(queue)), Arc::new(Instance::<P>::new()));
    let work = || {
        let (pipes, queue, plugin) = (Arc::clone(&pipes), Arc::clone(&queue), Arc::clone(&plugin));
        thread::spawn(move || work(&pipes, &queue, &plugin))
    };
    let workers: Vec<_> = (0..WORKERS).map(|_| work()).collect();
    let read = read_all(&mut input, &pipes, &jobs);
    // Workers that wait for an answer get none any more; the others have no further call.
    lock(&pipes.waiting).take();
    drop(jobs);
    for worker in workers {
        let _panicked = worker.join();
    }
    read
}

fn read_all<W: Write>(
    input: &mut impl BufRead,
    pipes: &Pipes<W>,
    jobs: &mpsc::Sender<Job>,
) -> io::Result<()> {
    let limit = u64::try_from(MESSAGE_LIMIT).unwrap_or(u64::MAX);
    let mut line = String::new();
    loop {
        line.clear();
        if input.by_ref().take(limit).read_line(&mut line)? == 0 {
            return Ok(());
        }
        let frame = Frame::parse(line.trim_end());
        match frame.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))? {
            Frame::Request { id, method, params } => match frame::call(&method, params) {
                // The workers live as long as this loop.
                Ok(call) => drop(jobs.send((id, call))),
                Err(error) => {
                    let unknown = WireError::new("unknown", error);
                    pipes.write(&frame::answer(id, Err(&unknown)))?;
                }
            },
            Frame::Answer { id, result } => pipes.answered(id, result.map(|r| r.get().to_owned())),
            // An answer that nobody wants any more is not read at the other end.
            Frame::Notification { .. } => {}
        }
    }
}

fn work<P: Plugin, W: Write + Send + 'static>(
    pipes: &Arc<Pipes<W>>,
    queue: &Mutex<mpsc::Receiver<Job>>,
    plugin: &Instance<P>,
) {
    loop {
        let job = lock(queue).recv();
        let Ok((id, call)) = job else { return };
        let line = OutputLine(Arc::clone(pipes));
        let perform = std::panic::AssertUnwindSafe(|| plugin.perform(call, line));
        let answer = std::panic::catch_unwind(perform)
            .unwrap_or_else(|_| Err(WireError::new("failed", "the plugin panicked")));
        let text = frame::answer(id, answer.as_deref());
        if pipes.write(&text).is_err() {
            return;
        }
    }
}

impl<W: Write> Pipes<W> {
    fn write(&self, line: &str) -> io::Result<()> {
        let mut output = lock(&self.output);
        output.write_all(line.as_bytes())?;
        output.write_all(b"\n")?;
        output.flush()
    }

    fn answered(&self, id: u64, answer: Answer) {
        let waiter = lock(&self.waiting).as_mut().and_then(|waiting| waiting.remove(&id));
        if let Some(waiter) = waiter {
            // It waits for exactly this.
            let _ = waiter.try_send(answer);
        }
    }
}

/// The line of a call to the gateway.
struct OutputLine<W>(Arc<Pipes<W>>);

impl<W: Write + Send + 'static> Line for OutputLine<W> {
    fn call(&self, call: &HostCall) -> Answer {
        let gone = || WireError::new("not_ready", "the gateway is gone");
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let request = frame::request(id, call).map_err(|e| WireError::new("failed", e))?;
        let (sender, receiver) = mpsc::sync_channel(1);
        lock(&self.0.waiting).as_mut().ok_or_else(gone)?.insert(id, sender);
        self.0.write(&request).map_err(|_| gone())?;
        receiver.recv().map_err(|_| gone())?
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
