//! The servers of a running runtime: put to work, changed, tried, ended.

use std::collections::BTreeMap;
use std::sync::Arc;

use firstlight_core::lifecycle::StepCx;
use parking_lot::RwLock;
use serde_json::Value;
use tokio::sync::{Mutex, Semaphore, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::Connection;
use super::error::McpError;
use super::server::{Outcome, Server, ServerStatus};
use super::spec::{McpDefaults, ServerSpec, is_active};
use super::tail::ErrorTail;
use super::tools::McpTool;

/// How many servers may be tested at the same time.
const TESTS: usize = 4;

/// The MCP servers of the running runtime; cheap to clone.
#[derive(Clone)]
pub struct Mcp {
    inner: Arc<Inner>,
}

struct Inner {
    cx: StepCx,
    defaults: Arc<McpDefaults>,
    servers: RwLock<BTreeMap<String, Arc<Server>>>,
    /// Changes of the same server must not overlap.
    applying: Mutex<()>,
    tests: Arc<Semaphore>,
    /// The tasks that hold a connection.
    connections: TaskTracker,
}

/// Why a test failed, and what the program wrote to its error output.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{error}")]
pub struct TestFailure {
    /// Why.
    pub error: McpError,
    /// The last lines of the error output.
    pub errors: Vec<String>,
}

impl Mcp {
    pub(super) fn new(cx: StepCx, defaults: McpDefaults) -> Self {
        Self {
            inner: Arc::new(Inner {
                cx,
                defaults: Arc::new(defaults),
                servers: RwLock::default(),
                applying: Mutex::default(),
                tests: Arc::new(Semaphore::new(TESTS)),
                connections: TaskTracker::new(),
            }),
        }
    }

    /// Puts one entry of the `mcp` document to work: what ran under that name is ended first, and a
    /// server that is active is connected in the background ([`Mcp::settled`]). Returns the error of
    /// an entry that cannot even be tried.
    pub async fn apply(&self, name: &str, entry: &Value) -> Result<(), McpError> {
        let _one_at_a_time = self.inner.applying.lock().await;
        self.end(name).await;
        let server = Arc::new(Server::new(name, &self.inner.cx));
        self.inner.servers.write().insert(name.to_owned(), Arc::clone(&server));
        if !is_active(entry) {
            server.switched_off();
            return Ok(());
        }
        match ServerSpec::read(entry, &self.inner.defaults) {
            Ok(spec) => {
                let begun = server.begin();
                let (cx, defaults) = (self.inner.cx.clone(), Arc::clone(&self.inner.defaults));
                let running = self.inner.connections.track_future(async move {
                    begun.run(spec, &defaults, &cx).await;
                });
                self.inner.cx.spawn(name, running);
                Ok(())
            }
            Err(error) => {
                tracing::warn!(server = name, %error, "an MCP server cannot be connected");
                server.unusable(error.clone());
                Err(error)
            }
        }
    }

    /// Ends a server and forgets it.
    pub async fn remove(&self, name: &str) {
        let _one_at_a_time = self.inner.applying.lock().await;
        self.end(name).await;
    }

    /// Waits until a server is connected or has failed for the first time since it was applied.
    pub async fn settled(&self, name: &str) -> Outcome {
        match self.find(name) {
            Some(server) => server.settled().await,
            None => Outcome::Gone,
        }
    }

    /// Connects as an entry says, lists the tools, and disconnects. Ends early when the caller no
    /// longer waits.
    pub async fn test(&self, entry: &Value) -> Result<Vec<McpTool>, TestFailure> {
        let failure = |error| TestFailure { error, errors: Vec::new() };
        let defaults = Arc::clone(&self.inner.defaults);
        let spec = ServerSpec::read(entry, &defaults).map_err(failure)?;
        let permit = Arc::clone(&self.inner.tests).try_acquire_owned();
        let permit = permit.map_err(|_| failure(McpError::Busy))?;
        let token = self.inner.cx.token().child_token();
        let _ends_with_the_caller = token.clone().drop_guard();
        let (tell, told) = oneshot::channel();
        let cx = self.inner.cx.clone();
        // The connection has tasks of its own, so it is made on the runtime that outlives requests.
        let tried = self.inner.connections.track_future(async move {
            let _permit = permit;
            let _nobody_may_wait = tell.send(tried(&spec, &defaults, &cx, &token).await);
        });
        self.inner.cx.spawn("test", tried);
        told.await.unwrap_or_else(|_| Err(failure(McpError::Cancelled)))
    }

    /// How each server is, by name.
    pub fn statuses(&self) -> BTreeMap<String, ServerStatus> {
        let servers = self.inner.servers.read();
        servers.iter().map(|(name, server)| (name.clone(), server.status())).collect()
    }

    /// The tools of the connected servers, with the server that offers each.
    pub fn tools(&self) -> Vec<(String, McpTool)> {
        let servers = self.inner.servers.read();
        let tools_of = |(name, server): (&String, &Arc<Server>)| {
            let tools = server.tools().into_iter().flat_map(|tools| tools.to_vec());
            tools.map(|tool| (name.clone(), tool)).collect::<Vec<_>>()
        };
        servers.iter().flat_map(tools_of).collect()
    }

    /// Ends every server, all at the same time, and waits for that.
    pub(super) async fn end_all(&self) {
        for server in self.inner.servers.read().values() {
            server.cancel();
        }
        self.inner.connections.close();
        self.inner.connections.wait().await;
    }

    async fn end(&self, name: &str) {
        let Some(old) = self.find(name) else { return };
        old.cancel();
        old.ended().await;
        self.inner.servers.write().remove(name);
        old.forget();
    }

    fn find(&self, name: &str) -> Option<Arc<Server>> {
        self.inner.servers.read().get(name).cloned()
    }
}

async fn tried(
    spec: &ServerSpec,
    defaults: &McpDefaults,
    cx: &StepCx,
    token: &CancellationToken,
) -> Result<Vec<McpTool>, TestFailure> {
    let errors = ErrorTail::default();
    let failure = |error| TestFailure { error, errors: errors.lines() };
    let connection = Connection::open(spec, defaults, &errors, (cx, token)).await;
    let mut connection = connection.map_err(failure)?;
    let tools = token.run_until_cancelled(connection.tools()).await;
    let tools = tools.unwrap_or(Err(McpError::Cancelled));
    match tools {
        Ok(tools) => {
            connection.close(McpError::Cancelled).await;
            Ok(tools)
        }
        Err(error) => Err(failure(connection.close(error).await)),
    }
}
