//! Archives behind web addresses.

use std::path::Path;
use std::time::Duration;

use reqwest::header::HeaderMap;
use sha2::{Digest as _, Sha256};
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use super::error::PackageError;
use super::files;
use super::intake::ARCHIVE_LIMIT;
use super::web::{Pieces, Web, WebError};

/// How long a download may take, redirects and all.
const DEADLINE: Duration = Duration::from_mins(2);

/// Downloads an archive and answers its SHA-256, which must be `expected` when that is given.
pub(super) async fn download(
    web: &Web,
    url: &str,
    expected: Option<&str>,
    into: &Path,
) -> Result<String, PackageError> {
    let too_slow = || Err(WebError::TooSlow(DEADLINE.as_secs()).into());
    let actual = timeout(DEADLINE, fetch(web, url, into)).await.unwrap_or_else(|_| too_slow())?;
    match expected {
        Some(expected) if !expected.eq_ignore_ascii_case(&actual) => {
            Err(PackageError::Checksum { expected: expected.to_owned(), actual })
        }
        _ => Ok(actual),
    }
}

async fn fetch(web: &Web, url: &str, into: &Path) -> Result<String, PackageError> {
    let response = web.ask(url, &HeaderMap::new()).await?;
    let mut file = File::create_new(into).await.map_err(files::at(into))?;
    let (mut digest, mut pieces) = (Sha256::new(), Pieces::of(response, ARCHIVE_LIMIT)?);
    while let Some(bytes) = pieces.next().await? {
        digest.update(&bytes);
        file.write_all(&bytes).await.map_err(files::at(into))?;
    }
    file.flush().await.map_err(files::at(into))?;
    Ok(hex::encode(digest.finalize()))
}
