//! One connection to a server: opened, asked for its tools, watched, closed.

use std::sync::Arc;
use std::time::Duration;

use firstlight_core::lifecycle::StepCx;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rmcp::model::{
    ClientCapabilities, ClientConfig, Implementation, PaginatedRequestParams, ProtocolVersion,
};
use rmcp::service::{
    ClientCacheConfig, NotificationContext, Peer, RunningServiceCancellationToken,
};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientHandler, RoleClient, serve_client};
use secrecy::ExposeSecret as _;
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::error::McpError;
use super::http::HttpClient;
use super::spec::{Address, McpDefaults, Program, ServerSpec, Target};
use super::tail::ErrorTail;
use super::tools::{Collected, McpTool, refused};
use crate::child_process::{ChildProcess, Started};
use crate::http_client::{self, ClientSettings};
use crate::providers::redact::Redactor;

/// How long listing the tools may take, all pages together.
const LIST_LIMIT: Duration = Duration::from_secs(30);
/// The most pages of a list; a server may point in circles.
const PAGES: usize = 64;
/// The largest message of a server, in bytes: a list of tools of the largest size, and then some.
const MESSAGE: usize = 4 << 20;
/// How long a server may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// How long the end of a program's error output is waited for when the program has ended.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A connection. Dropped, its program is killed; [`Connection::close`] is the polite way.
pub(super) struct Connection {
    peer: Peer<RoleClient>,
    end: RunningServiceCancellationToken,
    gone: BoxFuture<'static, ()>,
    program: Option<Running>,
    changed: Arc<Notify>,
    redactor: Arc<Redactor>,
}

/// The program behind a connection.
struct Running {
    process: ChildProcess,
    /// Ends with the task that reads its error output.
    last_words: oneshot::Receiver<()>,
}

/// What happens to a connection.
pub(super) enum News {
    /// The server says that its tools are others now.
    Changed,
    /// The connection is gone.
    Lost,
}

/// Our side of the conversation: it offers nothing, and listens for changes.
struct Listener {
    changed: Arc<Notify>,
}

impl ClientHandler for Listener {
    fn get_info(&self) -> ClientConfig {
        let ourselves = Implementation::new("firstlight", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(ClientCapabilities::default(), ourselves)
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
    }

    async fn on_tool_list_changed(&self, _context: NotificationContext<RoleClient>) {
        self.changed.notify_one();
    }
}

type Service = rmcp::service::RunningService<RoleClient, Listener>;
type Handshake = Result<Service, rmcp::service::ClientInitializeError>;

impl Connection {
    /// Connects within the server's limit. What was started is ended again when that fails.
    pub(super) async fn open(
        spec: &ServerSpec,
        defaults: &McpDefaults,
        errors: &ErrorTail,
        (cx, token): (&StepCx, &CancellationToken),
    ) -> Result<Self, McpError> {
        let changed = Arc::new(Notify::new());
        let listener = Listener { changed: Arc::clone(&changed) };
        let redactor = Arc::new(spec.redactor());
        let (handshake, program) = match &spec.target {
            Target::Program(program) => program.handshake(listener, cx, errors, &redactor)?,
            Target::Address(address) => (address.handshake(listener, defaults)?, None),
        };
        let limited = timeout(spec.limit, handshake);
        let error = match token.run_until_cancelled(limited).await {
            Some(Ok(Ok(service))) => {
                let mut cache = ClientCacheConfig::default();
                cache.enabled = false;
                service.peer().set_response_cache_config(cache).await;
                return Ok(Self {
                    peer: service.peer().clone(),
                    end: service.cancellation_token(),
                    gone: service.waiting().map(drop).boxed(),
                    program,
                    changed,
                    redactor,
                });
            }
            Some(Ok(Err(error))) => failed("connecting", &error, &redactor),
            Some(Err(_)) => McpError::Deadline { call: "connecting", limit: spec.limit },
            None => McpError::Cancelled,
        };
        Err(ended(program, error).await)
    }

