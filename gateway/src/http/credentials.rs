//! Where a request may carry its credentials, and whom they belong to.
//!
//! A log-in: `Authorization: Bearer <token>`, the bare token there, the page's cookie, or `token`
//! in the query of a socket. An API key: `api_key` or `key` in the query, `X-API-Key`, or
//! `Authorization: Bearer` or `ApiKey`, first match wins. Tokens in a query are never logged: our
//! access log holds the row's name, not the URL.

use std::sync::Arc;

use actix_web::dev::ServiceRequest;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use url::form_urlencoded;

use super::caller::Caller;
use super::error::{ApiError, Code};
use super::row::{Access, Row, Scope};
use crate::auth::{Auth, COOKIE, KEY_PREFIX};

/// By which way the credentials came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// None were asked for.
    Nothing,
    /// The caller put them into the request on purpose.
    Explicit,
    /// The browser added them by itself: the origin must be checked.
    Cookie,
}

/// Finds out who calls, as far as the row asks.
pub fn authenticate(
    row: &Row,
    auth: &Auth,
    req: &ServiceRequest,
) -> Result<(Caller, Carrier), ApiError> {
    match row.access {
        Access::Public | Access::Token => Ok((Caller::Anonymous, Carrier::Nothing)),
        Access::Session => session(row, auth, req),
        Access::Key(scope) => key(auth, req, scope),
        Access::SessionOrKey(scope) => match key_of(req) {
            Some(raw) if raw.starts_with(KEY_PREFIX) => key(auth, req, scope),
            _ => session(row, auth, req),
        },
    }
}

fn session(row: &Row, auth: &Auth, req: &ServiceRequest) -> Result<(Caller, Carrier), ApiError> {
    let (token, carrier) = if let Some(token) = bearer(req.headers()) {
        (token.to_owned(), Carrier::Explicit)
    } else if let Some(token) = row.socket.then(|| query(req, &["token"])).flatten() {
        (token, Carrier::Explicit)
    } else if let Some(cookie) = req.cookie(COOKIE) {
        (cookie.value().to_owned(), Carrier::Cookie)
    } else {
        return Err(ApiError::new(Code::Unauthenticated));
    };
    let session = auth.sessions.find(&token).map_err(ApiError::new)?;
    Ok((Caller::Session(session), carrier))
}

fn key(auth: &Auth, req: &ServiceRequest, scope: Scope) -> Result<(Caller, Carrier), ApiError> {
    let raw = key_of(req).ok_or_else(|| ApiError::new(Code::KeyMissing))?;
    let key = auth.keys.find(&raw).ok_or_else(|| ApiError::new(Code::KeyInvalid))?;
    if !key.scopes.includes(scope) {
        return Err(ApiError::new(Code::ScopeMissing));
    }
    auth.keys.used(&key.key_id);
    Ok((Caller::Key(Arc::clone(&key)), Carrier::Explicit))
}

/// The log-in token of the header; the scheme may be left out.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?.trim();
    let token = scheme(value, "Bearer").unwrap_or(value);
    (!token.is_empty()).then_some(token)
}

fn key_of(req: &ServiceRequest) -> Option<String> {
    if let Some(key) = query(req, &["api_key", "key"]) {
        return Some(key);
    }
    let headers = req.headers();
    let plain = headers.get("x-api-key").and_then(|value| value.to_str().ok());
    let authorization = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let schemed = authorization.and_then(|value| {
        scheme(value.trim(), "Bearer").or_else(|| scheme(value.trim(), "ApiKey"))
    });
    let found = |value: &str| (!value.trim().is_empty()).then(|| value.trim().to_owned());
    plain.and_then(found).or_else(|| schemed.and_then(found))
}

fn scheme<'a>(value: &'a str, scheme: &str) -> Option<&'a str> {
    let (name, rest) = value.split_once(' ')?;
    name.eq_ignore_ascii_case(scheme).then(|| rest.trim())
}

/// The first of the named members of the query that is not blank.
fn query(req: &ServiceRequest, names: &[&str]) -> Option<String> {
    let query = req.query_string();
    if query.is_empty() {
        return None;
    }
    names.iter().find_map(|name| {
        form_urlencoded::parse(query.as_bytes())
            .find(|(member, value)| member == name && !value.trim().is_empty())
            .map(|(_, value)| value.trim().to_owned())
    })
}
