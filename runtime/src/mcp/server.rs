//! One server: the task that keeps it connected, and the state that others read.

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use firstlight_core::lifecycle::{Item, StepCx};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::connection::{Connection, News};
use super::error::McpError;
use super::spec::{McpDefaults, ServerSpec};
use super::tail::ErrorTail;
use super::tools::McpTool;

/// The wait after the first failure; it doubles with each, up to the longest, and is then given a
/// random part, so that servers that went down together do not come back together.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// A connection that held so long was a good one: the waits begin anew.
const HELD: Duration = Duration::from_mins(1);
/// A server that changes its tools often is asked once for all changes of this time.
const SETTLE: Duration = Duration::from_millis(200);

/// How a server is.
#[derive(Debug, Clone, Default)]
pub struct ServerState {
    /// Whether it is connected.
    pub link: Link,
    /// When it was last connected, or listed its tools anew.
    pub last_success: Option<Timestamp>,
    /// The last error and its time.
    pub last_error: Option<(McpError, Timestamp)>,
}

/// Whether a server is connected.
#[derive(Debug, Clone, Default)]
pub enum Link {
    /// Nobody wants it to be.
    #[default]
    Off,
    /// It is on its way, for the first time or again.
    Connecting,
    /// It is, and has these tools.
    Connected {
        /// Its tools.
        tools: Arc<[McpTool]>,
    },
}

/// A server as the list of servers shows it.
#[derive(Debug, Clone)]
pub struct ServerStatus {
    /// How it is.
    pub state: ServerState,
    /// The last lines of its error output.
    pub errors: Vec<String>,
}

/// What became of a server that was put to work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is connected.
    Connected,
    /// It is not, and will be tried again.
    Failed(McpError),
    /// It is no longer wanted: switched off, removed, or the runtime goes down.
    Gone,
}

/// A server of the running runtime.
pub(super) struct Server {
    state: watch::Sender<ServerState>,
    errors: ErrorTail,
    /// Ends this server alone; a child of the component's token.
    token: CancellationToken,
    item: Item,
}

impl Server {
    pub(super) fn new(name: &str, cx: &StepCx) -> Self {
        Self {
            state: watch::Sender::default(),
            errors: ErrorTail::default(),
            token: cx.token().child_token(),
            item: cx.item(name),
        }
    }

    pub(super) fn status(&self) -> ServerStatus {
        ServerStatus { state: self.state.borrow().clone(), errors: self.errors.lines() }
    }

    pub(super) fn tools(&self) -> Option<Arc<[McpTool]>> {
        match &self.state.borrow().link {
            Link::Connected { tools } => Some(Arc::clone(tools)),
            Link::Off | Link::Connecting => None,
        }
    }

    /// Tells it to end.
    pub(super) fn cancel(&self) {
        self.token.cancel();
    }

    /// Returns when its task has ended.
    pub(super) async fn ended(&self) {
        let mut states = self.state.subscribe();
        // The sender lives as long as this value.
        let _ = states.wait_for(|state| matches!(state.link, Link::Off)).await;
    }

    pub(super) fn forget(&self) {
        self.item.remove();
    }

    /// Waits until it is connected or has failed for the first time.
    pub(super) async fn settled(&self) -> Outcome {
        let mut states = self.state.subscribe();
        let settled = states.wait_for(|state| match &state.link {
            Link::Off | Link::Connected { .. } => true,
            Link::Connecting => state.last_error.is_some(),
        });
        let Ok(state) = settled.await.map(|state| state.clone()) else { return Outcome::Gone };
        match (state.link, state.last_error) {
            (Link::Connected { .. }, _) => Outcome::Connected,
            (_, Some((error, _))) => Outcome::Failed(error),
            (_, None) => Outcome::Gone,
        }
    }

    pub(super) fn switched_off(&self) {
        self.item.stop();
    }

