//! Requests of plugins to web servers.
//!
//! A host is looked at before each request and at each redirect, and its address after the name was
//! looked up, so that nothing private is reached unless it was granted by name. Never through a
//! proxy: it would look names up itself.

use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use firstlight_plugins_api::{
    Capabilities, Capability, HostError, HttpRequest, HttpResponse, HttpStream,
};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Client, Method, Response, Url};
use tokio::time::timeout;

use super::streams::{Streams, part};
use crate::addresses::{NoPublicAddress, PublicOnly, is_closed_literal};
use crate::http_client::{self, ClientSettings, Redirects};

/// The largest body in either direction that is held whole.
const BODY_LIMIT: usize = 8 << 20;
/// How long a request may take unless it says so, and at most.
const USUAL: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_mins(5);
/// How often one address may lead to another.
const REDIRECTS: usize = 10;
/// Headers that belong to the connection.
const OURS: [&str; 6] =
    ["host", "connection", "content-length", "transfer-encoding", "upgrade", "te"];

/// The clients of all plugins: they hold connection pools, and are made when they are first used.
#[derive(Default)]
pub(in crate::plugins) struct Clients {
    public: OnceLock<Client>,
    named: OnceLock<Client>,
}

/// The way of one plugin to web servers.
pub(in crate::plugins) struct Outbound {
    rate: DefaultDirectRateLimiter,
    per_minute: NonZeroU32,
    streams: Streams,
}

impl Outbound {
    pub(in crate::plugins) fn new(per_minute: NonZeroU32) -> Self {
        let rate = RateLimiter::direct(Quota::per_minute(per_minute));
        Self { rate, per_minute, streams: Streams::default() }
    }

    pub(super) async fn fetch(
        &self,
        clients: &Clients,
        granted: &Capabilities,
        request: HttpRequest,
    ) -> Result<HttpResponse, HostError> {
        let limit = within(&request);
        let fetched = async {
            let mut response = self.begin(clients, granted, request).await?;
            let (status, headers) = head(&response);
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(|e| unreachable(&e))? {
                if body.len() + chunk.len() > BODY_LIMIT {
                    return Err(HostError::limit("the body of an answer", BODY_LIMIT as u64));
                }
                body.extend_from_slice(&chunk);
            }
            Ok(HttpResponse { status, headers, body })
        };
        timeout(limit, fetched).await.unwrap_or_else(|_| Err(too_slow(limit)))
    }

    pub(super) async fn open(
        &self,
        clients: &Clients,
        granted: &Capabilities,
        request: HttpRequest,
    ) -> Result<HttpStream, HostError> {
        let limit = within(&request);
        let place = self.streams.place()?;
        let begun = timeout(limit, self.begin(clients, granted, request)).await;
        let response = begun.unwrap_or_else(|_| Err(too_slow(limit)))?;
        let (status, headers) = head(&response);
        Ok(HttpStream { stream: place.fill(response), status, headers })
    }

    pub(super) async fn read(&self, stream: u64) -> Result<Option<Vec<u8>>, HostError> {
        let mut open = self.streams.take(stream)?;
        // Dropped on the way, the body is closed: what was read of it would be missing.
        let read = part(&mut open).await?;
        if read.is_some() {
            self.streams.put_back(stream, open);
        }
        Ok(read)
    }

    pub(super) fn close(&self, stream: u64) -> bool {
        self.streams.take(stream).is_ok()
    }

    /// Sends, and follows redirects by hand, because each host on the way is looked at.
    async fn begin(
        &self,
        clients: &Clients,
        granted: &Capabilities,
        request: HttpRequest,
    ) -> Result<Response, HostError> {
        if request.body.len() > BODY_LIMIT {
            return Err(HostError::limit("the body of a request", BODY_LIMIT as u64));
        }
        let mut url = Url::parse(&request.url)
            .map_err(|_| HostError::Remote("the address is not a whole one".to_owned()))?;
        let mut method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| HostError::Remote("there is no such method".to_owned()))?;
        let (mut headers, mut body) = (header_map(&request.headers)?, request.body);
        for _ in 0..=REDIRECTS {
            self.rate.check().map_err(|_| {
                HostError::limit("requests each minute", self.per_minute.get().into())
            })?;
            let client = client_for(clients, granted, &url)?;
            let sent = client.request(method.clone(), url.clone()).headers(headers.clone());
            let response = sent.body(body.clone()).send().await.map_err(|e| unreachable(&e))?;
            let next = response.headers().get(LOCATION).and_then(|next| next.to_str().ok());
            let Some(next) = next.filter(|_| follows(response.status().as_u16())) else {
                return Ok(response);
            };
            let next = url.join(next).map_err(|_| {
                HostError::Remote("it leads on to something that is no address".to_owned())
            })?;
            if response.status().as_u16() <= 303 && method != Method::HEAD {
                (method, body) = (Method::GET, Vec::new());
            }
            if next.origin() != url.origin() {
                headers.remove(AUTHORIZATION);
                headers.remove(COOKIE);
            }
            url = next;
        }
        Err(HostError::Remote(format!("it leads on more than {REDIRECTS} times")))
    }
}

