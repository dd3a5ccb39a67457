//! Fetches what a stranger's message refers to into the attachments.
//!
//! Directly, never through a proxy: a proxy would look names up itself, out of reach of the check.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use firstlight_core::db::{Attachment, Attachments, DbError, Upload};
use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Client, Response, Url};

use super::kind::Media;
use crate::addresses::{NoPublicAddress, PublicOnly, is_closed_literal};
use crate::http_client::{self, ClientError, ClientSettings, Redirects};

/// The largest file that is fetched.
pub(super) const LARGEST: u64 = 20 << 20;
/// How long one file may take, redirects and all.
const DEADLINE: Duration = Duration::from_secs(30);
/// How often one address may lead to another.
const REDIRECTS: usize = 5;
/// How long a fetched file is kept, in milliseconds. It is for the turn, and for messages that send it on.
const KEPT_MS: i64 = 24 * 3_600_000;

/// Fetches files that strangers name. It holds connection pools, so there is one of it.
#[derive(Default)]
pub struct MediaFetcher {
    /// Connects to public addresses only.
    public: OnceLock<Client>,
    /// For hosts that the profile names though they are private.
    named: OnceLock<Client>,
}

/// Why a file was not fetched. The texts repeat no address: it may hold a token.
#[derive(Debug, thiserror::Error)]
pub(super) enum MediaError {
    #[error("it is no http or https address")]
    Scheme,
    #[error("its host is not a public one")]
    Private,
    #[error("it leads on too often")]
    Redirects,
    #[error("its host answered with the status {0}")]
    Status(u16),
    #[error("it has more than {LARGEST} bytes")]
    TooLarge,
    #[error("it did not come within {} s", DEADLINE.as_secs())]
    TooSlow,
    #[error("it is no picture")]
    NoPicture,
    #[error("it is not readable as base64")]
    Encoding,
    #[error("its host could not be reached")]
    Unreachable(#[source] reqwest::Error),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("it could not be stored")]
    Store(#[from] DbError),
}

impl MediaFetcher {
    /// Fetches one file. `named_hosts` may have private addresses.
    pub(super) async fn fetch(
        &self,
        address: &str,
        media: Media,
        named_hosts: &[String],
        attachments: &Attachments,
    ) -> Result<Attachment, MediaError> {
        let fetched = async {
            let response = self.follow(address, named_hosts).await?;
            receive(response, media, attachments).await
        };
        tokio::time::timeout(DEADLINE, fetched).await.unwrap_or(Err(MediaError::TooSlow))
    }

    /// Follows redirects by hand, because each host on the way is looked at.
    async fn follow(&self, address: &str, named_hosts: &[String]) -> Result<Response, MediaError> {
        let mut url = Url::parse(address).map_err(|_| MediaError::Scheme)?;
        for _ in 0..=REDIRECTS {
            let client = self.client_for(&url, named_hosts)?;
            let response = client.get(url.clone()).send().await.map_err(unreachable)?;
            let status = response.status();
            if status.is_success() {
                return Ok(response);
            }
            let next = response.headers().get(LOCATION).and_then(|next| next.to_str().ok());
            let Some(next) = next.filter(|_| status.is_redirection()) else {
                return Err(MediaError::Status(status.as_u16()));
            };
            url = url.join(next).map_err(|_| MediaError::Scheme)?;
        }
        Err(MediaError::Redirects)
    }

    fn client_for(&self, url: &Url, named_hosts: &[String]) -> Result<&Client, MediaError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(MediaError::Scheme);
        }
        let host = url.host_str().unwrap_or_default();
        if named_hosts.iter().any(|named| named.eq_ignore_ascii_case(host)) {
            return made(&self.named, &ClientSettings { redirects: Redirects::None, ..settings() });
        }
        if is_closed_literal(url) {
            return Err(MediaError::Private);
        }
        made(&self.public, &ClientSettings { resolver: Some(Arc::new(PublicOnly)), ..settings() })
    }
}

fn settings() -> ClientSettings {
    ClientSettings {
        redirects: Redirects::None,
        total_timeout: Some(DEADLINE),
        ..ClientSettings::default()
    }
}

fn made<'a>(
    place: &'a OnceLock<Client>,
    settings: &ClientSettings,
) -> Result<&'a Client, MediaError> {
    if let Some(client) = place.get() {
        return Ok(client);
    }
    let client = http_client::build(settings)?;
    Ok(place.get_or_init(|| client))
}

fn unreachable(error: reqwest::Error) -> MediaError {
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        if inner.is::<NoPublicAddress>() {
            return MediaError::Private;
        }
        source = inner.source();
    }
    MediaError::Unreachable(error.without_url())
}

/// Takes the bytes in as they come; more than allowed are not waited for.
async fn receive(
    mut response: Response,
    media: Media,
    attachments: &Attachments,
) -> Result<Attachment, MediaError> {
    if response.content_length().is_some_and(|length| length > LARGEST) {
        return Err(MediaError::TooLarge);
    }
    let told = response.headers().get(CONTENT_TYPE).and_then(|told| told.to_str().ok());
    let told = told.unwrap_or_default().to_owned();
    let mut incoming = Incoming::begin(attachments).await?;
    while let Some(bytes) = response.chunk().await.map_err(unreachable)? {
        incoming.write(&bytes).await?;
    }
    incoming.finish(media, &told).await
}

/// Stores bytes that came within the message.
pub(super) async fn keep(
    bytes: &[u8],
    media: Media,
    attachments: &Attachments,
) -> Result<Attachment, MediaError> {
    let mut incoming = Incoming::begin(attachments).await?;
    incoming.write(bytes).await?;
    incoming.finish(media, "").await
}

/// A file on its way into the attachments. Its first bytes say what it is.
struct Incoming {
    upload: Upload,
    head: Vec<u8>,
}

impl Incoming {
    async fn begin(attachments: &Attachments) -> Result<Self, MediaError> {
        Ok(Self { upload: attachments.begin().await?, head: Vec::new() })
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), MediaError> {
        if self.upload.size() + bytes.len() as u64 > LARGEST {
            return Err(MediaError::TooLarge);
        }
        let missing = super::kind::HEAD.saturating_sub(self.head.len());
        self.head.extend(bytes.iter().take(missing));
        Ok(self.upload.write(bytes).await?)
    }

    async fn finish(self, media: Media, told: &str) -> Result<Attachment, MediaError> {
        let mime = media.mime(&self.head, told).ok_or(MediaError::NoPicture)?;
        let until = Timestamp::now().as_millisecond() + KEPT_MS;
        Ok(self.upload.kept_until(until).finish(media.filename(), mime).await?)
    }
}
