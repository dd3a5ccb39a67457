//! Requests for packages and lists: to public addresses only, each host on the way looked at.
//!
//! Directly, never through a proxy: a proxy would look names up itself, out of reach of the check.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Client, Response, StatusCode, Url};

use crate::addresses::{NoPublicAddress, PublicOnly, is_closed_literal};
use crate::http_client::{self, ClientError, ClientSettings, Redirects};

/// How often one address may lead to another.
const REDIRECTS: usize = 5;

/// What fetches packages and lists. It holds connection pools, so there is one for each purpose.
pub(super) struct Web {
    /// Connects to public addresses only.
    public: OnceLock<Client>,
    /// For hosts that the operator named though they are private.
    named: OnceLock<Client>,
    named_hosts: Vec<String>,
}

/// Why nothing was fetched. The texts repeat no address: it may hold a token.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// It is no address that is taken.
    #[error("it is no https address")]
    Address,
    /// The host is not a public one.
    #[error("its host is not a public one")]
    Private,
    /// One address leads to the next.
    #[error("it leads on too often")]
    Redirects,
    /// The host says no.
    #[error("its host answered with the status {0}")]
    Status(u16),
    /// It is too large.
    #[error("it has more than {0} bytes")]
    TooLarge(u64),
    /// It took too long.
    #[error("it did not come within {0} s")]
    TooSlow(u64),
    /// The host could not be reached, or went away.
    #[error("its host could not be reached")]
    Unreachable(#[source] reqwest::Error),
    /// No client could be made.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl Web {
    /// `named_hosts` may have private addresses, and need no TLS: each a host, or `host:port`.
    pub(super) fn new(named_hosts: Vec<String>) -> Self {
        Self { public: OnceLock::new(), named: OnceLock::new(), named_hosts }
    }

    /// Asks for what is at an address. The answer is a success, or says that nothing has changed.
    pub(super) async fn ask(&self, url: &str, headers: &HeaderMap) -> Result<Response, WebError> {
        let mut url = Url::parse(url).map_err(|_| WebError::Address)?;
        for _ in 0..=REDIRECTS {
            let request = self.client_for(&url)?.get(url.clone()).headers(headers.clone());
            let response = request.send().await.map_err(unreachable)?;
            let status = response.status();
            if status.is_success() || status == StatusCode::NOT_MODIFIED {
                return Ok(response);
            }
            let next = response.headers().get(LOCATION).and_then(|next| next.to_str().ok());
            let Some(next) = next.filter(|_| status.is_redirection()) else {
                return Err(WebError::Status(status.as_u16()));
            };
            url = url.join(next).map_err(|_| WebError::Address)?;
        }
        Err(WebError::Redirects)
    }

    fn client_for(&self, url: &Url) -> Result<&Client, WebError> {
        let host = url.host_str().unwrap_or_default();
        let with_port = format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
        let named = |named: &String| {
            named.eq_ignore_ascii_case(host) || named.eq_ignore_ascii_case(&with_port)
        };
        match url.scheme() {
            "http" | "https" if self.named_hosts.iter().any(named) => {
                made(&self.named, &settings())
            }
            "https" if is_closed_literal(url) => Err(WebError::Private),
            "https" => {
                let resolver: Arc<dyn reqwest::dns::Resolve> = Arc::new(PublicOnly);
                made(&self.public, &ClientSettings { resolver: Some(resolver), ..settings() })
            }
            _ => Err(WebError::Address),
        }
    }
}

/// An answer, read piece by piece, until there is too much of it.
pub(super) struct Pieces {
    response: Response,
    most: u64,
    size: u64,
}

impl Pieces {
    pub(super) fn of(response: Response, most: u64) -> Result<Self, WebError> {
        if response.content_length().is_some_and(|length| length > most) {
            return Err(WebError::TooLarge(most));
        }
        Ok(Self { response, most, size: 0 })
    }

    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, WebError> {
        let Some(bytes) = self.response.chunk().await.map_err(unreachable)? else {
            return Ok(None);
        };
        self.size += bytes.len() as u64;
        if self.size > self.most { Err(WebError::TooLarge(self.most)) } else { Ok(Some(bytes)) }
    }
}

/// Reads a whole answer.
pub(super) async fn whole(response: Response, most: u64) -> Result<Vec<u8>, WebError> {
    let (mut all, mut pieces) = (Vec::new(), Pieces::of(response, most)?);
    while let Some(bytes) = pieces.next().await? {
        all.extend_from_slice(&bytes);
    }
    Ok(all)
}

fn settings() -> ClientSettings {
    ClientSettings { redirects: Redirects::None, ..ClientSettings::default() }
}

fn made<'a>(
    place: &'a OnceLock<Client>,
    settings: &ClientSettings,
) -> Result<&'a Client, WebError> {
    if let Some(client) = place.get() {
        return Ok(client);
    }
    let client = http_client::build(settings)?;
    Ok(place.get_or_init(|| client))
}

fn unreachable(error: reqwest::Error) -> WebError {
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        if inner.is::<NoPublicAddress>() {
            return WebError::Private;
        }
        source = inner.source();
    }
    WebError::Unreachable(error.without_url())
}