    /// Every tool of the server.
    pub(super) async fn tools(&mut self) -> Result<Vec<McpTool>, McpError> {
        let call = "tools/list";
        let offers = self.peer.peer_info().is_none_or(|server| server.capabilities.tools.is_some());
        if !offers {
            return Ok(Vec::new());
        }
        let pages = async {
            let (mut collected, mut cursor) = (Collected::default(), None);
            for _ in 0..PAGES {
                let page = PaginatedRequestParams::default().with_cursor(cursor);
                let page = self.peer.list_tools(Some(page)).await;
                let page = page.map_err(|error| failed(call, &error, &self.redactor))?;
                collected.add(page.tools)?;
                cursor = page.next_cursor.filter(|cursor| !cursor.is_empty());
                if cursor.is_none() {
                    return Ok(collected.whole());
                }
            }
            Err(refused(format!("they have more than {PAGES} pages")))
        };
        let late = |_| McpError::Deadline { call, limit: LIST_LIMIT };
        timeout(LIST_LIMIT, pages).await.map_err(late)?
    }

    /// Waits for something to happen. Not to be called again after the connection was lost.
    pub(super) async fn news(&mut self) -> News {
        tokio::select! {
            () = self.changed.notified() => News::Changed,
            () = &mut self.gone => News::Lost,
        }
    }

    /// Says goodbye, and ends the program. `error` is why; it becomes the program's own end where
    /// that was the cause.
    pub(super) async fn close(mut self, error: McpError) -> McpError {
        self.end.cancel();
        if error != McpError::Closed && timeout(GOODBYE, &mut self.gone).await.is_err() {
            tracing::debug!("an MCP server did not end its session in time");
        }
        ended(self.program.take(), error).await
    }
}

impl Program {
    /// Starts the program and begins to talk to it.
    fn handshake(
        &self,
        listener: Listener,
        cx: &StepCx,
        tail: &ErrorTail,
        redactor: &Arc<Redactor>,
    ) -> Result<(BoxFuture<'static, Handshake>, Option<Running>), McpError> {
        let Started { process, input, output, errors } = self.start()?;
        let (tail, token, redactor) = (tail.clone(), cx.token().clone(), Arc::clone(redactor));
        let (reading, last_words) = oneshot::channel();
        cx.spawn("error output", async move {
            let _until_here: oneshot::Sender<()> = reading;
            // The end of the program ends its output; one that left its group may hold it open.
            let _ended_or_down = token.run_until_cancelled(tail.read(errors, &redactor)).await;
        });
        let transport = AsyncRwTransport::new_client(output, input).with_max_line_length(MESSAGE);
        let running = Running { process, last_words };
        Ok((serve_client(listener, transport).boxed(), Some(running)))
    }
}

impl Address {
    fn handshake(
        &self,
        listener: Listener,
        defaults: &McpDefaults,
    ) -> Result<BoxFuture<'static, Handshake>, McpError> {
        let client = http_client::build(&ClientSettings {
            proxy: defaults.proxy.clone(),
            no_proxy: defaults.no_proxy.clone(),
            headers: self.plain_headers(),
            ..ClientSettings::default()
        })?;
        let config = StreamableHttpClientTransportConfig::with_uri(self.url.expose_secret())
            .max_sse_event_size(MESSAGE)
            .max_json_response_size(MESSAGE)
            .max_error_response_size(1024);
        let client = HttpClient(client);
        // The transport spawns a task at once, so it is made where it is awaited.
        let talk = async move {
            let transport = StreamableHttpClientTransport::with_client(client, config);
            serve_client(listener, transport).await
        };
        Ok(talk.boxed())
    }
}

/// Ends the program, and says how it ended when that is why the connection is no more.
async fn ended(program: Option<Running>, error: McpError) -> McpError {
    let Some(Running { process, last_words }) = program else { return error };
    let status = process.end().await;
    // Whoever reads the error wants to read them beside it.
    let _all_or_late = timeout(LAST_WORDS, last_words).await;
    match (status, error) {
        (Some(status), McpError::Closed | McpError::Failed { .. }) => {
            McpError::ProgramEnded { status: status.to_string() }
        }
        (_, error) => error,
    }
}

fn failed(call: &'static str, error: &dyn std::error::Error, redactor: &Redactor) -> McpError {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let part = source.to_string();
        if !text.contains(&part) {
            text = format!("{text}: {part}");
        }
        next = source.source();
    }
    McpError::Failed { call, text: redactor.clean(&text) }
}
