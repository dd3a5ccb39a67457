//! Our port: WebSocket handshakes and callbacks, each connection bounded in number, size and time.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderValue, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::create_response;
use tokio_tungstenite::tungstenite::protocol::Role as Side;

use super::adapter::OneBot;
use super::config::{Listen, Reverse};
use super::connection::{self, Ended, Wire};
use super::handshake::{self, Admitted};
use super::{callback, inlet};

/// How many connections there may be at once, of all kinds.
const CONNECTIONS: usize = 128;
/// How long the head of a request may take.
const HEAD_LIMIT: Duration = Duration::from_secs(20);
/// How long requests that are being answered may take when the platform stops.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);
/// How large the head of a request may be.
const HEAD_SIZE: usize = 16 << 10;
/// The pause when the system has no connection to give, such as too many open files.
const ACCEPT_AGAIN: Duration = Duration::from_millis(500);

/// Why we cannot listen.
#[derive(Debug, thiserror::Error)]
pub(super) enum ListenError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}")]
    Bind {
        /// What was tried.
        address: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A name turned out to be an address that others can reach.
    #[error("{address} can be reached from other machines, and no token is set")]
    Unprotected {
        /// Where it leads.
        address: String,
    },
}

/// A bound port.
pub(super) struct Listener {
    tcp: TcpListener,
    address: String,
}

/// What is served there.
struct Serving {
    bot: Arc<OneBot>,
    wire: Arc<Wire>,
}

/// A handshake that was accepted; the socket comes once its answer is written.
type Accepted = Arc<Mutex<Option<(OnUpgrade, Admitted)>>>;

impl Listener {
    pub(super) async fn bind(listen: &Listen) -> Result<Self, ListenError> {
        let host = listen.host.trim_start_matches('[').trim_end_matches(']');
        let address = format!("{host}:{}", listen.port);
        let failed = |source| ListenError::Bind { address: address.clone(), source };
        let tcp = TcpListener::bind((host, listen.port)).await.map_err(failed)?;
        let local = tcp.local_addr().map_err(failed)?;
        let open = listen.reverse.as_ref().is_some_and(|reverse| reverse.token.is_none())
            || listen.callback.as_ref().is_some_and(|callback| callback.secret.is_none());
        if open && !local.ip().is_loopback() {
            return Err(ListenError::Unprotected { address: local.to_string() });
        }
        Ok(Self { tcp, address: local.to_string() })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Serves until the platform stops. All connections have ended by then.
    pub(super) async fn serve(self, bot: Arc<OneBot>, wire: Arc<Wire>) {
        let stop = wire.stop.clone();
        let serving = Arc::new(Serving { bot, wire });
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                _ = connections.join_next(), if !connections.is_empty() => continue,
                accepted = self.tcp.accept() => accepted,
            };
            match accepted {
                Ok((tcp, _)) => match Arc::clone(&places).try_acquire_owned() {
                    Ok(place) => {
                        let serving = Arc::clone(&serving);
                        connections.spawn(async move {
                            serving.connection(tcp).await;
                            drop(place);
                        });
                    }
                    Err(_) => serving.wire.health.fault("a connection too many was closed"),
                },
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    sleep(ACCEPT_AGAIN).await;
                }
            }
        }
        while connections.join_next().await.is_some() {}
    }
}

impl Serving {
    async fn connection(&self, tcp: TcpStream) {
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(%error, "a connection goes without TCP_NODELAY");
        }
        let accepted = Accepted::default();
        let service = service_fn(|request| {
            let accepted = Arc::clone(&accepted);
            async move { Ok::<_, Infallible>(self.answer(request, &accepted).await) }
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT).max_buf_size(HEAD_SIZE);
        let exchange = http.serve_connection(TokioIo::new(tcp), service).with_upgrades();
        tokio::pin!(exchange);
        let served = tokio::select! {
            served = exchange.as_mut() => served,
            () = self.wire.stop.cancelled() => {
                exchange.as_mut().graceful_shutdown();
                timeout(CLOSE_LIMIT, exchange).await.unwrap_or(Ok(()))
            }
        };
        if let Err(error) = served {
            tracing::debug!(%error, "a connection broke");
        }
        let upgrade = accepted.lock().take();
        if let Some((socket, admitted)) = upgrade {
            self.socket(socket, admitted).await;
        }
    }

    async fn socket(&self, socket: OnUpgrade, admitted: Admitted) {
        let socket = match socket.await {
            Ok(socket) => TokioIo::new(socket),
            Err(error) => return tracing::debug!(%error, "a handshake was not finished"),
        };
        let limits = Some(connection::limits());
        let socket = WebSocketStream::from_raw_socket(socket, Side::Server, limits).await;
        let Admitted { role, account } = admitted;
        tracing::info!(platform = %self.wire.platform, account, ?role, "a client connected");
        match connection::serve(socket, role, account, &self.wire).await {
            Ended::Stopped => {}
            Ended::Closed => tracing::info!(platform = %self.wire.platform, "a client left"),
            broken => {
                tracing::warn!(platform = %self.wire.platform, %broken, "a client was lost");
                self.wire.health.fault(broken);
            }
        }
    }

    async fn answer(&self, request: Request<Incoming>, accepted: &Accepted) -> Response<NoBody> {
        let path = request.uri().path();
        let listen = self.bot.settings().listen.as_ref();
        let callback = listen.and_then(|listen| listen.callback.as_ref());
        if let Some(callback) = callback.filter(|callback| same_path(path, &callback.path)) {
            return status(callback::take(request, callback, &self.wire).await);
        }
        let Some(reverse) = listen.and_then(|listen| listen.reverse.as_ref()) else {
            return status(StatusCode::NOT_FOUND);
        };
        handshake(request, reverse, accepted).unwrap_or_else(|refused| {
            inlet::counted(&self.wire.platform, "unauthorized");
            if refused != StatusCode::NOT_FOUND {
                let text = format!("a client was refused with {refused}");
                tracing::warn!(platform = %self.wire.platform, text);
                self.wire.health.fault(text);
            }
            status(refused)
        })
    }
}

type NoBody = Empty<Bytes>;

fn status(status: StatusCode) -> Response<NoBody> {
    let mut answer = Response::new(NoBody::new());
    *answer.status_mut() = status;
    if status == StatusCode::SERVICE_UNAVAILABLE {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    answer
}

fn handshake(
    request: Request<Incoming>,
    reverse: &Reverse,
    accepted: &Accepted,
) -> Result<Response<NoBody>, StatusCode> {
    let (mut parts, _body) = request.into_parts();
    let admitted = handshake::admit(&parts, reverse.token.as_ref())?;
    let upgrade = parts.extensions.remove::<OnUpgrade>().ok_or(StatusCode::BAD_REQUEST)?;
    let answer = create_response(&Request::from_parts(parts, ()));
    let answer = answer.map_err(|_| StatusCode::BAD_REQUEST)?;
    *accepted.lock() = Some((upgrade, admitted));
    Ok(answer.map(|()| NoBody::new()))
}

/// A slash at the end makes no difference.
fn same_path(asked: &str, configured: &str) -> bool {
    let bare = |path: &str| path.trim_end_matches('/').to_owned();
    bare(asked) == bare(configured)
}
