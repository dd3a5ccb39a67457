//! Signals of the operating system, as two questions: end, and end at once.

use std::io;
use std::time::Duration;

use tokio::time::timeout;

/// The signals that end the process. Listening starts when it is made, so that none is missed.
#[cfg(unix)]
pub(crate) struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

/// Signals within this time are one request: `timeout`, shells and service managers send to the
/// process and to its group.
const TOGETHER: Duration = Duration::from_millis(50);

impl Signals {
    /// After a request to end: waits for another one, and names it.
    pub(crate) async fn next_request(&mut self) -> &'static str {
        let same = async {
            loop {
                self.next().await;
            }
        };
        // It never ends by itself.
        let _: Result<(), _> = timeout(TOGETHER, same).await;
        self.next().await
    }
}

#[cfg(unix)]
impl Signals {
    /// Begins to listen.
    pub(crate) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next request to end, and names it. `SIGHUP` is not one: settings are read
    /// once, and a closed terminal is no reason to stop answering people.
    pub(crate) async fn next(&mut self) -> &'static str {
        loop {
            tokio::select! {
                Some(()) = self.terminate.recv() => return "SIGTERM",
                Some(()) = self.interrupt.recv() => return "SIGINT",
                Some(()) = self.hangup.recv() => tracing::info!(
                    "SIGHUP is ignored: settings are read once, configuration documents are live"
                ),
                else => std::future::pending::<()>().await,
            }
        }
    }
}

/// The signals that end the process.
#[cfg(not(unix))]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// Begins to listen.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    /// Waits for the next request to end, and names it.
    pub(crate) async fn next(&mut self) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "Ctrl-C",
            Err(_) => std::future::pending().await,
        }
    }
}
