//! Refusing a WebSocket in a way that its client can read.
//!
//! A browser cannot see the status of a refused handshake. So the handshake is accepted and the
//! socket closed with a code: 1008 for the caller, 1013 for the runtime.

use actix_web::dev::ServiceRequest;
use actix_web::http::header::UPGRADE;
use actix_web::{FromRequest, HttpMessage, HttpResponse, web};
use actix_ws::{CloseCode, CloseReason};
use serde_json::json;

use super::error::{ApiError, Code};
use super::language;
use super::row::{Access, Row};

/// Whether the request asks for a WebSocket.
pub fn is_upgrade(req: &ServiceRequest) -> bool {
    req.headers().get(UPGRADE).is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Accepts the handshake and closes: 1013 when the runtime is not there, 1008 otherwise. Sockets
/// of the API-key class get an error frame first.
pub async fn refuse(row: &Row, req: &mut ServiceRequest, error: &ApiError) -> Option<HttpResponse> {
    let runtime =
        matches!(error.code(), Code::RuntimeLoading | Code::RuntimeFailed | Code::RuntimeStopped);
    let (http, mut payload) = (req.request().clone(), req.take_payload());
    let body = web::Payload::from_request(&http, &mut payload).await.ok()?;
    let (response, mut session, _messages) = actix_ws::handle(&http, body).ok()?;
    let text = error.message(language::wanted(http.headers()));
    if matches!(row.access, Access::Key(_)) {
        let code = if runtime { "RUNTIME_NOT_READY" } else { "UNAUTHORIZED" };
        let frame = json!({ "type": "error", "code": code, "data": text });
        session.text(frame.to_string()).await.ok()?;
    }
    let code = if runtime { CloseCode::Again } else { CloseCode::Policy };
    let reason = CloseReason { code, description: Some(text.into_owned()) };
    session.close(Some(reason)).await.ok()?;
    Some(response)
}
