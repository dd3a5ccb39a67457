//! Events by HTTP callback (OneBot v11, "HTTP POST"): the signature is checked before the body is
//! read as anything, and the answer comes after the row is durable.

use std::time::Duration;

use firstlight_core::bus::Accepted;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body, Bytes};
use hyper::{HeaderMap, Method, Request, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use sha1::Sha1;
use tokio::time::timeout;

use super::config::Callback;
use super::connection::Wire;
use super::event::{self, Reading};
use super::{handshake, inlet};

/// The largest body that is read.
const LARGEST: usize = 4 << 20;
/// How long a body may take to come.
const BODY_LIMIT: Duration = Duration::from_secs(20);
/// How long the row may take to be stored, before the far side is told to come again.
const STORE_LIMIT: Duration = Duration::from_secs(30);

/// Takes one event. 204 says that it is stored, or need not be; 503 that it must be sent again.
pub(super) async fn take<B>(request: Request<B>, callback: &Callback, wire: &Wire) -> StatusCode
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if request.method() != Method::POST {
        return StatusCode::METHOD_NOT_ALLOWED;
    }
    let headers = request.headers().clone();
    if callback.secret.is_none() && handshake::is_from_a_page(&headers) {
        return StatusCode::FORBIDDEN;
    }
    let body = Limited::new(request.into_body(), LARGEST).collect();
    let body = match timeout(BODY_LIMIT, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            return StatusCode::PAYLOAD_TOO_LARGE;
        }
        Ok(Err(_)) => return StatusCode::BAD_REQUEST,
        Err(_) => return StatusCode::REQUEST_TIMEOUT,
    };
    if let Some(secret) = &callback.secret
        && let Err(refused) = verify(&headers, &body, secret)
    {
        inlet::counted(&wire.platform, "forged");
        wire.health.fault("a callback was refused: its signature is missing or wrong");
        return refused;
    }
    store(&body, &handshake::account(&headers), wire).await
}

async fn store(body: &[u8], account: &str, wire: &Wire) -> StatusCode {
    let read = event::read(body, &wire.platform, wire.kind, account);
    inlet::count(&wire.platform, &read);
    wire.links.heard();
    let message = match read {
        Ok(Reading::Message(message)) => message,
        Ok(Reading::Meta(_) | Reading::Ignored) => return StatusCode::NO_CONTENT,
        Err(error) => {
            wire.health.fault(format!("a callback was refused: {error}"));
            return StatusCode::BAD_REQUEST;
        }
    };
    match timeout(STORE_LIMIT, wire.intake.accept(message.event, message.identity)).await {
        Ok(Ok(Accepted::New(_) | Accepted::Duplicate(_))) => StatusCode::NO_CONTENT,
        Ok(Ok(Accepted::Full)) | Err(_) => StatusCode::SERVICE_UNAVAILABLE,
        Ok(Err(error)) => {
            tracing::error!(%error, "a received event could not be stored");
            wire.health.fault(format!("a received event could not be stored: {error}"));
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

/// `X-Signature: sha1=<HMAC of the body in hex>`, compared in constant time.
fn verify(headers: &HeaderMap, body: &[u8], secret: &SecretString) -> Result<(), StatusCode> {
    let shown = headers.get("x-signature").ok_or(StatusCode::UNAUTHORIZED)?;
    let shown = shown.to_str().ok().and_then(|shown| shown.strip_prefix("sha1="));
    let shown = shown.and_then(|shown| hex::decode(shown.trim()).ok());
    let shown = shown.ok_or(StatusCode::FORBIDDEN)?;
    // HMAC takes keys of any length.
    let mac = Hmac::<Sha1>::new_from_slice(secret.expose_secret().as_bytes());
    let mut mac = mac.map_err(|_| StatusCode::FORBIDDEN)?;
    mac.update(body);
    mac.verify_slice(&shown).map_err(|_| StatusCode::FORBIDDEN)
}
