//! The one place where HTTP clients are made.
//!
//! Proxies are settings of a client, never of the process environment, and what the environment
//! says about proxies is ignored: the configuration is the whole truth. No client follows a
//! redirect to another scheme, and one that carries keys follows none to another origin.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::dns::Resolve;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, ClientBuilder, NoProxy, Proxy, Url};

const USER_AGENT: &str = concat!("firstlight/", env!("CARGO_PKG_VERSION"));
const REDIRECTS: usize = 5;
const PROBE: Duration = Duration::from_secs(20);

/// How a client reaches the world.
#[derive(Clone)]
pub struct ClientSettings {
    /// `http`, `https`, `socks5` or `socks5h` address of a proxy; it may hold a name and password.
    pub proxy: Option<String>,
    /// Hosts, addresses and networks that are reached without the proxy. `10.*` is understood.
    pub no_proxy: Vec<String>,
    /// Limit for connecting, TLS included.
    pub connect_timeout: Duration,
    /// Limit for a whole exchange; none for clients that stream and keep their own deadlines.
    pub total_timeout: Option<Duration>,
    /// Sent with each request; they may hold secrets.
    pub headers: BTreeMap<String, String>,
    /// Where redirects may lead.
    pub redirects: Redirects,
    /// Looks names up in place of the system: for clients that may not connect to everything.
    pub resolver: Option<Arc<dyn Resolve>>,
}

/// Where a client follows redirects to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redirects {
    /// The same scheme, host and port: for requests that carry secrets.
    SameOrigin,
    /// Any host, by the same scheme: for public downloads.
    SameScheme,
    /// Nowhere: for callers that look at each step themselves.
    None,
}

/// Why a client cannot be made. The texts repeat no value, for it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The proxy is not an address of a known kind.
    #[error("the proxy address is not valid (http, https, socks5 or socks5h with a host)")]
    Proxy,
    /// A header has a name that HTTP does not allow.
    #[error("the header name {name:?} is not valid")]
    HeaderName { name: String },
    /// A header has a value that HTTP does not allow.
    #[error("the value of the header {name:?} is not valid")]
    HeaderValue { name: String },
    /// The TLS stack could not start.
    #[error("the TLS set-up failed")]
    Tls,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            proxy: None,
            no_proxy: Vec::new(),
            connect_timeout: Duration::from_secs(10),
            total_timeout: None,
            headers: BTreeMap::new(),
            redirects: Redirects::SameOrigin,
            resolver: None,
        }
    }
}

impl fmt::Debug for ClientSettings {
    /// The proxy and the headers may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connect_timeout, redirects, .. } = self;
        write!(f, "ClientSettings({connect_timeout:?}, {redirects:?})")
    }
}

/// A client that is made when it is first used. Making one reads the system's root certificates,
/// which is too slow to be done at start-up for every peer that may never be asked.
pub struct LazyClient {
    settings: ClientSettings,
    client: OnceLock<Client>,
}

impl LazyClient {
    /// Finds out what is wrong with the settings now, and makes the client later.
    pub fn new(settings: ClientSettings) -> Result<Self, ClientError> {
        drop(prepared(&settings)?);
        Ok(Self { settings, client: OnceLock::new() })
    }

    /// The client itself.
    pub fn client(&self) -> Result<&Client, ClientError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let made = build(&self.settings)?;
        Ok(self.client.get_or_init(|| made))
    }
}

/// Makes a client. It holds a connection pool, so make one per peer and keep it.
pub fn build(settings: &ClientSettings) -> Result<Client, ClientError> {
    prepared(settings)?.build().map_err(|_| ClientError::Tls)
}

fn prepared(settings: &ClientSettings) -> Result<ClientBuilder, ClientError> {
    let mut builder = Client::builder()
        .no_proxy()
        .user_agent(USER_AGENT)
        .default_headers(headers(&settings.headers)?)
        .connect_timeout(settings.connect_timeout)
        // A peer that vanished without a word is noticed before a person gives up.
        .tcp_keepalive(PROBE)
        .http2_keep_alive_interval(PROBE)
        .http2_keep_alive_timeout(PROBE)
        .referer(false)
        .redirect(policy(settings.redirects));
    if let Some(resolver) = &settings.resolver {
        builder = builder.dns_resolver(Arc::clone(resolver));
    }
    if let Some(total) = settings.total_timeout {
        builder = builder.timeout(total);
    }
    if let Some(address) = settings.proxy.as_deref().filter(|address| !address.trim().is_empty()) {
        builder = builder.proxy(proxy(address.trim(), &settings.no_proxy)?);
    }
    Ok(builder)
}

/// Why an address did not answer as it should.
#[derive(Debug, thiserror::Error)]
pub enum UnreachableError {
    /// No client could be made.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// It did not answer in time, or not at all.
    #[error("no answer within 10 s, or none at all")]
    Silent,
    /// It answered with a status that says no.
    #[error("the answer has the status {status}")]
    Status {
        /// The status.
        status: u16,
    },
}

