//! The `metadata` component: a task that fetches, and is cancelled and awaited on every way down.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use firstlight_core::lifecycle::{BoxError, Component, Item, StepCx};
use firstlight_core::settings::ModelMetadata;
use jiff::Timestamp;
use reqwest::Client;
use tokio::time::sleep;

use super::catalogue::{Catalogue, Metadata};
use super::copy;
use crate::http_client::{self, ClientSettings, Redirects};
use crate::providers::ProviderDefaults;

/// The file in the data folder.
const FILE: &str = "model-metadata.json";
/// The limit of one fetch.
const FETCH_LIMIT: Duration = Duration::from_secs(30);
/// How soon a failed fetch is tried again, where the interval is not shorter anyway.
const RETRY: Duration = Duration::from_mins(15);

/// Reads the last good copy, and fetches in the background if an address is configured.
pub struct MetadataComponent {
    metadata: Metadata,
    settings: ModelMetadata,
    defaults: ProviderDefaults,
}

/// One configured address and what is done with what comes from there.
struct Refresh {
    metadata: Metadata,
    settings: ModelMetadata,
    url: String,
    http: Client,
    copy: PathBuf,
    item: Item,
}

impl MetadataComponent {
    /// The component that keeps `metadata` current. Proxy and data folder are those of providers.
    pub fn new(metadata: Metadata, settings: ModelMetadata, defaults: ProviderDefaults) -> Self {
        Self { metadata, settings, defaults }
    }
}

impl Component for MetadataComponent {
    const NAME: &'static str = "metadata";
    const FATAL: bool = false;
    type Handle = ();

    async fn start(self, cx: &StepCx) -> Result<(), BoxError> {
        let copy = self.defaults.folder.join(FILE);
        if self.metadata.fetched_at().is_none() {
            read_copy(&copy, &self.metadata).await;
        }
        let url = self.settings.url.clone().filter(|url| !url.trim().is_empty());
        let Some(url) = url else { return Ok(()) };
        let http = http_client::build(&ClientSettings {
            proxy: self.defaults.proxy.clone(),
            no_proxy: self.defaults.no_proxy.clone(),
            total_timeout: Some(FETCH_LIMIT),
            redirects: Redirects::SameScheme,
            ..ClientSettings::default()
        })?;
        let (metadata, settings) = (self.metadata.clone(), self.settings);
        let item = cx.item("catalogue");
        let refresh = Refresh { metadata, settings, url, http, copy, item };
        let token = cx.token().clone();
        cx.spawn("refresh", async move {
            // Dropping the loop closes a fetch that is under way.
            let _cancelled_or_never = token.run_until_cancelled(refresh.forever()).await;
        });
        Ok(())
    }

    async fn stop((): ()) -> Result<(), BoxError> {
        Ok(())
    }
}

impl Refresh {
    async fn forever(self) {
        let interval = self.settings.interval.duration();
        let mut wait = self.due_in(interval);
        loop {
            if wait.is_zero() {
                self.item.start();
            } else {
                self.item.finish();
            }
            sleep(wait).await;
            wait = match self.once().await {
                Ok(()) => interval.max(Duration::from_secs(1)),
                Err(error) => {
                    tracing::warn!(
                        error,
                        "model metadata could not be refreshed, keeping what is known"
                    );
                    self.item.fail(error);
                    sleep(RETRY.min(interval).max(Duration::from_secs(1))).await;
                    Duration::ZERO
                }
            };
        }
    }

    /// A copy from before a restart counts as long as one from this run.
    fn due_in(&self, interval: Duration) -> Duration {
        let Some(fetched_at) = self.metadata.fetched_at() else { return Duration::ZERO };
        let age =
            Duration::try_from(Timestamp::now().duration_since(fetched_at)).unwrap_or_default();
        interval.saturating_sub(age)
    }

    async fn once(&self) -> Result<(), String> {
        let bytes = self.fetch().await?;
        let catalogue = Catalogue::parse(&bytes, Timestamp::now())?;
        let models = catalogue.models.len();
        let (copy, kept) = (self.copy.clone(), Arc::new(catalogue));
        let written = Arc::clone(&kept);
        let written = tokio::task::spawn_blocking(move || copy::write(&copy, &written)).await;
        match written {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "model metadata could not be kept on disk"),
            Err(error) => tracing::warn!(%error, "model metadata could not be kept on disk"),
        }
        self.metadata.replace(Arc::unwrap_or_clone(kept));
        tracing::info!(models, "model metadata refreshed");
        Ok(())
    }

    /// The texts of these errors leave the address out: it may hold a key.
    async fn fetch(&self) -> Result<BytesMut, String> {
        let told = |error: reqwest::Error| error.without_url().to_string();
        let mut response = self.http.get(&self.url).send().await.map_err(told)?;
        if !response.status().is_success() {
            return Err(format!("the server answered with status {}", response.status().as_u16()));
        }
        let limit = self.settings.max_bytes;
        let mut body = BytesMut::new();
        while let Some(bytes) = response.chunk().await.map_err(told)? {
            if body.len() + bytes.len() > limit {
                return Err(format!("the answer is longer than {limit} bytes"));
            }
            body.extend_from_slice(&bytes);
        }
        Ok(body)
    }
}

async fn read_copy(path: &Path, metadata: &Metadata) {
    let path = path.to_owned();
    match tokio::task::spawn_blocking(move || copy::read(&path)).await {
        Ok(Ok(Some(catalogue))) => metadata.replace(catalogue),
        Ok(Ok(None)) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the last copy of the model metadata is unusable"),
        Err(error) => tracing::warn!(%error, "the last copy of the model metadata is unusable"),
    }
}