/// 304 is an answer, not a way.
fn follows(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

fn within(request: &HttpRequest) -> Duration {
    request.within.unwrap_or(USUAL).min(LONGEST)
}

fn too_slow(limit: Duration) -> HostError {
    HostError::Remote(format!("no answer within {} s", limit.as_secs_f32()))
}

/// Without the address: it may hold a token.
fn unreachable(error: &reqwest::Error) -> HostError {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(source) = cause {
        if source.is::<NoPublicAddress>() {
            let reason = "the name leads to a private address".to_owned();
            return HostError::NotGranted { capability: Capability::Hosts, reason };
        }
        cause = source.source();
    }
    HostError::Remote("the web server could not be reached, or broke off".to_owned())
}

fn client_for<'a>(
    clients: &'a Clients,
    granted: &Capabilities,
    url: &Url,
) -> Result<&'a Client, HostError> {
    let refused = |reason: String| HostError::NotGranted { capability: Capability::Hosts, reason };
    if !matches!(url.scheme(), "http" | "https") {
        return Err(HostError::Remote("it is no http or https address".to_owned()));
    }
    let host = url.host_str().unwrap_or_default();
    let settings = ClientSettings { redirects: Redirects::None, ..ClientSettings::default() };
    if granted.private_hosts.iter().any(|named| names_exactly(named, url)) {
        return made(&clients.named, &settings);
    }
    if !granted.hosts.iter().any(|pattern| matches(pattern, host)) {
        return Err(refused(format!("{host} is not among the hosts that were granted")));
    }
    if is_closed_literal(url) {
        return Err(refused(format!("{host} is a private address")));
    }
    made(&clients.public, &ClientSettings { resolver: Some(Arc::new(PublicOnly)), ..settings })
}

fn made<'a>(
    client: &'a OnceLock<Client>,
    settings: &ClientSettings,
) -> Result<&'a Client, HostError> {
    if let Some(client) = client.get() {
        return Ok(client);
    }
    let made = http_client::build(settings).map_err(|e| HostError::Failed(e.to_string()))?;
    Ok(client.get_or_init(|| made))
}

/// `a.example`, `*.example` for all below it, or `*`.
fn matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(domain) => {
            host.len() > domain.len() + 1
                && host.get(host.len() - domain.len() - 1..).is_some_and(|end| {
                    end.strip_prefix('.').is_some_and(|end| end.eq_ignore_ascii_case(domain))
                })
        }
        None => pattern == "*" || pattern.eq_ignore_ascii_case(host),
    }
}

/// `nas.local`, `192.168.1.5:8123` or `[fd00::1]:80`.
fn names_exactly(named: &str, url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    named.eq_ignore_ascii_case(host) || named.eq_ignore_ascii_case(&format!("{host}:{port}"))
}

fn header_map(given: &[(String, String)]) -> Result<HeaderMap, HostError> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let wrong = |what: &str| HostError::Remote(format!("the header {name:?} {what}"));
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("has no name"))?;
        if OURS.contains(&key.as_str()) {
            return Err(wrong("is the connection's own"));
        }
        let value = HeaderValue::from_str(value).map_err(|_| wrong("holds what HTTP forbids"))?;
        headers.append(key, value);
    }
    Ok(headers)
}

fn head(response: &Response) -> (u16, Vec<(String, String)>) {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = response.headers().iter();
    let headers = headers.map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    (response.status().as_u16(), headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_names_a_host_or_all_below_a_domain() {
        assert!(matches("api.example.org", "API.example.org"));
        assert!(matches("*.example.org", "a.example.org"));
        assert!(matches("*.example.org", "a.b.example.org"));
        assert!(matches("*", "anything"));
        for host in ["example.org", "aexample.org", "example.org.evil.net", "xexample.org"] {
            assert!(!matches("*.example.org", host), "{host}");
        }
        assert!(!matches("example.org", "a.example.org"));
    }

    #[test]
    fn a_private_host_is_named_whole() {
        let url = Url::parse("http://192.168.1.5:8123/x").unwrap();
        assert!(names_exactly("192.168.1.5", &url));
        assert!(names_exactly("192.168.1.5:8123", &url));
        assert!(!names_exactly("192.168.1.5:80", &url));
        assert!(!names_exactly("192.168.1", &url));
    }

    #[test]
    fn only_what_was_granted_is_reached_and_a_private_address_never_by_a_pattern() {
        let clients = Clients::default();
        let granted =
            Capabilities { hosts: vec!["*".into(), "10.0.0.1".into()], ..Capabilities::default() };
        for address in
            ["http://127.0.0.1/", "http://10.0.0.1/", "http://[::1]/", "http://2130706433/"]
        {
            let refused = client_for(&clients, &granted, &Url::parse(address).unwrap());
            let granted =
                matches!(refused, Err(HostError::NotGranted { capability: Capability::Hosts, .. }));
            assert!(granted, "{address}");
        }
        assert!(
            client_for(&clients, &granted, &Url::parse("https://example.org").unwrap()).is_ok()
        );
        let named =
            Capabilities { private_hosts: vec!["127.0.0.1:81".into()], ..Capabilities::default() };
        let reaches = |address| client_for(&clients, &named, &Url::parse(address).unwrap()).is_ok();
        assert!(reaches("http://127.0.0.1:81/"));
        assert!(!reaches("http://127.0.0.1:82/"));
        assert!(!reaches("https://example.org/"));
        assert!(!reaches("ftp://127.0.0.1:81/"));
    }

    #[test]
    fn headers_of_the_connection_are_not_the_plugins() {
        let header = |name: &str, value: &str| header_map(&[(name.into(), value.into())]);
        assert!(header("X-Key", "1").is_ok());
        for (name, value) in [("Host", "x"), ("content-length", "1"), ("a b", "x"), ("x", "a\nb")] {
            assert!(header(name, value).is_err(), "{name}");
        }
    }
}
