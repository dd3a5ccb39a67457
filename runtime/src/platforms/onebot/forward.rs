//! Our own connection to a client that serves WebSockets (OneBot v11, "Forward WebSocket").

use std::time::Duration;

use secrecy::ExposeSecret as _;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Request};
use tokio_tungstenite::tungstenite::{Error, error};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use super::config::Remote;
use super::connection::{self, Ended, Wire};
use super::links::Role;
use crate::platforms::supervision::pause;

/// How long connecting may take, handshake included.
const CONNECT_LIMIT: Duration = Duration::from_secs(15);
/// A connection of this length was a good one: the next failure is a first one again.
const HEALTHY_AFTER: Duration = Duration::from_mins(1);

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// Connects, and again after each loss, until the platform stops. When this is the only way in, the
/// platform is up exactly while the connection is.
pub(super) async fn run(remote: &Remote, only_way: bool, wire: &Wire) {
    let mut failures = 0_u32;
    while !wire.stop.is_cancelled() {
        let begun = Instant::now();
        let connected = wire.stop.run_until_cancelled(Box::pin(connect(remote))).await;
        let error = match connected {
            None => return,
            Some(Ok(socket)) => {
                wire.health.up();
                tracing::info!(platform = %wire.platform, "connected to the client");
                match connection::serve(socket, Role::Universal, String::new(), wire).await {
                    Ended::Stopped => return,
                    ended => ended.to_string(),
                }
            }
            Some(Err(error)) => error,
        };
        failures = if begun.elapsed() >= HEALTHY_AFTER { 1 } else { failures.saturating_add(1) };
        let wait = pause(failures);
        tracing::warn!(platform = %wire.platform, error, ?wait, "not connected to the client");
        if only_way {
            wire.health.failed(&error);
        } else {
            wire.health.fault(&error);
        }
        if wire.stop.run_until_cancelled(sleep(wait)).await.is_none() {
            return;
        }
    }
}

async fn connect(remote: &Remote) -> Result<Socket, String> {
    let request = request(remote).ok_or("ws_url or ws_token cannot be sent")?;
    // Small frames must not wait for each other, so Nagle's algorithm is off.
    let connecting = connect_async_with_config(request, Some(connection::limits()), true);
    match timeout(CONNECT_LIMIT, connecting).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(error)) => Err(reason(&error)),
        Err(_) => Err(format!("no connection within {} s", CONNECT_LIMIT.as_secs())),
    }
}

fn request(remote: &Remote) -> Option<Request<()>> {
    let mut request = remote.url.as_str().into_client_request().ok()?;
    if let Some(token) = &remote.token {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())).ok()?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    Some(request)
}

/// What went wrong, without the address: it may hold a token.
fn reason(error: &Error) -> String {
    match error {
        Error::Http(answer) => match answer.status().as_u16() {
            status @ (401 | 403) => format!("the client refused ws_token with {status}"),
            status => format!("the client answered {status} instead of a WebSocket"),
        },
        Error::Io(error) => format!("the client cannot be reached: {error}"),
        Error::Url(error::UrlError::UnableToConnect(_)) => "the client cannot be reached".into(),
        Error::Tls(_) => "the TLS connection to the client failed".to_owned(),
        other => format!("the client speaks no WebSocket: {other}"),
    }
}
