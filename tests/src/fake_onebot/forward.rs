//! The fake as WebSocket server, which a gateway connects to.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderMap, StatusCode};

use super::chopped::Chopped;
use super::connection;
use super::record::Handshake;
use super::shared::{Role, Shared};

/// Serves for as long as the fake lives.
pub(super) async fn run(shared: Arc<Shared>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let shared = Arc::clone(&shared);
                connections.spawn(async move { serve(&shared, stream).await });
            }
            _ = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn serve(shared: &Arc<Shared>, stream: TcpStream) {
    let (stream, axe) = Chopped::new(stream);
    let mut path = String::new();
    #[expect(clippy::result_large_err, reason = "the library asks for it")]
    let admit = |request: &Request, response: Response| {
        request.uri().path().clone_into(&mut path);
        let refused = refusal(shared, request);
        shared.records.shake(Handshake {
            path: path.clone(),
            headers: plain(request.headers()),
            refused: refused.map(|status| status.as_u16()),
        });
        match refused {
            None => Ok(response),
            Some(status) => {
                let mut refusal = ErrorResponse::new(None);
                *refusal.status_mut() = status;
                Err(refusal)
            }
        }
    };
    let Ok(socket) = tokio_tungstenite::accept_hdr_async(stream, admit).await else { return };
    let role = match path.trim_end_matches('/') {
        "/event" => Role::Event,
        "/api" => Role::Api,
        _ => Role::Universal,
    };
    connection::serve(shared, socket, axe, role).await;
}

/// Why a client is not let in: the fake is away, or the token is absent or wrong.
fn refusal(shared: &Shared, request: &Request) -> Option<StatusCode> {
    if !*shared.present.borrow() {
        return Some(StatusCode::SERVICE_UNAVAILABLE);
    }
    let token = shared.account.token.as_ref()?;
    let sent = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    match sent {
        None => Some(StatusCode::UNAUTHORIZED),
        Some(sent) if sent == format!("Bearer {token}") => None,
        Some(_) => Some(StatusCode::FORBIDDEN),
    }
}

fn plain(headers: &HeaderMap) -> BTreeMap<String, String> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect()
}