/// Asks an address once and says how long the head of its answer took; 10 s at most.
pub async fn latency(address: &str) -> Result<Duration, UnreachableError> {
    let settings = ClientSettings {
        total_timeout: Some(Duration::from_secs(10)),
        ..ClientSettings::default()
    };
    let client = build(&settings)?;
    let begun = tokio::time::Instant::now();
    let answer = client.get(address).send().await.map_err(|_| UnreachableError::Silent)?;
    if answer.status().is_success() {
        return Ok(begun.elapsed());
    }
    Err(UnreachableError::Status { status: answer.status().as_u16() })
}

fn headers(from: &BTreeMap<String, String>) -> Result<HeaderMap, ClientError> {
    from.iter()
        .map(|(name, value)| {
            let mut value = HeaderValue::from_str(value)
                .map_err(|_| ClientError::HeaderValue { name: name.clone() })?;
            value.set_sensitive(true);
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| ClientError::HeaderName { name: name.clone() })?;
            Ok((name, value))
        })
        .collect()
}

fn proxy(address: &str, no_proxy: &[String]) -> Result<Proxy, ClientError> {
    let parsed = Url::parse(address).map_err(|_| ClientError::Proxy)?;
    let known = matches!(parsed.scheme(), "http" | "https" | "socks5" | "socks5h");
    if !known || parsed.host_str().is_none_or(str::is_empty) {
        return Err(ClientError::Proxy);
    }
    let proxy = Proxy::all(parsed).map_err(|_| ClientError::Proxy)?;
    let direct = no_proxy.iter().map(|entry| network(entry.trim())).collect::<Vec<_>>().join(",");
    Ok(proxy.no_proxy(NoProxy::from_string(&direct)))
}

/// Puts the star forms people write into the forms that are understood below us.
fn network(entry: &str) -> String {
    if let Some(domain) = entry.strip_prefix("*.") {
        return format!(".{domain}");
    }
    let Some(start) = entry.strip_suffix(".*") else { return entry.to_owned() };
    let start = start.trim_end_matches(".*");
    let octets: Option<Vec<u8>> = start.split('.').map(|octet| octet.parse().ok()).collect();
    match octets.as_deref() {
        Some([a]) => format!("{a}.0.0.0/8"),
        Some([a, b]) => format!("{a}.{b}.0.0/16"),
        Some([a, b, c]) => format!("{a}.{b}.{c}.0/24"),
        _ => entry.to_owned(),
    }
}

fn policy(redirects: Redirects) -> Policy {
    if redirects == Redirects::None {
        return Policy::none();
    }
    Policy::custom(move |attempt: Attempt<'_>| {
        let too_many = attempt.previous().len() > REDIRECTS;
        let allowed = attempt.previous().first().is_some_and(|first| match redirects {
            Redirects::SameOrigin => first.origin() == attempt.url().origin(),
            Redirects::SameScheme => first.scheme() == attempt.url().scheme(),
            Redirects::None => false,
        });
        if too_many {
            attempt.error("too many redirects")
        } else if allowed {
            attempt.follow()
        } else {
            attempt.error("redirected to another origin")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_of_each_known_kind_is_accepted_and_others_are_refused_without_their_secret() {
        for proxy in ["http://p:1", "https://p:1", "socks5://u:s3cret@p:1", "socks5h://p:1", " "] {
            let settings = ClientSettings { proxy: Some(proxy.into()), ..Default::default() };
            assert!(build(&settings).is_ok(), "{proxy}");
        }
        for proxy in ["ftp://u:s3cret@p", "u:s3cret@p:1", "http://"] {
            let settings = ClientSettings { proxy: Some(proxy.into()), ..Default::default() };
            let error = build(&settings).unwrap_err();
            assert_eq!(error, ClientError::Proxy, "{proxy}");
            assert!(!error.to_string().contains("s3cret"));
        }
    }

    #[test]
    fn star_forms_of_no_proxy_become_networks() {
        let check = |entry: &str, expected: &str| assert_eq!(network(entry), expected);
        check("10.*", "10.0.0.0/8");
        check("192.168.*", "192.168.0.0/16");
        check("192.168.*.*", "192.168.0.0/16");
        check("172.16.5.*", "172.16.5.0/24");
        check("*.example.com", ".example.com");
        check("localhost", "localhost");
        check("fd00.*", "fd00.*");
    }

    #[test]
    fn a_header_that_http_does_not_allow_is_named_but_its_value_is_not_repeated() {
        let headers = BTreeMap::from([("X-Key".to_owned(), "s3cret\n".to_owned())]);
        let settings = ClientSettings { headers, ..Default::default() };
        let error = build(&settings).unwrap_err();
        assert_eq!(error, ClientError::HeaderValue { name: "X-Key".to_owned() });
    }
}
