//! Who may connect: paths, roles and the access token (OneBot v11, "Reverse WebSocket" and
//! "Authentication").

use hyper::header::{AUTHORIZATION, ORIGIN};
use hyper::http::request::Parts;
use hyper::{HeaderMap, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use super::links::Role;

/// How long an account's id may be.
const LONGEST_ACCOUNT: usize = 64;

/// Who connects, and what for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Admitted {
    pub(super) role: Role,
    pub(super) account: String,
}

/// Reads a handshake. The status says what is wrong: 401 without a token, 403 with a wrong one.
pub(super) fn admit(parts: &Parts, token: Option<&SecretString>) -> Result<Admitted, StatusCode> {
    let by_path = role_of_path(parts.uri.path()).ok_or(StatusCode::NOT_FOUND)?;
    authorize(parts, token)?;
    let role = match (by_path, header(&parts.headers, "x-client-role")) {
        (Role::Universal, Some(role)) => role_of_name(role).ok_or(StatusCode::BAD_REQUEST)?,
        (by_path, _) => by_path,
    };
    Ok(Admitted { role, account: account(&parts.headers) })
}

/// The account that a request says it is for.
pub(super) fn account(headers: &HeaderMap) -> String {
    let account = header(headers, "x-self-id").unwrap_or_default().trim();
    if account.len() > LONGEST_ACCOUNT { String::new() } else { account.to_owned() }
}

/// Whether a request comes from a page in a browser, which may reach the loopback but is not a
/// program that somebody has set up there.
pub(super) fn is_from_a_page(headers: &HeaderMap) -> bool {
    headers.contains_key(ORIGIN)
}

fn authorize(parts: &Parts, token: Option<&SecretString>) -> Result<(), StatusCode> {
    let Some(token) = token else {
        return if is_from_a_page(&parts.headers) { Err(StatusCode::FORBIDDEN) } else { Ok(()) };
    };
    let shown = shown(parts).ok_or(StatusCode::UNAUTHORIZED)?;
    let same = shown.as_bytes().ct_eq(token.expose_secret().as_bytes());
    if bool::from(same) { Ok(()) } else { Err(StatusCode::FORBIDDEN) }
}

/// The token in the header, `Bearer` or the older `Token`, else in the query.
fn shown(parts: &Parts) -> Option<String> {
    if let Some(value) = parts.headers.get(AUTHORIZATION) {
        let (scheme, token) = value.to_str().ok()?.trim().split_once(' ')?;
        let known = ["bearer", "token"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
        return known.then(|| token.trim().to_owned());
    }
    let query = parts.uri.query()?;
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(key, _)| key == "access_token").map(|(_, token)| token.into_owned())
}

fn role_of_path(path: &str) -> Option<Role> {
    match path.strip_suffix('/').unwrap_or(path) {
        "/ws" => Some(Role::Universal),
        "/ws/event" => Some(Role::Event),
        "/ws/api" => Some(Role::Api),
        _ => None,
    }
}

fn role_of_name(name: &str) -> Option<Role> {
    let names = [("universal", Role::Universal), ("event", Role::Event), ("api", Role::Api)];
    let found = names.iter().find(|(known, _)| name.trim().eq_ignore_ascii_case(known));
    found.map(|(_, role)| *role)
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}
