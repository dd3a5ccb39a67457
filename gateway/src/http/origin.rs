//! Which origins may call, and what a browser is told about it.

use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HOST,
    HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY,
};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The origins besides our own that browsers may call from. Empty by default.
#[derive(Debug, Clone, Default)]
pub struct Origins(Vec<String>);

impl Origins {
    /// Takes origins as browsers write them: `https://chat.example`.
    pub fn listed(origins: impl IntoIterator<Item = String>) -> Self {
        let plain = |origin: String| origin.trim().trim_end_matches('/').to_ascii_lowercase();
        Self(origins.into_iter().map(plain).collect())
    }

    fn lists(&self, origin: &str) -> bool {
        self.0.iter().any(|listed| listed.eq_ignore_ascii_case(origin))
    }

    /// Whether the call may go on as far as its origin is concerned.
    ///
    /// Reads are let through: without our CORS headers the browser keeps the answer from the page.
    /// Everything that changes something, and every socket, must come from the same origin, from a
    /// listed one, or from something that is no browser.
    pub fn admit(&self, method: &Method, socket: bool, headers: &HeaderMap) -> bool {
        if !socket && is_read(method) {
            return true;
        }
        match headers.get(ORIGIN).map(HeaderValue::to_str) {
            None => headers
                .get(SEC_FETCH_SITE)
                .is_none_or(|site| matches!(site.as_bytes(), b"same-origin" | b"none")),
            Some(Ok(origin)) => is_own(origin, headers) || self.lists(origin),
            Some(Err(_)) => false,
        }
    }

    /// Whether a call that is known by its cookie alone may change something: the browser must say
    /// that it comes from our own page.
    pub fn admit_cookie(&self, method: &Method, socket: bool, headers: &HeaderMap) -> bool {
        if !socket && is_read(method) {
            return true;
        }
        let says_own = |site: &HeaderValue| site.as_bytes() == b"same-origin";
        headers.contains_key(ORIGIN) || headers.get(SEC_FETCH_SITE).is_some_and(says_own)
    }

    /// Tells the browser of a listed origin that it may read the answer.
    pub fn announce(&self, request: &HeaderMap, answer: &mut HeaderMap) {
        let Some(origin) = request.get(ORIGIN) else { return };
        if !origin.to_str().is_ok_and(|origin| self.lists(origin)) {
            return;
        }
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        let exposed = HeaderValue::from_static("retry-after, x-request-id, content-disposition");
        answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        answer.append(VARY, HeaderValue::from_static("origin"));
    }

    /// Answers a preflight from a listed origin with the methods of the path.
    pub fn announce_methods(
        &self,
        request: &HeaderMap,
        methods: &HeaderValue,
        answer: &mut HeaderMap,
    ) {
        self.announce(request, answer);
        if answer.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
            answer.insert(ACCESS_CONTROL_ALLOW_METHODS, methods.clone());
            let allowed = "authorization, content-type, x-api-key, accept-language, last-event-id";
            answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(allowed));
            answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        }
    }
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether the origin is the host that the request was sent to. The scheme is not compared: behind
/// a proxy that ends TLS we do not know our own.
fn is_own(origin: &str, headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    match (origin.split_once("://"), host) {
        (Some((_, origin)), Some(host)) => origin.eq_ignore_ascii_case(host),
        _ => false,
    }
}