    /// It cannot even be tried.
    pub(super) fn unusable(&self, error: McpError) {
        self.item.fail(&error);
        self.change(|state| state.last_error = Some((error, Timestamp::now())));
    }

    /// From now on the server is not off, until what this answers is dropped: with the task, however
    /// that ends, or with a task that never began.
    pub(super) fn begin(self: &Arc<Self>) -> Begun {
        self.item.start();
        self.change(|state| state.link = Link::Connecting);
        Begun(Arc::clone(self))
    }

    /// One connection from its beginning to its end. Answers why it ended.
    async fn connected_for_a_while(
        &self,
        spec: &ServerSpec,
        defaults: &McpDefaults,
        cx: &StepCx,
    ) -> McpError {
        let opened = Connection::open(spec, defaults, &self.errors, (cx, &self.token));
        let mut connection = match opened.await {
            Ok(connection) => connection,
            Err(error) => return error,
        };
        let kept = Box::pin(self.keep(&mut connection, defaults.check_interval));
        let error = match self.token.run_until_cancelled(kept).await {
            Some(error) => error,
            None => McpError::Cancelled,
        };
        // Nobody may count on tools that cannot be called.
        self.change(|state| state.link = Link::Connecting);
        connection.close(error).await
    }

    /// Lists the tools whenever they may be others, until that fails or the connection is gone.
    async fn keep(&self, connection: &mut Connection, check_interval: Duration) -> McpError {
        loop {
            let tools: Arc<[McpTool]> = match connection.tools().await {
                Ok(tools) => tools.into(),
                Err(error) => return error,
            };
            if self.tools().is_none() {
                tracing::info!(server = self.item.name(), tools = tools.len(), "MCP connected");
                self.item.finish();
            }
            self.change(|state| {
                state.link = Link::Connected { tools };
                state.last_success = Some(Timestamp::now());
            });
            match timeout(check_interval, connection.news()).await {
                Err(_) => {}
                Ok(News::Changed) => sleep(SETTLE).await,
                Ok(News::Lost) => return McpError::Closed,
            }
        }
    }

    fn change(&self, change: impl FnOnce(&mut ServerState)) {
        self.state.send_modify(change);
    }
}

/// A server that is not off.
pub(super) struct Begun(Arc<Server>);

impl Begun {
    /// Keeps the server connected until it is told to end.
    pub(super) async fn run(self, spec: ServerSpec, defaults: &McpDefaults, cx: &StepCx) {
        let server = &self.0;
        let mut waits = waits();
        loop {
            let begun = Instant::now();
            let error = server.connected_for_a_while(&spec, defaults, cx).await;
            if server.token.is_cancelled() {
                return;
            }
            if begun.elapsed() >= HELD {
                waits = self::waits();
            }
            let wait = waits.next().unwrap_or(LONGEST_WAIT);
            tracing::warn!(server = server.item.name(), %error, ?wait, "an MCP server is not connected");
            server.item.retry(&error);
            server.change(|state| {
                state.link = Link::Connecting;
                state.last_error = Some((error, Timestamp::now()));
            });
            if server.token.run_until_cancelled(sleep(wait)).await.is_none() {
                return;
            }
        }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.item.stop();
        self.0.change(|state| state.link = Link::Off);
    }
}

fn waits() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(FIRST_WAIT)
        .with_max_delay(LONGEST_WAIT)
        .with_factor(2.0)
        .with_jitter()
        .without_max_times()
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_longest_with_a_random_part_and_never_end() {
        let waits: Vec<Duration> = waits().take(200).collect();
        assert!(waits[0] >= FIRST_WAIT && waits[0] <= 2 * FIRST_WAIT, "{:?}", waits[0]);
        assert_eq!(waits.len(), 200);
        assert!(waits[10..].iter().all(|wait| *wait >= LONGEST_WAIT && *wait <= 2 * LONGEST_WAIT));
        let different: std::collections::BTreeSet<_> = waits[10..].iter().collect();
        assert!(different.len() > 50, "{} waits are different", different.len());
    }
}
