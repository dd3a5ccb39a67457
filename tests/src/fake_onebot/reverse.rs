//! The fake as client of the gateway's WebSocket server; it comes back whenever it is cut off.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::{self, http};

use super::chopped::Chopped;
use super::connection;
use super::record::Handshake;
use super::shared::{Role, Shared};

/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(50);

/// Connects for as long as the fake lives.
pub(super) async fn run(shared: Arc<Shared>, role: Role) {
    let mut present = shared.present.subscribe();
    while present.wait_for(|present| *present).await.is_ok() {
        if let Err(error) = connect(&shared, role).await {
            let refused = match error.downcast_ref() {
                Some(tungstenite::Error::Http(response)) => response.status().as_u16(),
                _ => 0,
            };
            shake(&shared, role, Some(refused));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn connect(shared: &Arc<Shared>, role: Role) -> Result<()> {
    let request = request(shared, role)?;
    let host = request.uri().authority().context("a URL has a host")?.to_string();
    let (stream, axe) = Chopped::new(TcpStream::connect(host).await?);
    let (socket, _) = tokio_tungstenite::client_async(request, stream).await?;
    shake(shared, role, None);
    connection::serve(shared, socket, axe, role).await;
    Ok(())
}

fn request(shared: &Shared, role: Role) -> Result<Request> {
    let gateway = shared.gateway.borrow().clone();
    let mut request = format!("{gateway}{}", role.path()).into_client_request()?;
    for (name, value) in headers(shared, role) {
        let name: http::HeaderName = name.parse()?;
        request.headers_mut().insert(name, value.parse()?);
    }
    Ok(request)
}

fn headers(shared: &Shared, role: Role) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::from([
        ("x-self-id".to_owned(), shared.account.self_id.to_string()),
        ("x-client-role".to_owned(), role.as_str().to_owned()),
        ("user-agent".to_owned(), "OneBot/11".to_owned()),
    ]);
    if let Some(token) = &shared.account.token {
        headers.insert("authorization".to_owned(), format!("Bearer {token}"));
    }
    headers
}

fn shake(shared: &Shared, role: Role, refused: Option<u16>) {
    let (path, headers) = (role.path().to_owned(), headers(shared, role));
    shared.records.shake(Handshake { path, headers, refused });
}
